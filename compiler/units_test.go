package compiler

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/content"
	"github.com/pebble/spacel/schema/units"
)

// serviceUnit is the text of a service's unit in the instance document.
func serviceUnit(t *testing.T, service units.Service) []string {
	t.Helper()
	v := lower(t, func(app *schema.AppRegion) { app.Services = []units.Service{service} })
	return v.document().Units[service.Name].Lines
}

func TestContainerUnit(t *testing.T) {
	got := serviceUnit(t, units.Service{
		Name:    "laika.service",
		Image:   "registry.example.com:5000/pebble/laika",
		Ports:   []units.Mapping{{Host: "80", Container: "8080"}, {Host: "53", Container: "53/udp"}},
		Volumes: []units.Mapping{{Host: "/mnt/data", Container: "/data:ro"}},
		Container: units.Container{
			Restart: units.Restart{Policy: units.RestartAlways}, StopGrace: 10 * time.Second,
		},
	})
	same(t, "unit", got, strings.Split(`[Unit]
Description=laika.service
Requires=docker.service
Wants=network-online.target spacel-agent.service
After=docker.service network-online.target spacel-agent.service
StartLimitIntervalSec=0

[Service]
TimeoutStartSec=0
Restart=always
RestartSec=2
ExecStartPre=-/usr/bin/docker pull registry.example.com:5000/pebble/laika:__VERSION__
ExecStartPre=-/usr/bin/flock /run/spacel-network.lock /bin/sh -c `+
		`"docker network inspect spacel >/dev/null 2>&1 || docker network create spacel"
ExecStartPre=-/usr/bin/docker rm --force %n
ExecStart=/usr/bin/docker run --rm --name %n --env-file /files/laika.env --network spacel --network-alias laika `+
		`--publish 80:8080 --publish 53:53/udp --volume /mnt/data:/data:ro --stop-timeout 10 `+
		`registry.example.com:5000/pebble/laika:__VERSION__
ExecStop=-/usr/bin/docker stop %n
ExecStopPost=-/usr/bin/docker rm --force %n
TimeoutStopSec=40

[Install]
WantedBy=multi-user.target
`, "\n")...)
}

// A unit that must complete is required, and runs once: a restart of Docker, which it does not require, does not run it again.
func TestOrderOfContainers(t *testing.T) {
	once := serviceUnit(t, units.Service{Name: "migrate.service", Image: "web:1",
		Container: units.Container{Restart: units.Restart{Policy: units.RestartNo}}})
	same(t, "once", once[1:7], "Description=migrate.service", "Wants=docker.service network-online.target spacel-agent.service",
		"After=docker.service network-online.target spacel-agent.service", "StartLimitIntervalSec=0", "", "[Service]")
	same(t, "once, its service", once[7:10], "Type=oneshot", "RemainAfterExit=yes", "TimeoutStartSec=0")
	after := serviceUnit(t, units.Service{Name: "web.service", Image: "web:1", Container: units.Container{
		Restart:     units.Restart{Policy: units.RestartOnFailure, Retries: 3},
		NetworkMode: "container:proxy.service",
		DependsOn: []units.Dependency{{Unit: "migrate.service", Condition: units.Completed},
			{Unit: "proxy.service", Condition: units.Started}},
	}})
	same(t, "after", after[1:8], "Description=web.service", "Requires=docker.service migrate.service",
		"Wants=network-online.target spacel-agent.service proxy.service",
		"After=docker.service network-online.target spacel-agent.service migrate.service proxy.service",
		"PartOf=proxy.service", "StartLimitIntervalSec=infinity", "StartLimitBurst=4")
}

func TestImageTags(t *testing.T) {
	for image, want := range map[string]string{
		"nginx":                       "nginx:__VERSION__",
		"nginx:1.27":                  "nginx:1.27",
		"pebble/laika":                "pebble/laika:__VERSION__",
		"host:5000/laika":             "host:5000/laika:__VERSION__",
		"host:5000/laika:v2":          "host:5000/laika:v2",
		"laika:__VERSION__":           "laika:__VERSION__",
		"laika@sha256:0123456789abcd": "laika@sha256:0123456789abcd",
	} {
		if got := versioned(image); got != want {
			t.Errorf("%s: want %s, got %s", image, want, got)
		}
	}
}

// TestWords holds systemd's quoting: https://www.freedesktop.org/software/systemd/man/latest/systemd.syntax.html
func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"/mnt/data:/data": "/mnt/data:/data",
		"/mnt/my data":    `"/mnt/my data"`,
		"/mnt/100%":       "/mnt/100%%",
		"/mnt/$HOME":      "/mnt/$$HOME",
		`/mnt/a"b\c`:      `"/mnt/a\"b\\c"`,
		"/mnt/it's":       `"/mnt/it's"`,
		"/mnt/a;b":        `"/mnt/a;b"`,
		"":                `""`,
		";":               `";"`,
	} {
		if got := word(text); got != want {
			t.Errorf("%s: want %s, got %s", text, want, got)
		}
	}
}

