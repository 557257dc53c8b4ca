package schema

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pebble/spacel/schema/internal/badcases"
	"github.com/pebble/spacel/schema/sections"

	"github.com/pebble/spacel/schema/report"
)

const sampleManifests = "../testdata/samples"

// Every sample of the 2016 tool loads as it is; private instances only where there is NAT.
func TestSamplesLoad(t *testing.T) {
	apps, err := filepath.Glob(sampleManifests + "/app/*.json")
	if err != nil || len(apps) != 10 {
		t.Fatal(len(apps), err)
	}
	for _, orbit := range []string{"sl-test", "develop"} {
		for _, app := range apps {
			t.Run(orbit+"/"+filepath.Base(app), func(t *testing.T) {
				var r report.Report
				in := Inputs{Orbit: sampleManifests + "/orbit/" + orbit + ".json", Apps: []string{app}}
				model, err := Load(context.Background(), in, &r)
				if err != nil {
					t.Fatal(err)
				}
				var mistakes []string
				for _, p := range r.Problems() {
					if p.Severity != report.Note {
						mistakes = append(mistakes, p.String())
					}
				}
				body, err := os.ReadFile(app)
				if err != nil {
					t.Fatal(err)
				}
				if refused := orbit == "develop" && !strings.Contains(string(body), "instance_availability"); !refused {
					if model == nil || mistakes != nil {
						t.Errorf("refused: %v", mistakes)
					}
				} else if model != nil || len(mistakes) != 1 || !strings.Contains(mistakes[0], "private instances need NAT") {
					t.Errorf("not refused for want of NAT: %v", mistakes)
				}
			})
		}
	}
}

// However many apps there are and in whatever order, the model and the report are the same.
func TestOrderOfAppsChangesNothing(t *testing.T) {
	dir := t.TempDir()
	in := Inputs{Orbit: filepath.Join(dir, "orbit.yaml")}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("orbit.yaml", badcases.PlainOrbit)
	for i := range 40 {
		in.Apps = append(in.Apps, write(fmt.Sprintf("a%02d.yaml", i), fmt.Sprintf(
			"name: app%02d\nall: {services: {web: {image: nginx}}, cw_stats: %v}", 40-i, i%2 == 0)))
	}
	var first report.Report
	forwards, err := Load(context.Background(), in, &first)
	if err != nil || forwards == nil {
		t.Fatal(err, first.Problems())
	}
	names := []string{}
	for _, app := range forwards.Apps {
		names = append(names, app.Name)
	}
	if !slices.IsSorted(names) || len(names) != 40 {
		t.Error(names)
	}
	slices.Reverse(in.Apps)
	var second report.Report
	backwards, err := Load(context.Background(), in, &second)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(forwards, backwards, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Error(diff)
	}
	in.Apps = append(in.Apps, write("x.yaml", "name: app07"), write("y.yaml", "nam: y"), write("z.yaml", "name: [z]"))
	var reports []string
	for range 5 {
		slices.Reverse(in.Apps)
		var r report.Report
		if model, err := Load(context.Background(), in, &r); model != nil || err != nil {
			t.Fatal(model, err)
		}
		reports = append(reports, fmt.Sprint(r.Problems()))
	}
	if len(slices.Compact(reports)) != 1 {
		t.Error(reports)
	}
}

func TestLoadReportsTheWorldsFailures(t *testing.T) {
	orbit := sampleManifests + "/orbit/sl-test.json"
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, test := range []struct {
		ctx  context.Context
		in   Inputs
		want error
	}{
		{context.Background(), Inputs{Orbit: "nowhere.yaml"}, fs.ErrNotExist},
		{context.Background(), Inputs{Orbit: orbit, Apps: []string{"nowhere.yaml"}}, fs.ErrNotExist},
		{cancelled, Inputs{Orbit: orbit, Apps: []string{sampleManifests + "/app/laika.json"}}, context.Canceled},
		{context.Background(), Inputs{Orbit: "-", Apps: []string{"-"}}, nil},
		{context.Background(), Inputs{Orbit: orbit, Apps: []string{"-", "-"}}, nil},
	} {
		model, err := Load(test.ctx, test.in, &report.Report{})
		if model != nil || err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%v: %v, %v", test.in, model, err)
		}
	}
}

