package e2e

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/destroy"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/cloudtest"
)

var regions = []string{"us-east-1", "us-west-2", "eu-west-1"}

// newMotoEnv is an AWS by others: moto, with a hosted zone, and a bucket in each region.
func newMotoEnv(t testing.TB) *awsEnv { return newEmulatorEnv(t, cloudtest.Moto(t)) }

// newEmulatorEnv prepares the test's account of an emulator: a hosted zone, and a bucket in each region.
func newEmulatorEnv(t testing.TB, endpoint string) *awsEnv {
	w := &awsEnv{TB: t, endpoint: endpoint, buckets: "spacel-" + cloudtest.Account(t) + "-{region}"}
	for _, region := range regions {
		w.bucket("spacel-"+cloudtest.Account(t)+"-"+region, region)
	}
	_, err := route53.NewFromConfig(w.config("us-east-1")).CreateHostedZone(t.Context(), &route53.CreateHostedZoneInput{
		Name: aws.String("example.com"), CallerReference: aws.String(t.Name()),
	})
	w.fatal(err)
	return w
}

func (w *awsEnv) config(region string) aws.Config { return cloudtest.Config(w, w.endpoint, region) }

func (w *awsEnv) bucket(name, region string) {
	w.Helper()
	in := &s3.CreateBucketInput{Bucket: &name}
	if region != "us-east-1" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	client := s3.NewFromConfig(w.config(region), func(o *s3.Options) { o.UsePathStyle = true })
	_, err := client.CreateBucket(w.Context(), in)
	w.fatal(err)
}

// checkProgram checks that the instances' program is in the region's bucket.
func (w *awsEnv) checkProgram(region string) {
	w.Helper()
	client := s3.NewFromConfig(w.config(region), func(o *s3.Options) { o.UsePathStyle = true })
	out, err := client.ListObjectsV2(w.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("spacel-" + cloudtest.Account(w) + "-" +
		region), Prefix: aws.String("spacel/assets/")})
	w.fatal(err)
	if len(out.Contents) == 0 {
		w.Errorf("%s has no program", region)
	}
}

// plannedChanges are the resources that a deployment would change, as region/stack/logical id.
func (w *awsEnv) plannedChanges(dir string) []string {
	w.Helper()
	o := w.deployOptions(dir)
	o.DryRun = true
	d, err := w.prepare(w.Context(), dir, o)
	w.fatal(err)
	w.fatal(d.Discard(w.Context()))
	var all []string
	for _, s := range d.Plan.Stacks {
		for _, c := range s.Changes {
			all = append(all, s.String()+"/"+c.LogicalID)
		}
	}
	slices.Sort(all)
	return all
}

// destroy deletes all of an orbit, with what protects its stacks taken off by consent.
func (w *awsEnv) destroy(orbit string) {
	w.Helper()
	to := w.cloud()
	stacks := live.New(to)
	plan, err := destroy.Prepare(w.Context(), to, stacks, destroy.Scope{Orbit: orbit, Search: regions})
	w.fatal(err)
	r, err := plan.Execute(w.Context(), to, stacks, destroy.Options{Poll: poll}, yes{}, activity.NewControl(), func(activity.Event) {})
	w.fatal(err)
	for _, s := range r.Stacks {
		if s.Outcome != activity.WasDeleted {
			w.Errorf("destroy %s: %s %s %+v", s.StackRef, s.Outcome, s.Why, s.Failed)
		}
	}
}
