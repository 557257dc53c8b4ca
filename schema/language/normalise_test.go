package language

import (
	"strings"
	"testing"

	"github.com/pebble/spacel/schema/report"
)

func TestNormalise(t *testing.T) {
	l := newLanguage(t)
	for _, test := range []struct{ path, in, want string }{
		{"elastic_ips", `"yes"`, `true`},
		{"elastic_ips", `"ENABLED"`, `true`},
		{"elastic_ips", `"please"`, `true`},
		{"elastic_ips", `"1"`, `true`},
		{"elastic_ips", `1`, `true`},
		{"elastic_ips", `0`, `false`},
		{"elastic_ips", `"No"`, `false`},
		{"elastic_ips", `"disabled"`, `false`},
		{"elastic_ips", `"on"`, `"on"`},
		{"elastic_ips", `2`, `2`},
		{"spot", `"false"`, `false`},
		{"spot", `{"price": "1.00"}`, `{"price":1.00}`},
		{"instance_min", `"3"`, `3`},
		{"instance_min", `"-3"`, `-3`},
		{"instance_min", `"007"`, `7`},
		{"instance_min", `"0"`, `0`},
		{"instance_min", `"3.5"`, `3.5`},
		{"instance_min", `"0x10"`, `"0x10"`},
		{"instance_min", `" 3"`, `" 3"`},
		{"instance_type", `"3"`, `"3"`},
		{"ami", `"20260112"`, `"20260112"`},
		{"debian", `"12"`, `12`},
		{"hostnames", `["1", null]`, `["1",null]`},
		{"public_ports", `{"80": {"internal_port": "8080", "scheme": null}}`, `{"80":{"internal_port":8080}}`},
		{"services", `{"web": {"environment": {"A": "1", "B": "yes", "C": 1.50}, "ports": {"80": "8080", "53": "53/udp"}}}`,
			`{"web":{"environment":{"A":"1","B":"yes","C":1.50},"ports":{"53":"53/udp","80":8080}}}`},
		{"caches", `{"a": {"version": "7.10", "replicas": "2"}, "b": null}`, `{"a":{"replicas":2,"version":7.10}}`},
		{"alarms", `{"endpoints": {"a": {"cooldown": "60", "adjustment": "50%"}}}`,
			`{"endpoints":{"a":{"adjustment":"50%","cooldown":60}}}`},
		{"unknown", `{"a": "1", "b": null}`, `{"a":"1","b":null}`},
	} {
		tree, err := readManifest("-", strings.NewReader(`{"all": {"`+test.path+`": `+test.in+`}}`), &report.Report{})
		if tree == nil || err != nil {
			t.Fatalf("%s cannot be read: %v", test.in, err)
		}
		normalise(tree, l.app)
		if got := tree.Lookup("all").Lookup(test.path).JSON(); got != test.want {
			t.Errorf("%s: %s became %s, want %s", test.path, test.in, got, test.want)
		}
	}
}
