package schema

import (
	"strings"
	"testing"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// resolveAll is loadAll with the resolved value.
func resolveAll(t *testing.T, files map[string]string) (*Model, *report.Report) {
	t.Helper()
	return loadInputs(t, files, Inputs{Resolve: true})
}

// homes are the places in the resolved value of an app in which each part of defaults.cue must show.
var homes = map[string]string{
	"app": "", "root_volume": "root_volume", "dns": "dns", "logging": "logging", "service": "services/web.service",
	"file": "files/raw", "volume": "volumes/data",
	"database": "databases/main", "cache": "caches/sessions", "permission": "permissions/0", "endpoint": "alarms/endpoints/up",
	"trigger": "alarms/triggers/t", "scaling_target": "scaling/targets/cpu", "schedule": "scaling/schedules/night",
	"database_alarm": "databases/main/alarms/a", "deploy_logging": "logging/deploy", "docker_logging": "logging/docker",
	"log_alarm": "logging/docker/metrics/m/alarms/a", "spot": "spot",
	"health_check": "health_check",
}

// Every default of defaults.cue shows in the resolved value, and has no place in a manifest.
func TestResolvedValueHasTheDefaults(t *testing.T) {
	model, r := resolveAll(t, map[string]string{
		"orbit.yaml": "name: o\nregions: [us-east-1]\nall: {domain: example.com}",
		"on.yaml": `
name: "on"
all:
  instance_max: 1
  services: {web: {image: nginx}}
  permissions: [{actions: [s3:GetObject], resources: ["*"]}]
  files: {raw: {body: eA==}}
  dns: {routing: weighted}
  volumes: {data: {}}
  databases: {main: {alarms: {a: {metric: cpu, endpoints: up}}}}
  caches: {sessions: {}}
  alarms: {endpoints: {up: {type: scaleup}}, triggers: {t: {metric: m, namespace: N, statistic: Sum, threshold: ">1", endpoints: up}}}
  scaling: {targets: {cpu: {metric: cpu, value: 50}}, schedules: {night: {cron: 0 0 * * *, min: 1}}}
  logging: {deploy: {}, docker: {metrics: {m: {patterns: {x: 1}, alarms: {a: {threshold: ">1", endpoints: up}}}}}}
  spot: yes
  health_check: {port: 80}
`,
		"off.yaml": "name: \"off\"\nall: {services: {web: {image: nginx}}}",
	})
	if model == nil {
		t.Fatal(r.Problems())
	}
	logged, r := resolveAll(t, map[string]string{"orbit.yaml": "name: o\nregions: [us-east-1]\nall: {flow_logs: true}"})
	if logged == nil {
		t.Fatal(r.Problems())
	}
	off, on := model.Apps[0].Regions[0].Resolved, model.Apps[1].Regions[0].Resolved
	for _, part := range newFacts(t).Defaults.Fields {
		for _, f := range part.Value.Fields {
			section, home := on, homes[part.Key]
			switch {
			case part.Key == "orbit":
				section = model.Orbit.Regions[0].Resolved
			case part.Key == "flow_logs":
				section, home = logged.Orbit.Regions[0].Resolved, "flow_logs"
			case part.Key == "app", part.Key == "logging", f.Key == "routing":
				section = off
			}
			keys := append(strings.FieldsFunc(home, func(c rune) bool { return c == '/' }), f.Key)
			got := section.Find(keys)
			if f.Key == "public_ports" { // the port's fields have defaults of their own
				got.Value, f.Value = section.Find([]string{"public_ports", "80", "scheme"}).Value, textTree("HTTP")
			}
			if got.Value == nil || got.Value.Text != f.Value.Text || got.Value.Kind != f.Value.Kind && f.Key != "adjustment" {
				t.Errorf("defaults.%s.%s is %q, but %v is %+v", part.Key, f.Key, f.Value.Text, keys, got.Value)
			} else if got.Value.At.File != "" {
				t.Errorf("%v is at %v, and must be a default", keys, got.Value.At)
			}
		}
	}
}

// The default health check is in the resolved value of an app with a load balancer: a rule for all apps can name the field.
func TestResolvedHealthCheck(t *testing.T) {
	model, r := resolveAll(t, map[string]string{
		"orbit.yaml": "name: o\nregions: [us-east-1]\nall: {domain: example.com}",
		"a.yaml":     "name: a\nall: {services: {web: {image: nginx}}, public_ports: {443: {internal_port: 8443}}}",
		"b.yaml":     "name: b\nall: {services: {web: {image: nginx}}, elb_availability: disabled}",
		"c.yaml":     "name: c\nall: {services: {web: {image: nginx}}, health_check: http:80/}",
	})
	if model == nil {
		t.Fatal(r.Problems())
	}
	for i, want := range []struct {
		text      string
		isDefault bool
	}{{"TCP:8443", true}, {"", false}, {"HTTP:80/", false}} {
		got := model.Apps[i].Regions[0].Resolved.Find([]string{"health_check"})
		text := ""
		if got.Value != nil {
			text = got.Value.Text
		}
		if text != want.text || got.Default != want.isDefault {
			t.Errorf("%s: %q, default %t", model.Apps[i].Name, text, got.Default)
		}
	}
}

func textTree(text string) *manifest.Tree { return &manifest.Tree{Kind: manifest.Text, Text: text} }
