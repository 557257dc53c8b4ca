package compiler

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// kept are the bytes of templates.
type keptBytes struct {
	mu     sync.Mutex
	bodies map[string][]byte
}

func (k *keptBytes) Stack(stack assembly.Stack, template []byte, _ map[string]string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.bodies[stack.Ref().String()] = bytes.Clone(template)
	return nil
}

func (k *keptBytes) Asset(body []byte) (assembly.Asset, error) {
	return assembly.Asset{Digest: fmt.Sprint(len(body))}, nil
}

func templates(t testing.TB, orbit *schema.Orbit, apps ...*schema.App) map[string][]byte {
	t.Helper()
	sink := &keptBytes{bodies: map[string][]byte{}}
	if err := Compile(&schema.Model{Orbit: orbit, Apps: apps}, Scope{}, &report.Report{}, sink); err != nil {
		t.Fatal(err)
	}
	return sink.bodies
}

// richApp has something of most capabilities.
func richApp(orbit *schema.Orbit, name string) *schema.App {
	return testApp(orbit, name, twoPorts(), everything(), names(name+".example.com", "www."+name+".example.com"),
		func(app *schema.AppRegion) {
			app.PublicPorts[0].Sources = append(app.PublicPorts[0].Sources, source(schema.Region, "us-east-1"),
				source(schema.OtherApp, "api"))
			app.PrivatePorts = []schema.PrivatePort{{Node: at("app.json", 9, "all.private_ports"), From: 9300, To: 9310,
				Protocols: []string{"tcp", "udp"}}}
		})
}

// TestAppsAreAlone wants an app's templates to stay the same, byte for byte, with others beside it and from run to run.
func TestAppsAreAlone(t *testing.T) {
	orbit := testOrbit("us-east-1", "us-west-2")
	alone := templates(t, orbit, richApp(orbit, "web"))
	together := templates(t, orbit, testApp(orbit, "api"), testApp(orbit, "other"), richApp(orbit, "web"))
	if len(alone) != 2 || len(together) != 6 {
		t.Fatalf("got %d and %d templates", len(alone), len(together))
	}
	for key, body := range alone {
		if !bytes.Equal(body, together[key]) {
			t.Errorf("%s changed", key)
		}
	}
}

// TestAnotherZoneChangesNoApp wants what names a zone only where the app admits its NAT gateway.
func TestAnotherZoneChangesNoApp(t *testing.T) {
	orbit := testOrbit("us-east-1")
	before := templates(t, orbit, testApp(orbit, "web"))
	orbit.Regions[0].Zones = append(orbit.Regions[0].Zones, "useast1-az3")
	after := templates(t, orbit, testApp(orbit, "web"))
	for key, body := range before {
		if !bytes.Equal(body, after[key]) {
			t.Errorf("%s changed", key)
		}
	}
}

// TestParametersHaveSources wants a source for every parameter, and no source for none.
func TestParametersHaveSources(t *testing.T) {
	orbit := testOrbit("us-east-1", "us-west-2")
	b := build(t, orbit, richApp(orbit, "web"))
	for key := range b.stacks {
		v := b.view(key)
		declared, _ := v.body["Parameters"].(map[string]any)
		for id := range declared {
			if _, ok := v.stack.Parameters[id]; !ok {
				t.Errorf("%s: %s has no source", key, id)
			}
		}
		if len(declared) != len(v.stack.Parameters) {
			t.Errorf("%s: %d parameters and %d sources", key, len(declared), len(v.stack.Parameters))
		}
		for id := range v.body["Resources"].(map[string]any) {
			if v.origins[id] == "" {
				t.Errorf("%s: %s comes from nowhere", key, id)
			}
		}
	}
}

func BenchmarkApps(b *testing.B) {
	orbit := testOrbit("ap-northeast-1", "eu-west-1", "us-east-1", "us-west-2")
	for _, count := range []int{1, 100, 1000} {
		var apps []*schema.App
		for i := range count {
			apps = append(apps, richApp(orbit, fmt.Sprintf("app%04d", i)))
		}
		b.Run(fmt.Sprintf("%d apps in 4 regions", count), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := Compile(&schema.Model{Orbit: orbit, Apps: apps}, Scope{}, &report.Report{}, forgetful{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// forgetful keeps nothing.
type forgetful struct{}

func (forgetful) Stack(assembly.Stack, []byte, map[string]string) error { return nil }
func (forgetful) Asset([]byte) (assembly.Asset, error)                  { return assembly.Asset{}, nil }
