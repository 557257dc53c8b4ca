package deploy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/internal/cloudtest"
)

// named is a stack with a record of www.example.com that has some more properties.
func named(app, region, zone string, more string) built {
	return testStack(region, "test-"+app, fmt.Sprintf(`{"Parameters": {"Zone": {"Type": "String"}}, "Resources": {
  "Topic": {"Type": "AWS::SNS::Topic"},
  "DnsRecordWww": {"Type": "AWS::Route53::RecordSet", "Properties": {"HostedZoneId": {"Ref": "Zone"}, "Name": "www.example.com",
	"Type": "A"%s}}},
  "Outputs": {"DnsRecordWww": {"Value": "www.example.com"}}}`, more),
		func(s *assembly.Stack) { s.Parameters["Zone"] = assembly.ValueFrom{Literal: &zone} })
}

func latency(app, region string) string {
	return fmt.Sprintf(`, "SetIdentifier": "test-%s-%s", "Region": %q`, app, region, region)
}

func weighted(app string) string {
	return fmt.Sprintf(`, "SetIdentifier": "test-%s-us-east-1", "Weight": 0`, app)
}

// An existing record that Route 53 would not take another one beside is found before anything starts. The model refuses exactly these
// records, so a case that is let through must deploy.
func TestExistingRecords(t *testing.T) {
	zone := "Z1"
	old := func(r cloudtest.Record) cloudtest.Record { r.Zone, r.Name = zone, "www.example.com"; return r }
	for name, c := range map[string]struct {
		existing cloudtest.Record
		routing  string
		want     string
	}{
		"simple beside latency": {old(cloudtest.Record{Type: "A", Alias: "old-elb.example.net"}), latency("web", east),
			"there is one of type A with simple routing, for old-elb.example.net, and records of one name have one kind of routing"},
		"CNAME": {old(cloudtest.Record{Type: "CNAME"}), latency("web", east), "beside a CNAME record there is no other one"},
		"the old tool's, in the same region": {old(cloudtest.Record{Type: "A", SetIdentifier: "OLD", Region: east}), latency("web", east),
			`identifier "OLD", for 203.0.113.9, and a region has one record with latency routing`},
		"two simple ones": {old(cloudtest.Record{Type: "A"}), "", "there is one record with simple routing"},
		"weighted beside latency": {old(cloudtest.Record{Type: "A", SetIdentifier: "before", Weight: "100"}), latency("web", east),
			"one kind of routing"},
		"another region's": {old(cloudtest.Record{Type: "A", SetIdentifier: "OLD", Region: west}), latency("web", east), ""},
		"both weighted":    {old(cloudtest.Record{Type: "A", SetIdentifier: "before", Weight: "100"}), weighted("web"), ""},
		"another type":     {old(cloudtest.Record{Type: "MX"}), latency("web", east), ""},
		"another name":     {cloudtest.Record{Zone: zone, Name: "www2.example.com", Type: "A"}, latency("web", east), ""},
		"another zone":     {cloudtest.Record{Zone: "Z2", Name: "www.example.com", Type: "A"}, latency("web", east), ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newEnv(t)
			cloudtest.PutRecord(b.cf, c.existing)
			web := named("web", east, zone, c.routing)
			if c.want == "" {
				b.expect(b.deploy(web), "test-web created")
				b.expect(b.deploy(web), "test-web unchanged")
				return
			}
			_, err := b.prepare(web)
			if err == nil {
				t.Fatal("it is planned")
			}
			b.says(err.Error(), "us-east-1/test-web: test-web.cue:3:12: www.example.com: Route 53 would refuse the A record", c.want,
				"no stack of orbit test made it", "docs/migrating.md, step 7")
			if b.cf.Seen(east, "test-web") != nil {
				t.Error("something was begun")
			}
			cloudtest.RemoveRecords(b.cf, "www.example.com")
			b.expect(b.deploy(web), "test-web created")
		})
	}
}

// A run of many stacks lists a zone once, and reads the records of the names that it finds.
func TestRecordsOfManyStacks(t *testing.T) {
	b := newEnv(t)
	zone := "Z1"
	var stacks []built
	for i := range listsZones {
		template := strings.ReplaceAll(named("web", east, zone, "").template, "www.", fmt.Sprintf("www%02d.", i))
		stacks = append(stacks, testStack(east, fmt.Sprintf("test-app%02d", i), template,
			func(s *assembly.Stack) { s.Parameters["Zone"] = assembly.ValueFrom{Literal: &zone} }))
	}
	cloudtest.PutRecord(b.cf, cloudtest.Record{Zone: zone, Name: "www07.example.com", Type: "A"})
	_, err := b.prepare(stacks...)
	if err == nil || !strings.Contains(err.Error(), "us-east-1/test-app07: ") || strings.Contains(err.Error(), "us-east-1/test-app08: ") {
		t.Errorf("got %v", err)
	}
	if got := b.cf.Calls()["route53:ListResourceRecordSets"]; got != 2 {
		t.Errorf("%d calls", got)
	}
}

