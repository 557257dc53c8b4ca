package compiler

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/content"
)

func withVolumes(volumes ...schema.Volume) appChange {
	return func(app *schema.AppRegion) { app.Volumes = volumes }
}

func ebs(label string) schema.Volume {
	return schema.Volume{Label: label, Count: 2, Size: 10, Type: "gp3", Encrypted: true, MountPoint: "/mnt/" + label}
}

func TestVolumesInTheDocument(t *testing.T) {
	disk := 1
	v := lower(t, withVolumes(ebs("data"), schema.Volume{Label: "spill", Instance: &disk, Mapped: true, MountPoint: "/spill"},
		schema.Volume{Label: "fast", Instance: new(int), MountPoint: "/fast"}))
	want := []document.Volume{
		{Label: "data", MountPoint: "/mnt/data", Count: 2, Size: 10, Type: "gp3", Encrypted: true},
		{Label: "spill", MountPoint: "/spill", Disk: &disk},
		{Label: "fast", MountPoint: "/fast", Disk: new(int)},
	}
	if diff := cmp.Diff(want, v.document().Volumes); diff != "" {
		t.Error(diff)
	}
	mappings := v.get("Resources", "LaunchTemplate", "Properties", "LaunchTemplateData", "BlockDeviceMappings")
	if !strings.HasSuffix(mappings, `,{"DeviceName":"/dev/sdc","VirtualName":"ephemeral1"}]`) || strings.Contains(mappings, "ephemeral0") {
		t.Errorf("only what is no NVMe disk is mapped: %s", mappings)
	}
}

func TestVolumeRights(t *testing.T) {
	v := lower(t, withVolumes(ebs("data"), ebs("logs")))
	policy := v.get("Resources", "AgentPolicy", "Properties", "PolicyDocument")
	for _, want := range []string{
		`{"Action":["dynamodb:Query","dynamodb:UpdateItem"],"Condition":{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["web/data",` +
			`"web/logs"]},` +
			`"Null":{"dynamodb:LeadingKeys":"false"}},"Effect":"Allow",` +
			`"Resource":[{"Fn::Sub":"arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/test-volumes"}]}`,
		`{"Action":["ec2:AttachVolume","ec2:DetachVolume","ec2:DeleteVolume"],` +
			`"Condition":{"Null":{"aws:ResourceTag/spacel:volume":"false"},` +
			`"StringEquals":{"aws:ResourceTag/spacel:app":"web","aws:ResourceTag/spacel:orbit":"test"}},"Effect":"Allow"`,
		`{"Action":["ec2:CreateVolume"],"Condition":{"Null":{"aws:RequestTag/spacel:volume":"false"},` +
			`"StringEquals":{"aws:RequestTag/spacel:app":"web",`,
		`"Resource":[{"Fn::Sub":"arn:${AWS::Partition}:ec2:${AWS::Region}::snapshot/*"}]`,
	} {
		if !strings.Contains(policy, want) {
			t.Errorf("no %s in %s", want, policy)
		}
	}
	if got := v.stack.DependsOn; len(got) == 0 || !strings.Contains(got[0].Name, "-tables") {
		t.Errorf("the table of volumes is another stack's, and this one depends on %v", got)
	}
}

// An app without EBS volumes has no rights to any.
func TestNoVolumeRights(t *testing.T) {
	for name, v := range map[string]*stackView{"none": lower(t),
		"disks": lower(t, withVolumes(schema.Volume{Label: "fast", Instance: new(int)}))} {
		if policy := v.get("Resources", "AgentPolicy"); strings.Contains(policy, "Volume") || strings.Contains(policy, "Snapshot") ||
			strings.Contains(policy, "-volumes") {
			t.Errorf("%s: %s", name, policy)
		}
	}
}

func TestStats(t *testing.T) {
	if lower(t).document().Stats != "" {
		t.Error("published unasked")
	}
	v := lower(t, func(app *schema.AppRegion) { app.CWStats = true })
	if v.document().Stats != "System/Linux/test/web" {
		t.Error("not in the document")
	}
	want := `{"Action":["cloudwatch:PutMetricData"],"Condition":{"StringEquals":{"cloudwatch:namespace":"System/Linux/test/web"}},` +
		`"Effect":"Allow","Resource":["*"]}`
	if policy := v.get("Resources", "AgentPolicy"); !strings.Contains(policy, want) {
		t.Error(policy)
	}
}

// Volumes go to an asset with all else that is large.
func TestManyVolumesSpill(t *testing.T) {
	orbit := testOrbit("us-east-1")
	var volumes []schema.Volume
	for i := range 24 {
		volumes = append(volumes, ebs(strings.Repeat(string(rune('a'+i)), 60)))
	}
	b := build(t, orbit, testApp(orbit, "web", withVolumes(volumes...), func(app *schema.AppRegion) {
		app.Files = []schema.File{{Name: "f", Mode: "0644", Text: content.Text{Body: noise(8000)}}}
	}))
	b.silent()
	v := b.view("us-east-1/test-web")
	if len(b.assets) != 1 || v.document().Volumes != nil {
		t.Fatalf("%d assets, %d volumes in user data", len(b.assets), len(v.document().Volumes))
	}
	for _, body := range b.assets {
		if n := strings.Count(string(body), `"mountPoint"`); n != len(volumes) {
			t.Errorf("%d volumes in the asset", n)
		}
	}
}
