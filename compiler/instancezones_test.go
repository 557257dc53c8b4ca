package compiler

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema"
)

// An app with zones of its own, or with EBS volumes, has a parameter for its subnets.
func TestZonesOfInstances(t *testing.T) {
	orbit := testOrbit("us-east-1")
	orbit.Regions[0].Zones = []string{"use1-az1", "use1-az2", "use1-az4", "use1-az3"}
	orbit.Regions[0].ConstrainedZones = []string{"use1-az3"}
	of := assembly.Output{Region: "us-east-1", Stack: "test-vpc", Output: "PrivateInstanceSubnets"}
	zones := func(ids ...string) appChange { return func(app *schema.AppRegion) { app.Zones = ids } }
	volumes := func(count int) appChange {
		return func(app *schema.AppRegion) {
			v := ebs("data")
			v.Count = count
			app.Volumes = []schema.Volume{v}
		}
	}
	all := []string{"use1-az1", "use1-az2", "use1-az4"}
	free := func(count int) *assembly.Subnets {
		return &assembly.Subnets{Of: of, Volumes: []string{"web/data"}, Candidates: all, Count: count, InstanceTypes: []string{"t3.nano"},
			BootTimeout: 900}
	}
	for name, c := range map[string]struct {
		change appChange
		want   *assembly.Subnets
	}{
		"all zones":                    {func(*schema.AppRegion) {}, nil},
		"its own":                      {zones("use1-az2"), &assembly.Subnets{Of: of, Zones: []string{"use1-az2"}}},
		"EBS volumes":                  {volumes(2), free(1)},
		"as many volumes as instances": {together(size(6, 6, schema.Rolling), volumes(6)), free(3)},
		"in two zones":                 {together(size(4, 4, schema.Rolling), volumes(4)), free(2)},
		"five in one":                  {together(size(5, 5, schema.Rolling), volumes(5)), free(1)},
		"more volumes than instances":  {together(size(3, 3, schema.Rolling), volumes(6)), free(1)},
		"a schedule":                   {together(size(3, 3, schema.Rolling), volumes(3), scheduled), free(1)},
		"EBS volumes in zones of its own": {together(zones("use1-az4"), volumes(2)), &assembly.Subnets{
			Of: of, Zones: []string{"use1-az4"}, Volumes: []string{"web/data"}, BootTimeout: 900,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			v := build(t, orbit, testApp(orbit, "web", c.change)).view("us-east-1/test-web")
			source := v.stack.Parameters["InstanceSubnets"].Subnets
			if diff := cmp.Diff(c.want, source); diff != "" {
				t.Error(diff)
			}
			want := `{"Ref":"InstanceSubnets"}`
			if c.want == nil {
				want = `{"Ref":"PrivateInstanceSubnets"}`
			}
			v.has("Asg", "VPCZoneIdentifier", want)
			if got := v.stack.DependsOn; len(got) == 0 || got[len(got)-1].Name != "test-vpc" {
				t.Errorf("depends on %v", got)
			}
		})
	}
}

func scheduled(app *schema.AppRegion) {
	app.Scaling.Schedules = []schema.Schedule{{Name: "day", Min: &app.InstanceMin}}
}
