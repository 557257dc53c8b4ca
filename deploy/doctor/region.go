package doctor

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/staging"
)

// inRegion makes the checks of one region.
func inRegion(ctx context.Context, c *cloud.Cloud, b staging.Buckets, region string) []Finding {
	findings := []Finding{bucket(ctx, c, b, region)}
	findings = append(findings, images(ctx, c, region)...)
	return append(findings, quotas(ctx, c, region)...)
}

// bucket checks the bucket for uploads: the user's, or spacel's own.
func bucket(ctx context.Context, c *cloud.Cloud, b staging.Buckets, region string) Finding {
	stage := staging.New(c, b)
	if b.Asset != "" {
		if problems := stage.Check(ctx, []string{region}); len(problems) > 0 {
			return Finding{Check: "bucket", Region: region, State: Problem, Found: errors.Join(problems...).Error(),
				Fix: "correct LAMBDA_BUCKET, or unset it: then deploy makes a bucket of its own"}
		}
		return Finding{Check: "bucket", Region: region, State: OK, Found: b.Asset}
	}
	state, err := stage.Bucket(ctx, region)
	if err != nil {
		return Finding{Check: "bucket", Region: region, State: Problem, Found: err.Error(),
			Fix: "name a bucket of your own with --lambda-bucket, or in LAMBDA_BUCKET"}
	}
	identity, err := c.Identity(ctx, region)
	if err != nil {
		return unread("bucket", region, err)
	}
	name := staging.OwnName(identity.Account, region)
	switch state {
	case staging.Absent:
		name += " does not exist yet: deploy makes it"
	case staging.Unfinished:
		name += " was begun by an interrupted run: deploy completes it"
	}
	return Finding{Check: "bucket", Region: region, State: OK, Found: name}
}

// debian is the release of Debian that instances get unless a manifest says another.
const debian = "13"

// images looks for the SSM parameters in which Debian publishes its images. https://wiki.debian.org/Cloud/AmazonEC2Image
func images(ctx context.Context, c *cloud.Cloud, region string) []Finding {
	var findings []Finding
	for _, architecture := range []string{"amd64", "arm64"} {
		name := fmt.Sprintf("/aws/service/debian/release/%s/latest/%s", debian, architecture)
		out, err := c.Region(region).SSM().GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
		f := Finding{Check: "image", Region: region, State: OK}
		if _, absent := errors.AsType[*types.ParameterNotFound](err); absent {
			f.State, f.Found = Problem, "there is no SSM parameter "+name
			f.Fix = "name an image with ami in the manifests of this region"
		} else if err != nil {
			f = unread("image", region, err)
		} else if out.Parameter == nil || aws.ToString(out.Parameter.Value) == "" {
			f = unread("image", region, cloud.Incomplete("ssm:GetParameter", "no Parameter with a Value"))
		} else {
			f.Found = fmt.Sprintf("Debian %s on %s is %s", debian, architecture, aws.ToString(out.Parameter.Value))
		}
		findings = append(findings, f)
	}
	return findings
}
