package compiler

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema"
)

func size(least, most int, policy schema.UpdatePolicy) appChange {
	return func(app *schema.AppRegion) { app.InstanceMin, app.InstanceMax, app.UpdatePolicy = least, most, policy }
}

// TestUpdatePolicies is the predecessor's rule of how many stay in service, with each policy.
func TestUpdatePolicies(t *testing.T) {
	const scheduled = `"AutoScalingScheduledAction":{"IgnoreUnmodifiedGroupSizeProperties":true}`
	rolling := func(inService string) string {
		return `{"AutoScalingRollingUpdate":{"MaxBatchSize":1,"MinInstancesInService":` + inService + `,"PauseTime":"PT15M",` +
			`"SuspendProcesses":["HealthCheck","ReplaceUnhealthy","AZRebalance","AlarmNotification","ScheduledActions",` +
			`"InstanceRefresh"],` +
			`"WaitOnResourceSignals":true},` + scheduled + `}`
	}
	creation := func(count string) string { return `{"ResourceSignal":{"Count":` + count + `,"Timeout":"PT15M"}}` }
	for name, c := range map[string]struct {
		least, most      int
		policy           schema.UpdatePolicy
		update, creation string
	}{
		"rolling 1..1": {1, 1, schema.Rolling, rolling("0"), creation("1")},
		"rolling 1..2": {1, 2, schema.Rolling, rolling(`{"Ref":"InstancesInService"}`), creation("1")},
		"rolling 2..2": {2, 2, schema.Rolling, rolling("1"), creation("2")},
		"rolling 0..2": {0, 2, schema.Rolling, rolling(`{"Ref":"InstancesInService"}`), ""},
		"rolling 0..0": {0, 0, schema.Rolling, `{` + scheduled + `}`, ""},
		"redblack 2..4": {2, 4, schema.RedBlack, `{"AutoScalingReplacingUpdate":{"WillReplace":true},` + scheduled + `}`,
			creation(`{"Ref":"Capacity"}`)},
		"redblack 2..2": {2, 2, schema.RedBlack, `{"AutoScalingReplacingUpdate":{"WillReplace":true},` + scheduled + `}`, creation("2")},
		"redblack 0..0": {0, 0, schema.RedBlack, `{"AutoScalingReplacingUpdate":{"WillReplace":true},` + scheduled + `}`, ""},
		"disabled 1..2": {1, 2, schema.UpdateDisabled, `{` + scheduled + `}`, creation("1")},
	} {
		t.Run(name, func(t *testing.T) {
			v := lower(t, size(c.least, c.most, c.policy))
			if got := v.get("Resources", "Asg", "UpdatePolicy"); got != c.update {
				t.Errorf("update policy: want %s, got %s", c.update, got)
			}
			if got := v.get("Resources", "Asg", "CreationPolicy"); got != c.creation {
				t.Errorf("creation policy: want %s, got %s", c.creation, got)
			}
		})
	}
}

// With EBS volumes an update terminates before it launches, whatever room the group has: see minInService.
func TestUpdatesWithVolumes(t *testing.T) {
	for sizes, want := range map[[2]int]string{{0, 2}: "0", {1, 1}: "0", {1, 2}: "0", {2, 2}: "1", {2, 6}: "1", {3, 4}: "2"} {
		v := lower(t, size(sizes[0], sizes[1], schema.Rolling), withVolumes(ebs("data")))
		if got := v.get("Resources", "Asg", "UpdatePolicy", "AutoScalingRollingUpdate", "MinInstancesInService"); got != want {
			t.Errorf("%v: got %s, want %s", sizes, got, want)
		}
	}
}

// All waits for a new instance follow boot_timeout.
func TestBootTimeout(t *testing.T) {
	for seconds, want := range map[int]string{900: "PT15M", 3600: "PT60M", 1234: "PT1234S"} {
		v := lower(t, func(app *schema.AppRegion) { app.BootTimeout = seconds })
		if got := v.document().Signal.Timeout; got != seconds {
			t.Errorf("the agent has %d seconds", got)
		}
		v.has("Asg", "HealthCheckGracePeriod", strconv.Itoa(seconds))
		for _, path := range [][]string{
			{"UpdatePolicy", "AutoScalingRollingUpdate", "PauseTime"}, {"CreationPolicy", "ResourceSignal", "Timeout"},
		} {
			if got := v.get(append([]string{"Resources", "Asg"}, path...)...); got != strconv.Quote(want) {
				t.Errorf("%v: got %s, want %s", path, got, want)
			}
		}
	}
}

