package schema

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/report"
)

// The model of a manifest that says no more than it must holds every default of defaults.cue.
func TestModelHasTheDefaults(t *testing.T) {
	model := load(t, map[string]string{
		"orbit.yaml": "name: o\nregions: [us-east-1]\nall: {domain: example.com}",
		"on.yaml": `
name: "on"
all:
  instance_type: m5d.large
  instance_max: 1
  services: {web: {image: nginx}}
  permissions: [{actions: [s3:GetObject], resources: ["*"]}]
  files: {motd: hello}
  volumes: {data: {}}
  databases: {main: {alarms: {a: {metric: cpu, endpoints: up}}}}
  caches: {sessions: {}}
  alarms: {endpoints: {up: {type: scaleup}}, triggers: {t: {metric: m, namespace: N, statistic: Sum, threshold: ">1", endpoints: up}}}
  scaling: {targets: {cpu: {metric: cpu, value: 50}}, schedules: {night: {cron: 0 0 * * *, min: 1}}}
  logging: {docker: {metrics: {m: {patterns: {x: 1}, alarms: {a: {threshold: ">1", endpoints: up}}}}}}
  spot: true
`,
		"off.yaml": "name: \"off\"\nall: {services: {web: {image: nginx}}}",
	})
	logged := load(t, map[string]string{"orbit.yaml": "name: o\nregions: [us-east-1]\nall: {flow_logs: true}"})
	o, off, on := model.Orbit.Regions[0], model.Apps[0].Regions[0], model.Apps[1].Regions[0]
	got := map[string]any{
		"orbit.provider":                 "spacel", // there is no other
		"orbit.nat":                      o.NAT,
		"orbit.private_network":          o.PrivateNetwork,
		"orbit.ipv6":                     o.IPv6,
		"orbit.flow_logs":                o.FlowLogs != nil,
		"orbit.bastion_instance_count":   o.BastionInstanceCount,
		"orbit.bastion_instance_type":    o.BastionInstanceType,
		"orbit.debian":                   o.BastionImage.Debian,
		"flow_logs.retention":            logged.Orbit.Regions[0].FlowLogs.Retention,
		"flow_logs.traffic":              logged.Orbit.Regions[0].FlowLogs.Traffic,
		"app.instance_type":              off.InstanceType,
		"app.instance_min":               off.InstanceMin,
		"app.instance_max":               off.InstanceMax,
		"app.instance_availability":      off.InstanceAvailability,
		"app.elb_availability":           off.ELBAvailability,
		"app.update_policy":              off.UpdatePolicy,
		"app.elastic_ips":                off.ElasticIPs,
		"app.cw_stats":                   off.CWStats,
		"app.idle_timeout":               off.IdleTimeout,
		"app.drop_invalid_header_fields": !off.PassInvalidHeaders,
		"app.deregistration_delay":       off.DeregistrationDelay,
		"app.boot_timeout":               off.BootTimeout,
		"app.tls_policy":                 off.TLSPolicy,
		"app.spot":                       off.Spot != nil,
		"app.public_ports":               off.PublicPorts[0].Port,
		"health_check.interval":          off.HealthCheck.Interval,
		"health_check.timeout":           off.HealthCheck.Timeout,
		"health_check.healthy":           off.HealthCheck.Healthy,
		"health_check.unhealthy":         off.HealthCheck.Unhealthy,
		"root_volume.size":               off.RootVolume.Size,
		"permission.effect":              on.Permissions[0].Effect,
		"dns.routing":                    off.DNS.Routing,
		"dns.weight":                     off.DNS.Weight,
		"service.restart":                on.Services[0].Container.Restart.Policy,
		"service.stop_grace_period":      on.Services[0].Container.StopGrace,
		"file.mode":                      on.Files[0].Mode,
		"volume.count":                   on.Volumes[0].Count,
		"volume.size":                    on.Volumes[0].Size,
		"volume.type":                    on.Volumes[0].Type,
		"volume.encrypted":               on.Volumes[0].Encrypted,
		"database.type":                  on.Databases[0].Engine,
		"database.instance_type":         on.Databases[0].InstanceType,
		"database.multi_az":              on.Databases[0].MultiAZ,
		"database.encrypted":             on.Databases[0].Encrypted,
		"database.public":                on.Databases[0].Public,
		"database.size":                  on.Databases[0].Size,
		"database.storage_type":          on.Databases[0].StorageType,
		"database.backups":               on.Databases[0].Backups,
		"database.deletion_protection":   on.Databases[0].DeletionProtection,
		"database.major_upgrades":        on.Databases[0].MajorUpgrades,
		"cache.backups":                  on.Caches[0].Backups,
		"cache.type":                     on.Caches[0].Engine,
		"cache.instance_type":            on.Caches[0].InstanceType,
		"cache.replicas":                 on.Caches[0].Replicas,
		"endpoint.adjustment":            on.Alarms.Endpoints[0].Adjustment,
		"endpoint.cooldown":              on.Alarms.Endpoints[0].Cooldown,
		"trigger.period":                 period(on.Alarms.Triggers[0]),
		"database_alarm.period":          period(on.Databases[0].Alarms[0]),
		"database_alarm.statistic":       on.Databases[0].Alarms[0].Statistic,
		"log_alarm.period":               period(on.Logging.Docker.Metrics[0].Alarms[0]),
		"log_alarm.statistic":            on.Logging.Docker.Metrics[0].Alarms[0].Statistic,
		"logging.docker":                 off.Logging.Docker != nil,
		"deploy_logging.retention":       off.Logging.Deploy.Retention,
		"docker_logging.retention":       on.Logging.Docker.Retention,
		"scaling_target.scale_in":        on.Scaling.Targets[0].ScaleIn,
		"schedule.time_zone":             on.Scaling.Schedules[0].TimeZone,
		"spot.strategy":                  on.Spot.Strategy,
		"spot.on_demand_base":            on.Spot.OnDemandBase,
	}
	facts := newFacts(t)
	for _, part := range facts.Defaults.Fields {
		for _, f := range part.Value.Fields {
			name := part.Key + "." + f.Key
			want := f.Value.Text
			if f.Key == "public_ports" {
				want = f.Value.Fields[0].Key
			}
			if value, ok := got[name]; !ok || fmt.Sprint(value) != want {
				t.Errorf("defaults.%s is %s, but the model has %v", name, want, value)
			}
			delete(got, name)
		}
	}
	for name := range got {
		t.Errorf("defaults.cue has no %s", name)
	}
	if d := on.Databases[0]; d.Port != 5432 || d.Version != facts.Catalog.Databases["postgres"].Default || d.Username != "main" {
		t.Errorf("a database without more is %+v", d)
	}
	if c := on.Caches[0]; c.Version != facts.Catalog.Caches["valkey"].Default || c.AutomaticFailover {
		t.Errorf("a cache without more is %+v", c)
	}
}

