package values

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
)

// rootDevice is the device name of the root volume in Debian's images. The templates set the size of the volume under
// that name, so an image with another name would start with an extra, empty volume.
const rootDevice = "/dev/xvda"

// imageID matches EC2's ids of images.
var imageID = regexp.MustCompile(`^ami-[0-9a-f]{8,17}$`)

// image returns the id of a machine image. The deployed one stays until --upgrade image.
func (r *Resolver) image(ctx context.Context, q question, s assembly.Image) (Value, error) {
	if v, ok := q.kept(); ok && !r.settings.UpgradeImage {
		return v, nil
	}
	id, err := r.newestImage(ctx, q.stack.Region, s)
	return Value{Text: id}, err
}

// newestImage returns the id of the image which a source names today, in a region.
func (r *Resolver) newestImage(ctx context.Context, region string, s assembly.Image) (string, error) {
	// An id needs no look-up, only a check.
	if imageID.MatchString(s.AMI) {
		return s.AMI, r.checkImage(ctx, region, s.AMI, s.Architecture)
	}
	names := r.imageParameters(s)
	for _, name := range names {
		found, err := r.parameter(ctx, region, name)
		// Only a missing parameter leads to the next name. After any other error the next name could be the wrong image.
		if _, absent := errors.AsType[*ssmtypes.ParameterNotFound](err); absent {
			continue
		}
		if err != nil {
			return "", err
		}
		id := found.text
		if !imageID.MatchString(id) {
			return "", fmt.Errorf("SSM parameter %s in %s must hold the id of an image (ami-…), and holds something else", name,
				region) // do not show it: it may be a secret
		}
		if s.AMI == "" {
			return id, nil // an image of Debian's, whose architecture is in the parameter's name
		}
		return id, r.checkImage(ctx, region, id, s.Architecture)
	}
	return "", fmt.Errorf("there is no image for %s in %s: no SSM parameter %s; correct ami or debian in the manifest", describeImage(s),
		region, strings.Join(names, ", and no "))
}

// imageParameters returns the SSM parameters that may hold the id, in the order in which to try them. Debian
// publishes /aws/service/debian/… in every region (https://wiki.debian.org/Cloud/AmazonEC2Image).
func (r *Resolver) imageParameters(s assembly.Image) []string {
	streams := []string{"release", "daily"}
	if r.settings.Channel == "latest" {
		slices.Reverse(streams)
	}
	path := func(stream, build string) string {
		return fmt.Sprintf("/aws/service/debian/%s/%s/%s/%s", stream, s.Debian, build, s.Architecture)
	}
	switch {
	case s.AMI == "":
		return []string{path(streams[0], "latest")}
	case strings.HasPrefix(s.AMI, "/"):
		return []string{s.AMI}
	}
	return []string{path(streams[0], s.AMI), path(streams[1], s.AMI)}
}

// describeImage names the image as the manifest does, for a message.
func describeImage(s assembly.Image) string {
	if s.AMI == "" {
		return fmt.Sprintf("Debian %s on %s", s.Debian, s.Architecture)
	}
	return fmt.Sprintf("ami: %s on %s", s.AMI, s.Architecture)
}

// parameter returns the value of an SSM parameter, decrypted. Versions count from 1, again after a deletion, so the date of the
// last change belongs to the version. A parameter that refers to another service has no version of its own, and SSM gives none.
func (r *Resolver) parameter(ctx context.Context, region, name string) (versioned, error) {
	return r.parameters.To(region+" "+name, func() (v versioned, err error) {
		out, err := r.cloud.Region(region).SSM().GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
		if err != nil {
			return v, fmt.Errorf("read the SSM parameter %s in %s: %w", name, region, cloud.Explain(err))
		}
		if out.Parameter == nil || aws.ToString(out.Parameter.Value) == "" { // SSM stores no empty value
			return v, fmt.Errorf("read the SSM parameter %s in %s: %w", name, region,
				cloud.Incomplete("ssm:GetParameter", "no Parameter with a Value"))
		}
		v.text = strings.TrimSpace(aws.ToString(out.Parameter.Value))
		if p := out.Parameter; p.Version > 0 && p.LastModifiedDate != nil && p.SourceResult == nil {
			v.version = versionOf(aws.ToString(p.ARN), fmt.Sprint(p.Version), p.LastModifiedDate.UTC().Format(time.RFC3339Nano))
		}
		return v, nil
	})
}

// checkImage reports an error for an image of the user's own that instances could not boot from.
func (r *Resolver) checkImage(ctx context.Context, region, id, architecture string) error {
	_, err := r.images.To(region+" "+id+" "+architecture, func() (struct{}, error) {
		out, err := r.cloud.Region(region).EC2().DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{id}})
		if code := errorCode(err); strings.HasPrefix(code, "InvalidAMIID") || err == nil && len(out.Images) == 0 {
			return struct{}{}, fmt.Errorf("there is no image %s in %s, or it is not shared with this account: images are a region's own; "+
				"name one of this region in its section of the manifest", id, region)
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("describe the image %s in %s: %w", id, region, cloud.Explain(err))
		}
		return struct{}{}, fits(out.Images[0], region, architecture)
	})
	return err
}

// RootSize returns the size of an image's root snapshot in GiB, 0 if it is not known.
func RootSize(ctx context.Context, c *cloud.Cloud, region, id string) (int, error) {
	out, err := c.Region(region).EC2().DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{id}})
	if err != nil {
		return 0, fmt.Errorf("describe the image %s in %s: %w", id, region, cloud.Explain(err))
	}
	for _, i := range out.Images {
		for _, m := range i.BlockDeviceMappings {
			if aws.ToString(m.DeviceName) == aws.ToString(i.RootDeviceName) && m.Ebs != nil {
				return int(aws.ToInt32(m.Ebs.VolumeSize)), nil
			}
		}
	}
	return 0, nil
}

// errorCode returns the code of AWS's answer, "" for any other error, such as one of the network.
func errorCode(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// fits compares an image with the assumptions of the templates: available, of the right architecture, with its root
// on EBS at rootDevice.
func fits(i ec2types.Image, region, architecture string) error {
	id := aws.ToString(i.ImageId)
	// EC2 says x86_64 where Go, Debian and our manifests say amd64.
	got := strings.Replace(string(i.Architecture), "x86_64", "amd64", 1)
	switch {
	case i.State != ec2types.ImageStateAvailable:
		return fmt.Errorf("image %s in %s is %s, not available: wait until it is, or name another", id, region, i.State)
	case got != architecture:
		return fmt.Errorf("image %s in %s is for %s, and the instance type is %s: name another image or instance_type", id, region, got,
			architecture)
	case i.RootDeviceType != "" && i.RootDeviceType != ec2types.DeviceTypeEbs:
		return fmt.Errorf("image %s in %s has its root on %s: it must be on an EBS volume", id, region, i.RootDeviceType)
	case aws.ToString(i.RootDeviceName) != rootDevice:
		return fmt.Errorf("image %s in %s has its root at %s: it must be at %s, as in Debian's own", id, region,
			aws.ToString(i.RootDeviceName), rootDevice)
	}
	return nil
}