func TestLaunchTemplate(t *testing.T) {
	v := lower(t, func(app *schema.AppRegion) {
		app.RootVolume.Size, app.InstanceType, app.Architecture = 20, "t4g.small", "arm64"
		app.Image = schema.Image{Debian: "12", AMI: "ami-0123456789abcdef0"}
	})
	for property, want := range map[string]string{
		"ImageId":         `{"Ref":"ImageAmi0123456789abcdef0XB1FA6A94Arm64"}`,
		"InstanceType":    `"t4g.small"`,
		"MetadataOptions": `{"HttpEndpoint":"enabled","HttpPutResponseHopLimit":1,"HttpTokens":"required"}`,
		"BlockDeviceMappings": `[{"DeviceName":"/dev/xvda","Ebs":{"DeleteOnTermination":true,"Encrypted":true,"VolumeSize":20,` +
			`"VolumeType":"gp3"}}]`,
		"NetworkInterfaces": `[{"AssociatePublicIpAddress":false,"DeleteOnTermination":true,"DeviceIndex":0,` +
			`"Groups":[{"Fn::GetAtt":["Sg","GroupId"]}]}]`,
		"Monitoring":         `{"Enabled":true}`,
		"IamInstanceProfile": `{"Arn":{"Fn::GetAtt":["InstanceProfile","Arn"]}}`,
	} {
		if got := v.get("Resources", "LaunchTemplate", "Properties", "LaunchTemplateData", property); got != want {
			t.Errorf("%s: want %s, got %s", property, want, got)
		}
	}
	if image := v.stack.Parameters["ImageAmi0123456789abcdef0XB1FA6A94Arm64"].Image; image == nil || image.Debian != "12" ||
		image.Architecture != "arm64" || image.AMI == "" {
		t.Errorf("image: %+v", image)
	}
	v.has("Asg", "LaunchTemplate", `{"LaunchTemplateId":{"Ref":"LaunchTemplate"},"Version":{"Fn::GetAtt":["LaunchTemplate",`+
		`"LatestVersionNumber"]}}`)
	v.has("Asg", "VPCZoneIdentifier", `{"Ref":"PrivateInstanceSubnets"}`)
	v.has("Asg", "DesiredCapacity", "")
}

// TestVolumesCarryTheTags wants the manifest's tags where CloudFormation puts none.
func TestVolumesCarryTheTags(t *testing.T) {
	v := lower(t, func(app *schema.AppRegion) { app.Tags = map[string]string{"team": "shop", "cost": "12"} })
	tags := `[{"Key":"Name","Value":"test-web"},{"Key":"cost","Value":"12"},{"Key":"spacel:app","Value":"web"},` +
		`{"Key":"spacel:orbit","Value":"test"},{"Key":"team","Value":"shop"}]`
	want := `[{"ResourceType":"network-interface","Tags":` + tags + `},{"ResourceType":"volume","Tags":` + tags + `}]`
	if got := v.get("Resources", "LaunchTemplate", "Properties", "LaunchTemplateData", "TagSpecifications"); got != want {
		t.Errorf("want %s, got %s", want, got)
	}
	if v.stack.Tags["team"] != "shop" {
		t.Errorf("stack tags: %v", v.stack.Tags)
	}
}

func TestPublicInstances(t *testing.T) {
	orbit := testOrbit("us-east-1")
	orbit.Regions[0].IPv6 = true
	for _, place := range []schema.Availability{schema.InternetFacing, schema.MultiRegion} {
		b := build(t, orbit, testApp(orbit, "web", availability(schema.InternetFacing, place, false)))
		b.silent()
		v := b.view("us-east-1/test-web")
		v.has("Asg", "VPCZoneIdentifier", `{"Ref":"PublicInstanceSubnets"}`)
		want := `[{"AssociatePublicIpAddress":true,"DeleteOnTermination":true,"DeviceIndex":0,"Groups":[{"Fn::GetAtt":["Sg","GroupId"]}],` +
			`"Ipv6AddressCount":1}]`
		if got := v.get("Resources", "LaunchTemplate", "Properties", "LaunchTemplateData", "NetworkInterfaces"); got != want {
			t.Errorf("%s: want %s, got %s", place, want, got)
		}
	}
}

func TestElasticAddresses(t *testing.T) {
	v := lower(t, availability(schema.Disabled, schema.InternetFacing, true), size(3, 3, schema.Rolling))
	same(t, "addresses", v.resources("AWS::EC2::EIP", ""), "ElasticIp01", "ElasticIp02", "ElasticIp03")
	if got := v.get("Outputs", "ElasticIp03", "Value"); got != `{"Ref":"ElasticIp03"}` {
		t.Errorf("output: %s", got)
	}
	if got := v.document().Addresses; len(got) != 3 || got[0] != "${ElasticIp01.AllocationId}" {
		t.Errorf("document: %q", got)
	}
}