func period(t Trigger) string { return fmt.Sprintf("%dx%d", t.Periods, t.Period) }

// load loads manifests from a directory of its own. orbit.* is the orbit, the rest are apps; there may be no problem but
// notes.
func load(t *testing.T, files map[string]string) *Model {
	t.Helper()
	model, r := loadAll(t, files)
	if r.Failed(true) || model == nil {
		t.Fatal(r.Problems())
	}
	return model
}

// loadAll is load for manifests that may have problems.
func loadAll(t *testing.T, files map[string]string) (*Model, *report.Report) {
	t.Helper()
	return loadInputs(t, files, Inputs{})
}

// loadInputs loads the files with the settings of in.
func loadInputs(t *testing.T, files map[string]string, in Inputs) (*Model, *report.Report) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasPrefix(name, "orbit."):
			in.Orbit = path
		case !strings.HasSuffix(name, ".env"): // which a manifest names
			in.Apps = append(in.Apps, path)
		}
	}
	var r report.Report
	model, err := Load(context.Background(), in, &r)
	if err != nil {
		t.Fatal(err)
	}
	return model, &r
}

func newFacts(t *testing.T) *language.Facts {
	t.Helper()
	c, err := language.NewChecker(Definitions)
	if err != nil {
		t.Fatal(err)
	}
	facts, err := c.Facts()
	if err != nil {
		t.Fatal(err)
	}
	return facts
}
