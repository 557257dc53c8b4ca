package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/lock"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/staging"
	"github.com/pebble/spacel/deploy/values"
	"github.com/pebble/spacel/internal/cloudtest"
)

// An orbit at work, as those meet it who run it: each script of testdata/operate has an AWS account of its own, by others,
// and reads like a session.
func TestOperate(t *testing.T) {
	moto := cloudtest.Moto(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/operate",
		UpdateScripts:       os.Getenv("SPACEL_UPDATE") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			t := env.T().(testing.TB)
			account := cloud.New(cloudtest.Config(t, moto, east), cloud.Access{})
			o := &scriptAccount{TB: t, moto: moto, proxy: newRegionProxy(t, moto), cloud: account}
			env.Values[scriptAccountKey{}] = o
			env.Vars = append(env.Vars, cloudtest.Environment(t, o.proxy.url)...)
			env.Vars = append(env.Vars, "XDG_CACHE_HOME="+filepath.Join(env.WorkDir, "cache"))
			env.Vars = append(env.Vars, "SPACEL_ORBIT=", "LAMBDA_BUCKET="+o.bucket("{region}"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"deploy": operate("deploy DIR", 1, (*scriptAccount).deploy),
			"region-down": operate("region-down REGION", 1, func(o *scriptAccount, _ *testscript.TestScript,
				args []string) {
				o.proxy.setDown(args[0])
			}),
			"regions-up":    operate("regions-up", 0, func(o *scriptAccount, _ *testscript.TestScript, _ []string) { o.proxy.setDown("") }),
			"bastion-up":    operate("bastion-up REGION", 1, (*scriptAccount).bastionUp),
			"keys-recorded": operate("keys-recorded REGION", 1, (*scriptAccount).keysRecorded),
			"logged":        operate("logged REGION GROUP STREAM AGE TEXT", 5, (*scriptAccount).logged),
			"capture":       operate("capture VARIABLE PATTERN", 2, (*scriptAccount).capture),
			"old-payload":   operate("old-payload REGION ALIAS TEXT FILE", 4, (*scriptAccount).oldPayload),
			"agent-opens":   operate("agent-opens REGION STACK VARIABLE TEXT", 4, (*scriptAccount).agentOpens),
			"replace":       operate("replace FILE OLD NEW INTO", 4, (*scriptAccount).replace),
			"awaits":        operate("awaits FILE TEXT", 2, (*scriptAccount).awaits),
			"task-ended":    operate("task-ended REGION APP TASK VERSION STATE NOTE", 6, (*scriptAccount).taskEnded),
			"opens":         operate("opens REGION STACK GROUP PORT", 4, (*scriptAccount).opensPort),
			"resizes":       operate("resizes REGION STACK GROUP MAX", 4, (*scriptAccount).resizes),
			"allows":        operate("allows REGION STACK ROLE POLICY ACTION", 5, (*scriptAccount).allows),
		},
	})
}

type scriptAccountKey struct{}

// scriptAccount is a script's account.
type scriptAccount struct {
	testing.TB
	moto  string
	proxy *regionProxy
	cloud *cloud.Cloud
	zones sync.Once
}

// operate makes a command of a script.
func operate(usage string, arguments int, do func(*scriptAccount, *testscript.TestScript, []string)) func(*testscript.TestScript, bool,
	[]string) {
	return func(ts *testscript.TestScript, not bool, args []string) {
		if not || len(args) != arguments {
			ts.Fatalf("usage: %s", usage)
		}
		do(ts.Value(scriptAccountKey{}).(*scriptAccount), ts, args)
	}
}

func (o *scriptAccount) bucket(region string) string {
	return "operate-" + cloudtest.Account(o) + "-" + region
}

// prepare makes what an account has before its first orbit.
func (o *scriptAccount) prepare(ts *testscript.TestScript, regions []string) {
	o.zones.Do(func() {
		_, err := route53.NewFromConfig(cloudtest.Config(o, o.moto, east)).CreateHostedZone(o.Context(), &route53.CreateHostedZoneInput{
			Name: aws.String("example.com"), CallerReference: aws.String(o.Name()),
		})
		ts.Check(err)
		for _, region := range regions {
			in := &s3.CreateBucketInput{Bucket: aws.String(o.bucket(region))}
			if region != east {
				in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{
					LocationConstraint: s3types.BucketLocationConstraint(region),
				}
			}
			_, err := o.cloud.Region(region).S3().CreateBucket(o.Context(), in)
			ts.Check(err)
		}
	})
}