// The sizes of a new group are parameters, when scaling or schedules can have changed those of the old one.
func TestSizesOfNewGroups(t *testing.T) {
	least, most := 5, 50
	for name, c := range map[string]struct {
		change appChange
		want   map[string]assembly.GroupSize
	}{
		"fixed": {size(3, 3, schema.RedBlack), nil},
		"rolling": {size(2, 9, schema.Rolling), map[string]assembly.GroupSize{
			"InstancesInService": {Of: "inService", Default: 2, Min: 2, Max: 9, Batch: 1},
		}},
		"from nothing": {size(0, 9, schema.RedBlack), map[string]assembly.GroupSize{
			"Capacity": {Of: "desired", Default: 1, Min: 1, Max: 9},
		}},
		"with a desired number": {func(app *schema.AppRegion) {
			size(2, 9, schema.RedBlack)(app)
			app.InstanceDesired = &least
		}, map[string]assembly.GroupSize{"Capacity5": {Of: "desired", Default: 5, Min: 2, Max: 9}}},
		"with schedules": {func(app *schema.AppRegion) {
			size(2, 9, schema.RedBlack)(app)
			app.Scaling.Schedules = []schema.Schedule{{Name: "day", Min: &least}, {Name: "night", Max: &most}}
		}, map[string]assembly.GroupSize{
			"Capacity":     {Of: "desired", Default: 2, Min: 2, Max: 9, ScheduledMin: true, ScheduledMax: true},
			"CapacityMin2": {Of: "min", Default: 2, Min: 2, Max: 9, ScheduledMin: true, ScheduledMax: true},
			"CapacityMax9": {Of: "max", Default: 9, Min: 2, Max: 9, ScheduledMin: true, ScheduledMax: true},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]assembly.GroupSize{}
			for id, source := range lower(t, c.change).stack.Parameters {
				if source.GroupSize != nil {
					got[id] = *source.GroupSize
				}
			}
			if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A group of fixed size has constants, and so has one with EBS volumes, whose batch leaves the percentage of its fewest instances.
func TestPaceOfUpdates(t *testing.T) {
	percent := 75
	for name, c := range map[string]struct {
		change        appChange
		batch, remain string
	}{
		"fixed":                          {size(8, 8, schema.Rolling), "3", "5"},
		"fixed, with a percentage":       {together(size(8, 8, schema.Rolling), healthy(&percent)), "3", "6"},
		"EBS volumes":                    {together(size(8, 9, schema.Rolling), withVolumes(ebs("data"))), "3", "5"},
		"EBS volumes, with a percentage": {together(size(8, 9, schema.Rolling), healthy(&percent), withVolumes(ebs("data"))), "2", "6"},
		"fewer instances than a batch":   {together(size(2, 9, schema.Rolling), withVolumes(ebs("data"))), "3", "0"},
	} {
		v := lower(t, together(c.change, func(app *schema.AppRegion) { app.Update.Batch = 3 }))
		for property, want := range map[string]string{"MaxBatchSize": c.batch, "MinInstancesInService": c.remain} {
			if got := v.get("Resources", "Asg", "UpdatePolicy", "AutoScalingRollingUpdate", property); got != want {
				t.Errorf("%s: %s: got %s, want %s", name, property, got, want)
			}
		}
	}
}

func healthy(percent *int) appChange {
	return func(app *schema.AppRegion) { app.Update.MinHealthy = percent }
}

func together(changes ...appChange) appChange {
	return func(app *schema.AppRegion) {
		for _, change := range changes {
			change(app)
		}
	}
}

// A group replaces failed instances one after the other, unless a replacement needs what the old instance holds.
func TestMaintenance(t *testing.T) {
	const policy = `{"MaxHealthyPercentage":110,"MinHealthyPercentage":100}`
	lower(t).has("Asg", "InstanceMaintenancePolicy", policy)
	volume := schema.Volume{Node: at("app.json", 60, "all.volumes.data"), Label: "data", Count: 2, Size: 4, Type: "gp3",
		MountPoint: "/mnt/data"}
	for name, change := range map[string]appChange{
		"EBS volumes":       func(app *schema.AppRegion) { app.Volumes, app.InstanceMin = []schema.Volume{volume}, 2 },
		"elastic addresses": func(app *schema.AppRegion) { app.ElasticIPs, app.InstanceAvailability = true, schema.InternetFacing },
		"no load balancer": func(app *schema.AppRegion) {
			app.ELBAvailability, app.PublicPorts, app.Hostnames = schema.Disabled, nil, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			orbit := testOrbit("us-east-1")
			build(t, orbit, testApp(orbit, "web", change)).view("us-east-1/test-web").has("Asg", "InstanceMaintenancePolicy", "")
		})
	}
}
