package dnsrecords

import "testing"

func TestPlainNames(t *testing.T) {
	for name, want := range map[string]string{
		"WWW.Example.com.": "www.example.com", `\052.example.com.`: "*.example.com", `a\`: `a\`, `a\9xx.b`: `a\9xx.b`, "": "",
	} {
		if got := PlainName(name); got != want {
			t.Errorf("%s: got %s", name, got)
		}
	}
}
