package schema

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pebble/spacel/schema/report"
)

// BenchmarkLoad loads n apps in an orbit of some regions.
func BenchmarkLoad(b *testing.B) {
	for _, size := range []struct{ apps, regions int }{{1, 1}, {20, 3}, {1000, 4}} {
		b.Run(fmt.Sprintf("%dx%d", size.apps, size.regions), func(b *testing.B) {
			in := benchInputs(b, size.apps, size.regions)
			for b.Loop() {
				var r report.Report
				if _, err := Load(context.Background(), in, &r); err != nil || len(r.Problems()) > 0 {
					b.Fatal(err, r.Problems())
				}
			}
		})
	}
}

func benchInputs(b *testing.B, apps, regions int) Inputs {
	dir := b.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
		return path
	}
	all := []string{"us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2"}[:regions]
	in := Inputs{Orbit: write("orbit.yaml", fmt.Sprintf(
		"name: bench\nregions: [%s]\nall: {domain: example.com}\n", strings.Join(all, ", ")))}
	for i := range apps {
		name := fmt.Sprintf("app%04d", i)
		in.Apps = append(in.Apps, write(name+".yaml", strings.ReplaceAll(benchApp, "NAME", name)))
	}
	return in
}

// benchApp is an app of a usual size.
var benchApp = `
name: NAME
all:
  instance_type: t3.small
  instance_min: 2
  instance_max: 4
  health_check: HTTP:8080/health
  public_ports: {80: {redirect: 443}, 443: {internal_port: 8080, sources: [0.0.0.0/0, 10.0.0.0/8]}}
  private_ports: {7000: [TCP], 7100-7200: [TCP, UDP]}
  services:
    web: &service
      image: registry.example.com/team/NAME
      ports: {8080: 8080}
      environment: {PORT: 8080, LEVEL: info, REGION: all, NAME: NAME, SHARED: /data}
      volumes: {/mnt/data: /data}
    worker:
      <<: *service
      ports: {9000: 9000}
    job:
      unit_file: |
        [Service]
        Type=oneshot
` + strings.Repeat("        ExecStartPre=/usr/bin/env echo preparing this service\n", 10) + `
  files:
    motd: |
` + strings.Repeat("        welcome to this instance\n", 20) + `
    app.conf: |
` + strings.Repeat("        key = value\n", 20) + `
  tags: {team: bench}
us-east-1:
  instance_max: 8
  files: {motd: welcome to the west}
`
