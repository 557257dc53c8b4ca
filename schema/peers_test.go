package schema

import "testing"

func TestAddress(t *testing.T) {
	for _, test := range []struct {
		word    string
		kind    PeerKind
		ok      bool
		mistake string
	}{
		{"0.0.0.0/0", CIDRv4, true, ""},
		{"10.0.0.0/8", CIDRv4, true, ""},
		{"1.2.3.4/32", CIDRv4, true, ""},
		{"::/0", CIDRv6, true, ""},
		{"2001:db8::/32", CIDRv6, true, ""},
		{"pl-0123456789abcdef0", PrefixList, true, ""},
		{"1.2.3.4", 0, false, "must be a CIDR block: write 1.2.3.4/32"},
		{"2001:db8::1", 0, false, "must be a CIDR block: write 2001:db8::1/128"},
		{"fe80::1%eth0", 0, false, "must be a CIDR block: write fe80::1/128"},
		{"10.1.0.0/8", 0, false, "has bits set beyond its mask: write 10.0.0.0/8"},
		{"2001:db8::1/64", 0, false, "has bits set beyond its mask: write 2001:db8::/64"},
		{"10.0.0.0/33", 0, false, "must be a CIDR block such as 10.0.0.0/8 or 2001:db8::/32"},
		{"10.0.0.0/", 0, false, "must be a CIDR block such as 10.0.0.0/8 or 2001:db8::/32"},
		{"::ffff:10.0.0.0/104", 0, false, "must be a CIDR block such as 10.0.0.0/8 or 2001:db8::/32"},
		{"laika", 0, false, ""},
		{"us-east-1", 0, false, ""},
		{"", 0, false, ""},
	} {
		kind, ok, mistake := address(test.word)
		if kind != test.kind || ok != test.ok || mistake != test.mistake {
			t.Errorf("%q: %v %v %q", test.word, kind, ok, mistake)
		}
	}
}

func TestPublic(t *testing.T) {
	for cidr, want := range map[string]bool{
		"0.0.0.0/0": true, "52.0.0.0/8": true, "172.16.0.0/11": true, "192.0.0.0/8": true, "::/0": true, "2001:db8::/32": true,
		"10.0.0.0/8": false, "10.1.2.3/32": false, "172.31.0.0/16": false, "192.168.7.0/24": false, "fd00::/8": false,
	} {
		if public(cidr) != want {
			t.Errorf("%s: want %v", cidr, want)
		}
	}
}