func TestLoadFromStandardInput(t *testing.T) {
	var r report.Report
	in := Inputs{Orbit: sampleManifests + "/orbit/sl-test.json", Apps: []string{"-"}, Stdin: strings.NewReader(
		"name: web\nall: {services: {web: {image: nginx}}}")}
	model, err := Load(context.Background(), in, &r)
	if err != nil || model == nil || model.Apps[0].Name != "web" {
		t.Error(err, r.Problems())
	}
}

// --region must be one of the orbit's; an orbit that lists none is in those of --region.
func TestNarrow(t *testing.T) {
	for _, test := range []struct {
		regions string
		narrow  []string
		want    []string
		mistake string
	}{
		{"regions: [us-west-2, us-east-1]", nil, []string{"us-east-1", "us-west-2"}, ""},
		{"regions: [us-west-2, us-east-1]", []string{"us-west-2"}, []string{"us-east-1", "us-west-2"}, ""},
		{"regions: [us-west-2, us-east-1]", []string{"eu-west-1"}, nil,
			"--region: eu-west-1 is not among the orbit's regions: us-west-2, us-east-1"},
		{"regions: [us-west-2, us-east-1]", []string{"us-west-9"}, nil,
			`--region: must be a region of AWS, got "us-west-9"; did you mean us-west-1?`},
		{"", []string{"eu-west-1"}, []string{"eu-west-1"}, ""},
		{"", []string{"eu-west-9"}, nil, `--region: must be a region of AWS, got "eu-west-9"; did you mean eu-west-1?`},
	} {
		var said report.Report
		in := Inputs{Orbit: "-", Stdin: strings.NewReader("name: o\n" + test.regions), Regions: test.narrow}
		model, err := Load(context.Background(), in, &said)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if model != nil {
			for _, r := range model.Orbit.Regions {
				got = append(got, r.Region)
			}
		}
		mistakes := []string{}
		for _, p := range said.Problems() {
			mistakes = append(mistakes, p.String())
		}
		if !slices.Equal(got, test.want) || strings.Join(mistakes, "\n") != test.mistake {
			t.Errorf("%s with %v: %v, %q", test.regions, test.narrow, got, mistakes)
		}
	}
}