// The model refuses what it should, when nobody looks before.
func TestRoute53Refuses(t *testing.T) {
	b := newEnv(t)
	b.cf.Put(t, cloudtest.Stack{Region: east, Name: "test-vpc", Status: types.StackStatusCreateComplete, Template: topics("A"),
		Tags: map[string]string{"spacel:orbit": "test"}})
	d := b.prepared(named("web", east, "Z1", latency("web", east)))
	cloudtest.PutRecord(b.cf, cloudtest.Record{Zone: "Z1", Name: "www.example.com", Type: "A", SetIdentifier: "OLD", Region: east})
	r, err := d.Execute(t.Context(), b.user, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.expect(r, "test-web failed")
	b.says(r.Failures[0].What, "a latency RRSet with the same name, type and region already exists")
}

// A record of this orbit is told as such.
func TestRecordOfAnotherApp(t *testing.T) {
	for _, routing := range []string{latency("blog", east), ""} {
		b := newEnvNow(t)
		b.deploy(named("blog", east, "Z1", routing))
		_, err := b.prepare(named("blog", east, "Z1", routing), named("web", east, "Z1", latency("web", east)))
		if err == nil {
			t.Fatal("it is planned")
		}
		b.says(err.Error(), "it belongs to the stack us-east-1/test-blog (orbit test, app blog): take the name out there and deploy "+
			"that first")
	}
}

// Without the right to read records the deployment goes on, with one warning.
func TestRecordsThatMayNotBeRead(t *testing.T) {
	b := newEnv(t)
	cloudtest.HideRecords(b.cf)
	b.expect(b.deploy(named("web", east, "Z1", latency("web", east)), named("blog", west, "Z1", latency("blog", west))),
		"test-blog created, test-web created")
	if told := b.told(activity.Warning); len(told) != 1 || !strings.Contains(told[0], "existing DNS records are not checked: ") {
		t.Errorf("told %v", told)
	}
}

const tablesOfOrbit = `{"Resources": {"Users": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain", "UpdateReplacePolicy": ` +
	`"Retain", ` +
	`"Properties": {"TableName": "test-users", "KeySchema": [{"AttributeName": "name", "KeyType": "HASH"}]}}}}`

// A table that is not this orbit's is adopted only with a consent of its own.
func TestForeignTables(t *testing.T) {
	ours := map[string]string{"spacel:orbit": "test"}
	for name, c := range map[string]struct {
		tags map[string]string
		key  string
		want string
	}{
		"ours":              {ours, "name", ""},
		"without a tag":     {map[string]string{"owner": "terraform"}, "name", "it has no tag spacel:orbit"},
		"of another orbit":  {map[string]string{"spacel:orbit": "other"}, "name", `its tag spacel:orbit is "other"`},
		"with another key":  {ours, "username", "its keys are username HASH, and not name HASH"},
		"that may not read": {nil, "", "it cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newEnv(t)
			if c.key != "" {
				cloudtest.RetainTable(b.cf, east, "test-users", c.tags, c.key)
			} else {
				b.cf.Retain(east, "AWS::DynamoDB::Table", "test-users")
			}
			stack := testStack(east, "test-tables", tablesOfOrbit)
			dangers := b.prepared(stack).Plan.Stacks[0].Dangers
			if c.want == "" {
				if len(dangers) > 0 {
					t.Errorf("got %+v", dangers)
				}
				b.expect(b.deploy(stack), "test-tables created")
				return
			}
			if len(dangers) != 1 || dangers[0].ID != "us-east-1/test-tables/Users" || !strings.Contains(dangers[0].What, c.want) {
				t.Fatalf("got %+v", dangers)
			}
			b.expect(b.deploy(stack), "test-tables failed")
			b.options.AllowReplace = []string{"us-east-1/test-tables/Users"}
			b.expect(b.deploy(stack), "test-tables created")
		})
	}
}

const protectedStack = `{"Resources": {
  "Main": {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Snapshot", "Properties": {"DeletionProtection": %s}},
  "Topic": {"Type": "AWS::SNS::Topic", "DependsOn": "Main"}}}`

// A failed stack with a protected database is not deleted: its other resources would go first.
func TestFailedStackWithProtectedDatabase(t *testing.T) {
	for _, status := range []types.StackStatus{types.StackStatusRollbackFailed, types.StackStatusDeleteFailed} {
		b := newEnvNow(t)
		b.cf.Put(t, cloudtest.Stack{Region: east, Name: "test-web", Status: status, Template: fmt.Sprintf(protectedStack, "true"),
			Tags: map[string]string{"spacel:orbit": "test", "spacel:app": "web"}})
		b.user.dangers, b.user.leave = true, true
		before := b.cf.State()
		_, err := b.prepare(testStack(east, "test-web", fmt.Sprintf(protectedStack, "true")))
		if err == nil {
			t.Fatal("it is planned")
		}
		b.says(err.Error(), "AWS::RDS::DBInstance Main (", "is protected from deletion: turn that off with aws rds modify-db-instance "+
			"--region us-east-1 --db-instance-identifier ", "spacel destroy --orbit test --stack test-web --leave-behind")
		if b.cf.State() != before {
			t.Error("something was changed")
		}
	}
}

// The snapshots that the deletion of a failed creation makes are named.
func TestSnapshotsOfAFailedCreation(t *testing.T) {
	b := newEnv(t)
	b.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-web", Logical: "Topic", When: cloudtest.Create, Reason: "no"})
	r := b.deploy(testStack(east, "test-web", fmt.Sprintf(protectedStack, "false")))
	b.expect(r, "test-web failed")
	if got := b.cf.Snapshots(); len(got) != 1 {
		t.Fatalf("got %v", got)
	}
	b.says(r.Failures[0].State, "a final snapshot is left of AWS::RDS::DBInstance Main (aws rds describe-db-snapshots --region us-east-1 "+
		"--db-instance-identifier ")
	id, _, _ := strings.Cut(r.Failures[0].State[strings.Index(r.Failures[0].State, "identifier ")+11:], ")")
	if !slices.ContainsFunc(b.cf.Snapshots(), func(s string) bool { return strings.Contains(s, id) }) {
		t.Errorf("%s is none of %v", id, b.cf.Snapshots())
	}
}
