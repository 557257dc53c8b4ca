package compiler

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// appChange changes an app of a test in one region.
type appChange func(*schema.AppRegion)

// testOrbit is an orbit with two zones in each region, as the schema would give it.
func testOrbit(regions ...string) *schema.Orbit {
	orbit := &schema.Orbit{Name: "test"}
	for i, region := range regions {
		zone := strings.ReplaceAll(region, "-", "")
		orbit.Regions = append(orbit.Regions, &schema.OrbitRegion{
			Node:           at("orbit.json", i+2, region),
			Region:         region,
			Zones:          []string{zone + "-az1", zone + "-az2"},
			NAT:            schema.NATEnabled,
			PrivateNetwork: fmt.Sprintf("10.%d", i),
			Domain:         "example.com",
		})
	}
	return orbit
}

// testApp is an app in all of an orbit's regions, with the language's defaults.
func testApp(orbit *schema.Orbit, name string, changes ...appChange) *schema.App {
	app := &schema.App{Node: at(name+".json", 1, ""), Name: name}
	for _, network := range orbit.Regions {
		region := &schema.AppRegion{
			Node:                 at(name+".json", 2, "all"),
			Region:               network.Region,
			InstanceType:         "t3.nano",
			Architecture:         "amd64",
			InstanceMin:          1,
			InstanceMax:          2,
			InstanceAvailability: schema.Private,
			Image:                schema.Image{Debian: "13"},
			RootVolume:           schema.RootVolume{Size: 8},
			UpdatePolicy:         schema.Rolling,
			BootTimeout:          900,
			Update:               schema.Update{Batch: 1},
			ELBAvailability:      schema.InternetFacing,
			HealthCheck:          withTiming(schema.HealthCheck{Protocol: "TCP", Port: 80, Default: true}),
			PublicPorts:          []schema.PublicPort{testPort(80, "HTTP", anyone())},
			IdleTimeout:          60,
			DeregistrationDelay:  60,
			TLSPolicy:            "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
			Hostnames:            []schema.Hostname{{Node: at(name+".json", 2, "all.hostnames"), Name: name + "-test.example.com"}},
			DNS:                  schema.DNS{Routing: "latency"},
		}
		for _, change := range changes {
			change(region)
		}
		app.Regions = append(app.Regions, region)
	}
	return app
}

// withTiming adds the language's default timing to a health check.
func withTiming(check schema.HealthCheck) schema.HealthCheck {
	check.Interval, check.Timeout, check.Healthy, check.Unhealthy = 5, 2, 2, 3
	return check
}

// at is a node that nothing was written of but the node itself.
func at(file string, line int, path string, written ...string) sections.Node {
	fields := map[string]report.Pos{}
	for i, field := range written {
		fields[field] = report.Pos{File: file, Line: line + i + 1, Col: 1, Path: path + "." + field}
	}
	return sections.NewNode(report.Pos{File: file, Line: line, Col: 1, Path: path}, fields)
}

func testPort(port int, scheme string, sources ...schema.Peer) schema.PublicPort {
	return schema.PublicPort{
		Node:           at("app.json", 10, fmt.Sprintf("all.public_ports.%d", port), "sources"),
		Port:           port,
		Scheme:         scheme,
		InternalPort:   port,
		InternalScheme: scheme,
		Sources:        sources,
	}
}

func source(kind schema.PeerKind, value string) schema.Peer {
	return schema.Peer{Node: at("app.json", 20, "all.public_ports.80.sources"), Kind: kind, Value: value}
}

func anyone() schema.Peer { return source(schema.CIDRv4, "0.0.0.0/0") }

// ports replaces the app's ports.
func ports(all ...schema.PublicPort) appChange {
	return func(app *schema.AppRegion) { app.PublicPorts = all }
}

// built is what a test's compilation gave.
type built struct {
	t        *testing.T
	mu       sync.Mutex
	stacks   map[string]assembly.Stack // by region/name
	bodies   map[string]map[string]any // the templates, likewise
	origins  map[string]map[string]string
	assets   map[string][]byte // by digest
	problems []string
}