// What is written in a region wins over all, that over the default; some objects are merged key by key.
func TestMerge(t *testing.T) {
	model := load(t, map[string]string{"orbit.yaml": badcases.PlainOrbit, "web.yaml": `
name: web
all:
  instance_max: 3
  instance_min: null
  tags: {a: b, c: d}
  hostnames: [a.example.com, b.example.com]
  services: {web: {image: "nginx:1", environment: {A: b}}, worker: {image: worker}, none: {}, nil: null}
  files: {a: one, b: two, c: null}
  public_ports: {443: {sources: [10.0.0.0/8]}}
  private_ports: {80: [TCP], 81: [TCP]}
  dns: {routing: weighted, weight: 3}
us-west-2:
  instance_max: "5"
  tags: {e: f}
  hostnames: [c.example.com]
  services: {web.service: {image: "nginx:2"}, worker: {}, extra: {image: extra}}
  files: {a: three, b: null}
  public_ports: {443: {}, 80: {}}
  private_ports: {81-81: null, 82: [UDP]}
  dns: {routing: weighted}
`})
	east, west := model.Apps[0].Regions[0], model.Apps[0].Regions[1]
	type merged struct {
		Max       int
		Tags      map[string]string
		Hostnames string
		Services  string
		Files     string
		Ports     string
		Private   string
		Weight    int
	}
	of := func(a *AppRegion) merged {
		m := merged{Max: a.InstanceMax, Tags: a.Tags, Weight: a.DNS.Weight}
		for _, h := range a.Hostnames {
			m.Hostnames += h.Name + " "
		}
		for _, s := range a.Services {
			m.Services += fmt.Sprint(s.Name, "=", s.Image, "+", len(s.Environment), " ")
		}
		for _, f := range a.Files {
			m.Files += f.Name + "=" + string(f.Text.Body) + " "
		}
		for _, p := range a.PublicPorts {
			m.Ports += fmt.Sprint(p.Port, "<", p.Sources[0].Value, " ")
		}
		for _, p := range a.PrivatePorts {
			m.Private += fmt.Sprint(p.From, p.Protocols, " ")
		}
		return m
	}
	if diff := cmp.Diff(merged{
		Max: 3, Tags: map[string]string{"a": "b", "c": "d"}, Hostnames: "a.example.com b.example.com ",
		Services: "web.service=nginx:1+1 worker.service=worker+0 ", Files: "a=one b=two ",
		Ports: "443<10.0.0.0/8 ", Private: "80 [tcp] 81 [tcp] ", Weight: 3,
	}, of(east)); diff != "" {
		t.Error("us-east-1:", diff)
	}
	if diff := cmp.Diff(merged{
		Max: 5, Tags: map[string]string{"e": "f"}, Hostnames: "c.example.com ",
		Services: "extra.service=extra+0 web.service=nginx:2+0 ", Files: "a=three ",
		Ports: "80<0.0.0.0/0 443<0.0.0.0/0 ", Private: "80 [tcp] 82 [udp] ", Weight: 100,
	}, of(west)); diff != "" {
		t.Error("us-west-2:", diff)
	}
	for field, want := range map[string]string{
		"instance_max": "us-west-2.instance_max", "instance_min": "us-west-2.instance_min", "files": "us-west-2.files",
	} {
		if got := west.At(field).Path; got != want {
			t.Errorf("%s is said to be at %s", field, got)
		}
	}
	if west.Written("instance_min") || !west.Written("instance_max") {
		t.Error("null is as good as absent, and a number is not")
	}
	if got := west.Services[0].Pos; got.Path != "us-west-2.services.extra" || got.Line != 17 {
		t.Error(got)
	}
}

// Everyone, the region or the orbit, by where a port can be reached; and no default port without a balancer.
func TestDefaultSources(t *testing.T) {
	orbit := "name: o\nregions: [us-east-1, us-west-2]\nall: {domain: example.com}\nus-west-2: {ipv6: true}"
	all := []Peer{{Kind: Region, Value: "us-east-1"}, {Kind: Region, Value: "us-west-2"}}
	everyone := []Peer{{Kind: CIDRv4, Value: "0.0.0.0/0"}}
	for _, test := range []struct {
		section    string
		east, west []Peer
	}{
		{"", everyone, append(slices.Clone(everyone), Peer{Kind: CIDRv6, Value: "::/0"})},
		{"elb_availability: private", all[:1], all[1:]},
		{"elb_availability: multi-region", all, all},
		{"elb_availability: multi-region, instance_availability: internet-facing", all, all},
		{"elb_availability: disabled, instance_availability: internet-facing", nil, nil},
		{"elb_availability: disabled, instance_availability: multi-region, public_ports: {80: {}}", all, all},
		{"elb_availability: disabled, public_ports: {80: {}}", all[:1], all[1:]},
	} {
		web := "name: web\nall: {services: {web: {image: nginx}}, " + test.section + "}"
		model := load(t, map[string]string{"orbit.yaml": orbit, "web.yaml": web})
		for i, want := range [][]Peer{test.east, test.west} {
			var got []Peer
			for _, p := range model.Apps[0].Regions[i].PublicPorts {
				got = append(got, p.Sources...)
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(sections.Node{})); diff != "" {
				t.Errorf("%s: %s", test.section, diff)
			}
		}
	}
}
