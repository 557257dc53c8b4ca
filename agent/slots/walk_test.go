package slots_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/pebble/spacel/agent/slots"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/internal/cloudtest"
)

// app is the part of a golden app that an update depends on.
type app struct {
	least, most, batch int
	inService          func(assembly.Sizes) int
	volumes            bool
}

// goldenApps reads the apps with rolling updates out of the golden cases.
func goldenApps(t *testing.T) map[string]app {
	t.Helper()
	apps := map[string]app{}
	manifests, err := filepath.Glob("../../testdata/golden/*/want/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range manifests {
		var m assembly.Manifest
		read(t, path, &m)
		for _, s := range m.Stacks {
			if a, ok := goldenApp(t, filepath.Join(filepath.Dir(path), s.Template), s); ok {
				apps[filepath.Base(filepath.Dir(filepath.Dir(path)))+" "+s.Ref().String()] = a
			}
		}
	}
	return apps
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(path, err)
	}
}

func goldenApp(t *testing.T, path string, s assembly.Stack) (app, bool) {
	t.Helper()
	var template struct {
		Resources map[string]struct {
			Properties   struct{ MinSize, MaxSize any }
			UpdatePolicy struct {
				AutoScalingRollingUpdate *struct {
					MaxBatchSize          int
					MinInstancesInService any
				}
			}
		}
	}
	read(t, path, &template)
	group := template.Resources["Asg"]
	policy := group.UpdatePolicy.AutoScalingRollingUpdate
	least, isLeast := group.Properties.MinSize.(string)
	most, isMost := group.Properties.MaxSize.(string)
	if policy == nil || !isLeast || !isMost {
		return app{}, false
	}
	a := app{batch: policy.MaxBatchSize}
	a.least, _ = strconv.Atoi(least)
	a.most, _ = strconv.Atoi(most)
	for name, source := range s.Parameters {
		a.volumes = a.volumes || source.Subnets != nil && len(source.Subnets.Volumes) > 0
		if name == "InstancesInService" && source.GroupSize != nil {
			a.inService = source.GroupSize.From
		}
	}
	if n, ok := policy.MinInstancesInService.(float64); ok {
		a.inService = func(assembly.Sizes) int { return int(n) }
	}
	return a, a.inService != nil
}

// disks are an app's slots. Each has the data of the slot's first holder, 0 for none.
type disks struct {
	t     *testing.T
	slots []disk
}

type disk struct {
	holder  *cloudtest.Instance
	data    int
	claimed int64
}

// boot claims a slot for an instance as the agent does, and reports success once it has one.
func (d *disks) boot(g *cloudtest.Group, i *cloudtest.Instance, broken string) cloudtest.Signal {
	if g.Now < i.Launched+time.Minute {
		return ""
	}
	views := make([]slots.Slot, len(d.slots))
	for n, s := range d.slots {
		if s.holder == i {
			return outcome(i, broken)
		}
		views[n] = slots.Slot{Holder: stateOf(s.holder), Volume: s.data > 0, Here: true, Claimed: s.claimed}
	}
	if n := slots.Choose(views); n >= 0 {
		if h := d.slots[n].holder; h != nil && h.Phase != cloudtest.Terminated {
			d.t.Errorf("%s took the slot of %s, which is %s", i.ID, h.ID, h.Phase)
		}
		d.slots[n].holder, d.slots[n].claimed = i, int64(g.Now)
		if d.slots[n].data == 0 {
			d.slots[n].data = n + 1
		}
		return outcome(i, broken)
	}
	return ""
}

func outcome(i *cloudtest.Instance, broken string) cloudtest.Signal {
	if i.Version == broken {
		return cloudtest.BootFailure
	}
	return cloudtest.Success
}

func stateOf(i *cloudtest.Instance) slots.Holder {
	switch {
	case i == nil:
		return slots.None
	case i.Phase == cloudtest.Terminated:
		return slots.Ended
	case i.Phase == cloudtest.InService:
		return slots.Staying
	}
	return slots.Leaving
}

// used lists the data that the app's instances see, by slot.
func (d *disks) used() (data []int) {
	for _, s := range d.slots {
		if s.holder != nil && s.holder.Phase == cloudtest.InService {
			data = append(data, s.data)
		}
	}
	return data
}

// TestWalk updates each golden app with rolling updates from several sizes, with a good release and with a broken one that is rolled
// back. As many instances as the plan says serve at every moment, the app sees the same data as before, and no volume is new.
func TestWalk(t *testing.T) {
	apps := goldenApps(t)
	volumes := 0
	for name, a := range apps {
		if a.volumes {
			volumes++
		}
		for _, desired := range []int{a.least, (a.least + a.most) / 2, a.most} {
			for _, broken := range []string{"", "2"} {
				if desired > 0 {
					a.walk(t, name, desired, broken)
				}
			}
		}
	}
	if len(apps) < 40 || volumes < 4 {
		t.Errorf("only %d apps, %d of them with EBS volumes", len(apps), volumes)
	}
}

func (a app) walk(t *testing.T, name string, desired int, broken string) {
	t.Helper()
	d := &disks{t: t, slots: make([]disk, a.most)}
	g := &cloudtest.Group{Name: "asg", Min: a.least, Desired: desired, Max: a.most, Version: "1", Draining: time.Minute}
	g.Boot = func(g *cloudtest.Group, i *cloudtest.Instance) cloudtest.Signal {
		if a.volumes {
			return d.boot(g, i, broken)
		}
		return outcome(i, broken)
	}
	g.Settle()
	before := d.used()
	policy := cloudtest.Rolling{Batch: a.batch, Pause: 15 * time.Minute,
		MinInService: a.inService(assembly.Sizes{Min: a.least, Desired: desired, Max: a.most})}
	fewest := desired
	g.Watch = func(g *cloudtest.Group) { fewest = min(fewest, g.Healthy()) }
	g.Version = "2"
	err := g.Roll(policy)
	if (err != nil) != (broken == "2") {
		t.Errorf("%s from %d: %v", name, desired, err)
		return
	}
	if err != nil {
		g.Version, g.Min = "1", a.least // CloudFormation's rollback, and then deploy's part
		if err := g.Roll(policy); err != nil {
			t.Errorf("%s from %d: the rollback: %v", name, desired, err)
			return
		}
		g.SetDesired(desired, "")
		g.Settle()
	}
	if promised := max(policy.MinInService, desired-a.batch); fewest < min(promised, desired) {
		t.Errorf("%s from %d: %d healthy, want %d at least", name, desired, fewest, promised)
	}
	if g.Min != a.least || g.Desired != desired || g.Healthy() != desired {
		t.Errorf("%s from %d: afterwards %d to %d, %d healthy", name, desired, g.Min, g.Desired, g.Healthy())
	}
	if after := d.used(); a.volumes && len(after) != len(before) {
		t.Errorf("%s from %d: the app sees %v, and saw %v", name, desired, after, before)
	} else {
		for n := range after {
			if after[n] != before[n] {
				t.Errorf("%s from %d: the app sees %v, and saw %v", name, desired, after, before)
				break
			}
		}
	}
}
