package deploy

import (
	"context"
	"strings"

	"github.com/pebble/spacel/deploy/values"
)

// guardRootVolume refuses an image of the user's own whose root snapshot is larger than the root volume. EC2 refuses each launch then
// ("Volume of size 8GB is smaller than snapshot"), and CloudFormation waits for its whole timeout. Debian's own images fit.
func guardRootVolume(ctx context.Context, p planner, plan stackPlan) error {
	for _, c := range plan.Changes {
		if c.Type != "AWS::EC2::LaunchTemplate" || c.Action == "Remove" {
			continue
		}
		whole, err := p.template.whole()
		if err != nil {
			return err
		}
		data, _ := whole.Resources[c.LogicalID].Properties["LaunchTemplateData"].(map[string]any)
		reference, _ := data["ImageId"].(map[string]any)
		name, _ := reference["Ref"].(string)
		source := p.spec.Parameters[name].Image
		image := plan.inputs[name].Text
		size := rootSize(data)
		if source == nil || source.AMI == "" || !strings.HasPrefix(image, "ami-") || size == 0 {
			continue
		}
		snapshot, err := values.RootSize(ctx, p.cloud, p.spec.Region, image)
		if err != nil {
			return err
		}
		if snapshot > size {
			return refuse("%s: %sthe root volume has %d GiB, and the image %s (ami: %s) needs %d: write root_volume: {size: %d} into the "+
				"manifest, or take another image", p.ref(), place(c.Origin), size, image, source.AMI, snapshot, snapshot)
		}
	}
	return nil
}

// rootSize returns the size of the first disk of a launch template in GiB, which is the root volume, 0 if it is not a number.
func rootSize(data map[string]any) int {
	disks, _ := data["BlockDeviceMappings"].([]any)
	if len(disks) == 0 {
		return 0
	}
	disk, _ := disks[0].(map[string]any)
	ebs, _ := disk["Ebs"].(map[string]any)
	size, _ := ebs["VolumeSize"].(float64)
	return int(size)
}