// deploy deploys a directory as spacel deploy would, and quicker.
func (o *scriptAccount) deploy(ts *testscript.TestScript, args []string) {
	a, err := assembly.Read(ts.MkAbs(args[0]))
	ts.Check(err)
	defer a.Close()
	o.prepare(ts, orbitOfArtifact(a, "build").regions)
	d, err := deploy.Prepare(o.Context(), o.cloud, a, deploy.Options{
		Poll: 5 * time.Millisecond, Binaries: cloudtest.Programs(), Buckets: staging.Buckets{Asset: o.bucket("{region}")},
		Values: values.Settings{Environment: os.LookupEnv, Version: "v1"},
	}, nil)
	ts.Check(err)
	r, err := d.Execute(o.Context(), agreeable{}, nil)
	ts.Check(err)
	for _, f := range r.Failures {
		ts.Logf("%s", f.What)
	}
	if !r.OK() {
		ts.Fatalf("the deployment failed")
	}
}

// agreeable agrees to what is deployed for the first time.
type agreeable struct{ deploy.Consent }

func (agreeable) Confirm(context.Context, *deploy.Plan) (bool, error) { return true, nil }

// logged writes a line into a log, as if an instance had. The group is a name, or stack/logical id.
func (o *scriptAccount) logged(ts *testscript.TestScript, args []string) {
	client, group, stream := o.cloud.Region(args[0]).Logs(), args[1], args[2]
	age, err := time.ParseDuration(args[3])
	ts.Check(err)
	if stack, id, ok := strings.Cut(group, "/"); ok {
		group = o.resource(ts, args[0], stack, id)
	}
	_, _ = client.CreateLogStream(o.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group,
		LogStreamName: &stream}) // it may be there
	_, err = client.PutLogEvents(o.Context(), &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream,
		LogEvents: []types.InputLogEvent{
			{Message: &args[4], Timestamp: aws.Int64(time.Now().Add(-age).UnixMilli())},
		}})
	ts.Check(err)
}

// bastionUp gives the bastion's address to its instance, as its agent does.
func (o *scriptAccount) bastionUp(ts *testscript.TestScript, args []string) {
	client := o.cloud.Region(args[0]).EC2()
	group := o.resource(ts, args[0], "test-bastion", "Asg")
	found, err := o.cloud.Region(args[0]).AutoScaling().DescribeAutoScalingGroups(o.Context(),
		&autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{group}})
	ts.Check(err)
	address := o.resource(ts, args[0], "test-bastion", "ElasticIp01")
	_, err = client.AssociateAddress(o.Context(), &ec2.AssociateAddressInput{PublicIp: &address,
		InstanceId: found.AutoScalingGroups[0].Instances[0].InstanceId})
	ts.Check(err)
}

// keysRecorded writes the tags that every instance's agent writes at its boot.
func (o *scriptAccount) keysRecorded(ts *testscript.TestScript, args []string) {
	client := o.cloud.Region(args[0]).EC2()
	found, err := client.DescribeInstances(o.Context(), &ec2.DescribeInstancesInput{})
	ts.Check(err)
	for _, reservation := range found.Reservations {
		for _, instance := range reservation.Instances {
			_, err := client.CreateTags(o.Context(), &ec2.CreateTagsInput{Resources: []string{aws.ToString(instance.InstanceId)},
				Tags: []ec2types.Tag{{Key: aws.String(document.TagHostKey), Value: aws.String(oddKey)}}})
			ts.Check(err)
		}
	}
}

// taskEnded writes the end of a release task, as if an instance had run it.
func (o *scriptAccount) taskEnded(ts *testscript.TestScript, args []string) {
	table := lock.Table{Client: o.cloud.Region(args[0]).DynamoDB(), Name: document.TableName("test", document.LocksTable),
		Owner: "i-0123456789abcdef0/x", Lease: time.Minute}
	name := document.TaskLock(args[1], args[2], args[3], "digest", "stack")
	_, record, err := table.Acquire(o.Context(), name, lock.MustNotAgain, func(lock.Record) {})
	ts.Check(err)
	_, err = table.Mark(o.Context(), record, lock.State(args[4]), args[5])
	ts.Check(err)
}

// resource is the physical id of a stack's resource.
func (o *scriptAccount) resource(ts *testscript.TestScript, region, stack, id string) string {
	out, err := o.cloud.Region(region).CloudFormation().DescribeStackResource(o.Context(), &cloudformation.DescribeStackResourceInput{
		StackName: &stack, LogicalResourceId: &id,
	})
	ts.Check(err)
	return aws.ToString(out.StackResourceDetail.PhysicalResourceId)
}

// capture sets a variable to what a pattern finds in the last command's output.
func (o *scriptAccount) capture(ts *testscript.TestScript, args []string) {
	found := regexp.MustCompile(args[1]).FindString(ts.ReadFile("stdout"))
	if found == "" {
		ts.Fatalf("%s is not in the output", args[1])
	}
	ts.Setenv(args[0], found)
}

// replace writes a copy of a file with some words replaced.
func (o *scriptAccount) replace(ts *testscript.TestScript, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s is not in %s", args[1], args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o644))
}

// awaits waits until a text is in a file.
func (o *scriptAccount) awaits(ts *testscript.TestScript, args []string) {
	for range 2000 {
		if body, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && strings.Contains(string(body), args[1]) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("%s never came", args[1])
}