func (b *built) Stack(stack assembly.Stack, template []byte, origins map[string]string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := stack.Ref().String()
	var body map[string]any
	if err := json.Unmarshal(template, &body); err != nil {
		return err
	}
	b.stacks[key], b.bodies[key], b.origins[key] = stack, body, origins
	return nil
}

func (b *built) Asset(body []byte) (assembly.Asset, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	sum := sha256.Sum256(body)
	digest := hex.EncodeToString(sum[:])
	b.assets[digest] = body
	return assembly.Asset{Digest: digest, Path: "assets/" + digest, Size: len(body)}, nil
}

// build compiles apps. The report is kept for the test to look at.
func build(t *testing.T, orbit *schema.Orbit, apps ...*schema.App) *built {
	t.Helper()
	slices.SortFunc(apps, func(a, b *schema.App) int { return strings.Compare(a.Name, b.Name) })
	b := &built{
		t: t, stacks: map[string]assembly.Stack{}, bodies: map[string]map[string]any{},
		origins: map[string]map[string]string{}, assets: map[string][]byte{},
	}
	report := &report.Report{}
	if err := Compile(&schema.Model{Orbit: orbit, Apps: apps}, Scope{}, report, b); err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Problems() {
		b.problems = append(b.problems, p.String())
	}
	return b
}

// lower builds one app in one region, us-east-1, and wants nothing to be said of it.
func lower(t *testing.T, changes ...appChange) *stackView {
	t.Helper()
	orbit := testOrbit("us-east-1")
	b := build(t, orbit, testApp(orbit, "web", changes...))
	b.silent()
	return b.view("us-east-1/test-web")
}

// silent wants an empty report.
func (b *built) silent() {
	b.t.Helper()
	if len(b.problems) > 0 {
		b.t.Fatalf("reported:\n%s", strings.Join(b.problems, "\n"))
	}
}

// reported wants a problem that holds all the words, and nothing else.
func (b *built) reported(words ...string) {
	b.t.Helper()
	if len(b.problems) != 1 {
		b.t.Fatalf("want one problem, got %d:\n%s", len(b.problems), strings.Join(b.problems, "\n"))
	}
	for _, word := range words {
		if !strings.Contains(b.problems[0], word) {
			b.t.Errorf("want %q in: %s", word, b.problems[0])
		}
	}
}

func (b *built) view(key string) *stackView {
	b.t.Helper()
	if b.bodies[key] == nil {
		b.t.Fatalf("no stack %s", key)
	}
	return &stackView{b.t, b.stacks[key], b.bodies[key], b.origins[key]}
}

// stackView is a built stack as a reviewer reads it.
type stackView struct {
	t       *testing.T
	stack   assembly.Stack
	body    map[string]any
	origins map[string]string
}

// resources are the ids of a type's resources, sorted, that start so.
func (v *stackView) resources(kind, prefix string) []string {
	var ids []string
	for id, r := range v.body["Resources"].(map[string]any) {
		if r.(map[string]any)["Type"] == kind && strings.HasPrefix(id, prefix) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// get is the compact JSON of what stands at a path in the template, "" when nothing does.
func (v *stackView) get(path ...string) string {
	v.t.Helper()
	var at any = v.body
	for _, key := range path {
		m, ok := at.(map[string]any)
		if !ok || m[key] == nil {
			return ""
		}
		at = m[key]
	}
	text, err := json.Marshal(at)
	if err != nil {
		v.t.Fatal(err)
	}
	return string(text)
}

// property is the compact JSON of a resource's property.
func (v *stackView) property(id, name string) string {
	v.t.Helper()
	if v.get("Resources", id) == "" {
		v.t.Fatalf("no resource %s", id)
	}
	return v.get("Resources", id, "Properties", name)
}

// has wants a property to be that JSON.
func (v *stackView) has(id, property, want string) {
	v.t.Helper()
	if got := v.property(id, property); got != want {
		v.t.Errorf("%s.%s: want %s, got %s", id, property, want, got)
	}
}

// same wants two lists to be equal.
func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: want %q, got %q", what, want, got)
	}
}
