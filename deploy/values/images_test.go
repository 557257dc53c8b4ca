package values

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/pebble/spacel/compiler/assembly"
)

func image(ami, architecture string) assembly.ValueFrom {
	return assembly.ValueFrom{Image: &assembly.Image{Debian: "13", Architecture: architecture, AMI: ami}}
}

// some is one of moto's images.
func (a *awsEnv) some(architecture, root string) string {
	a.Helper()
	filter := func(name, value string) ec2types.Filter { return ec2types.Filter{Name: &name, Values: []string{value}} }
	out, err := a.cloud.Region(here).EC2().DescribeImages(a.Context(), &ec2.DescribeImagesInput{
		Filters: []ec2types.Filter{filter("architecture", architecture), filter("root-device-name", root)},
	})
	if err != nil || len(out.Images) == 0 {
		a.Fatal("no image", err)
	}
	return *out.Images[0].ImageId
}

func (a *awsEnv) parameter(name, value string, kind ssmtypes.ParameterType) {
	a.Helper()
	if _, err := a.cloud.Region(here).SSM().PutParameter(a.Context(),
		&ssm.PutParameterInput{Name: &name, Value: &value, Type: kind}); err != nil {
		a.Fatal(err)
	}
}

func TestDebianImage(t *testing.T) {
	a := newAWSEnv(t)
	a.debian["/aws/service/debian/release/13/latest/arm64"] = "ami-00000000000000001"
	a.debian["/aws/service/debian/daily/13/latest/arm64"] = "ami-00000000000000002"
	a.wantValue(image("", "arm64"), nil, Value{Text: "ami-00000000000000001"})
	a.wantValue(image("", "arm64"), deployed(map[string]string{"P": "ami-old"}), Value{Text: "ami-old", Keep: true})
	a.wantValue(image("", "arm64"), deployed(map[string]string{"Other": "ami-old"}), Value{Text: "ami-00000000000000001"})
	a.settings.UpgradeImage = true
	a.wantValue(image("", "arm64"), deployed(map[string]string{"P": "ami-old"}), Value{Text: "ami-00000000000000001"})
	a.settings.Channel = "latest"
	a.wantValue(image("", "arm64"), nil, Value{Text: "ami-00000000000000002"})
	a.wantError(image("", "amd64"), "there is no image for Debian 13 on amd64 in us-east-1: no SSM parameter "+
		"/aws/service/debian/daily/13/latest/amd64; correct")
}

// One account for all: moto makes a copy of its images for each, which takes a while.
func TestImagesThatTheManifestNames(t *testing.T) {
	a := newAWSEnv(t)
	arm, intel, odd := a.some("arm64", "/dev/xvda"), a.some("x86_64", "/dev/xvda"), a.some("x86_64", "/dev/sda1")
	a.wantValue(image(arm, "arm64"), nil, Value{Text: arm})
	a.wantValue(image(intel, "amd64"), nil, Value{Text: intel})
	a.wantError(image(arm, "amd64"), "image "+arm+" in us-east-1 is for arm64, and the instance type is amd64: name another")
	a.wantError(image(odd, "amd64"), "has its root at /dev/sda1: it must be at /dev/xvda")
	a.wantError(image("ami-0123456789abcdef0", "arm64"), "there is no image ami-0123456789abcdef0 in us-east-1, or it is not shared")

	a.debian["/aws/service/debian/daily/13/20260112-1234/arm64"] = arm
	a.wantValue(image("20260112-1234", "arm64"), nil, Value{Text: arm})
	a.wantError(image("20260112-9999", "arm64"), "no SSM parameter /aws/service/debian/release/13/20260112-9999/arm64, and no "+
		"/aws/service/debian/daily/13/20260112-9999/arm64")

	a.parameter("/platform/image", arm, ssmtypes.ParameterTypeString)
	a.parameter("/platform/text", "none", ssmtypes.ParameterTypeString)
	a.wantValue(image("/platform/image", "arm64"), nil, Value{Text: arm})
	a.wantError(image("/platform/image", "amd64"), "is for arm64")
	a.wantError(image("/platform/text", "arm64"), `SSM parameter /platform/text in us-east-1 must hold the id of an image (ami-…), and `+
		`holds something else`)
	a.wantError(image("/platform/absent", "arm64"), "no SSM parameter /platform/absent")
}

func TestFits(t *testing.T) {
	root, id := rootDevice, "ami-1"
	good := ec2types.Image{ImageId: &id, State: "available", Architecture: "arm64", RootDeviceType: "ebs", RootDeviceName: &root}
	if err := fits(good, here, "arm64"); err != nil {
		t.Error(err)
	}
	pending, local := good, good
	pending.State = "pending"
	local.RootDeviceType = "instance-store"
	for _, bad := range []ec2types.Image{pending, local} {
		if fits(bad, here, "arm64") == nil {
			t.Errorf("%+v fits", bad)
		}
	}
}
