package schema

import (
	"slices"
	"testing"
)

func TestAddress(t *testing.T) {
	for _, test := range []struct {
		word    string
		kind    SourceKind
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

func TestSuggest(t *testing.T) {
	known := []string{"instance_min", "instance_max", "image", "all", "us-east-1", "us-east-2", "url"}
	for misspelt, want := range map[string]string{
		"instance_mni": "; did you mean instance_min?",
		"imgae":        "; did you mean image?",
		"al":           "; did you mean all?",
		"URL":          "; did you mean url?",
		"us-eats-2":    "; did you mean us-east-2?",
		"colour":       "",
		"x":            "",
		"":             "",
	} {
		if got := suggest(misspelt, known); got != want {
			t.Errorf("%s%s, want %q", misspelt, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "bac", 1},
		{"kitten", "sitting", 3}, {"abcd", "acbd", 1}, {"ca", "abc", 3},
	} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("%s → %s is %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func TestMetricNames(t *testing.T) {
	facts, err := newLanguage(t).facts()
	if err != nil {
		t.Fatal(err)
	}
	for written, want := range map[string]string{
		"EC2/CPUUtilization": "EC2/CPUUtilization", "cpuutilization": "EC2/CPUUtilization", "CPU": "EC2/CPUUtilization",
		"ec2/cpu": "EC2/CPUUtilization", "cpucredits": "EC2/CPUCreditBalance", "unhealthy": "ELB/UnHealthyHostCount",
		"healthyHosts": "ELB/HealthyHostCount", "backend5XX": "ELB/HTTPCode_Backend_5XX", "status4xx": "ELB/HTTPCode_ELB_4XX",
		"ELB/HTTPCode_ELB_5XX": "ELB/HTTPCode_ELB_5XX", "surgequeue": "ELB/SurgeQueueLength", "ram": "System/MemoryUtilization",
		"elb/cpu": "", "": "", "EC2/": "", "backend1XX": "",
	} {
		if got, ok := facts.metrics.find(written); got != want || ok != (want != "") {
			t.Errorf("%s is %q, want %q", written, got, want)
		}
	}
	for name, usual := range facts.metrics.Builtin {
		own := slices.Contains([]string{"ELB/ProcessedBytes", "ELB/NewFlowCount", "ELB/ActiveFlowCount"}, name) // it depends on the app
		if usual.Statistic == "" || (usual.Threshold == "") != own || usual.Period == "" {
			t.Errorf("%s: %+v", name, usual)
		}
	}
	if len(facts.metrics.Builtin) != 30 {
		t.Errorf("%d metrics", len(facts.metrics.Builtin))
	}
	for written, want := range map[string]string{
		"cpu": "CPUUtilization", "credits": "CPUCreditBalance", "CreditUsage": "CPUCreditUsage", "read latency": "ReadLatency",
		"WriteThroughput": "WriteThroughput", "reads": "ReadIOPS", "disk": "",
	} {
		if got, ok := databaseMetric(written); got != want || ok != (want != "") {
			t.Errorf("%s is %q, want %q", written, got, want)
		}
		if _, ok := facts.metrics.Database[want]; want != "" && !ok {
			t.Errorf("%s has no threshold", want)
		}
	}
}