// TestEnvironmentReachesContainers holds what the predecessor did wrong: it wrote one file and the unit read another.
func TestEnvironmentReachesContainers(t *testing.T) {
	v := lower(t, func(app *schema.AppRegion) {
		app.Services = []units.Service{
			{Name: "b.service", Image: "b:1", Environment: []content.Variable{{Name: "Z", Value: "a b"}, {Name: "A", Value: "1=2"},
				{Name: "S", Payload: secret("us-east-1")}}},
			{Name: "bare.service", Image: "bare:1"},
			{Name: "b.timer", UnitFile: &content.Text{Body: []byte("[Timer]\n")}},
		}
	})
	d := v.document()
	for name, unit := range d.Units {
		_, after, ok := strings.Cut(strings.Join(unit.Lines, "\n"), "--env-file /files/")
		if file, _, _ := strings.Cut(after, " "); ok && d.Environments[file] == nil {
			t.Errorf("%s reads %s, which nobody writes", name, file)
		}
	}
	want := []document.Variable{{Name: "Z", Value: "a b"}, {Name: "A", Value: "1=2"},
		{Name: "S", Payload: &document.Payload{Version: 1, IV: "aXY=", Key: "a2V5", Ciphertext: "dGV4dA==", KeyRegion: "us-east-1",
			Encoding: "utf-8"}}}
	got := d.Environments["b.env"]
	if !reflect.DeepEqual(got, want) {
		t.Errorf("b.env: %+v", got)
	}
	if len(d.Environments) != 2 || d.Environments["bare.env"] == nil {
		t.Errorf("environments: %v", d.Environments)
	}
}

func TestUnitFilesAndFiles(t *testing.T) {
	v := lower(t, func(app *schema.AppRegion) {
		app.Services = []units.Service{
			{Name: "a.service", UnitFile: &content.Text{Body: []byte("[Service]\nExecStart=/bin/true <&> \"__VERSION__\"\n")}},
			{Name: "s.service", UnitFile: &content.Text{Payload: secret("us-east-1")}},
		}
		app.Files = []schema.File{
			{Name: "plain.conf", Mode: "0644", Text: content.Text{Body: []byte("no end of line")}},
			{Name: "run", Mode: "0755", Text: content.Text{Body: []byte("#!/bin/sh\n")}},
			{Name: "blob", Mode: "0600", Text: content.Text{Body: []byte{0xff, 0xfe, 0}}},
			{Name: "empty", Mode: "0644", Text: content.Text{}},
			{Name: "secret", Mode: "0600", Text: content.Text{Payload: secret("us-east-1")}},
		}
	})
	d := v.document()
	same(t, "unit", d.Units["a.service"].Lines, "[Service]", `ExecStart=/bin/true <&> "__VERSION__"`, "")
	if p := d.Units["s.service"].Payload; p == nil || p.Ciphertext != "dGV4dA==" {
		t.Errorf("encrypted unit: %+v", d.Units["s.service"])
	}
	same(t, "plain", d.Files["plain.conf"].Lines, "no end of line")
	same(t, "empty", d.Files["empty"].Lines, "")
	for name, want := range map[string][2]string{"plain.conf": {"", ""}, "run": {"0755", ""}, "blob": {"0600", "//4A"},
		"secret": {"0600", ""}} {
		if got := d.Files[name]; got.Mode != want[0] || got.Base64 != want[1] {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if d.Files["secret"].Payload == nil || d.Files["secret"].Lines != nil {
		t.Errorf("encrypted file: %+v", d.Files["secret"])
	}
}

func TestContainersWithImpossibleNames(t *testing.T) {
	for _, name := range []string{"web@1.service", "web.timer"} {
		orbit := testOrbit("us-east-1")
		b := build(t, orbit, testApp(orbit, "web", func(app *schema.AppRegion) {
			app.Services = []units.Service{{Node: at("app.json", 5, "all.services.x"), Name: name, Image: "web:1"}}
		}))
		b.reported("all.services.x", name)
	}
}

func TestLocalHealthCheck(t *testing.T) {
	v := lower(t, func(app *schema.AppRegion) {
		app.LocalHealthCheck = &schema.HealthCheck{Protocol: "HTTP", Port: 8080, Path: "/up"}
	})
	if got := v.document().LocalHealth; got == nil || *got != (document.LocalHealth{Protocol: "HTTP", Port: 8080, Path: "/up"}) {
		t.Errorf("document: %+v", got)
	}
	if lower(t).document().LocalHealth != nil {
		t.Error("there is no default")
	}
}
