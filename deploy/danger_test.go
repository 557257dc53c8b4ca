package deploy

import (
	"strings"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
)

// What holds data and would be replaced or deleted is named, with what is kept, and asked for before anything starts.
func TestDangersAreAskedFor(t *testing.T) {
	database := func(owner string) string {
		return `{"Resources": {"Database": {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Snapshot", "UpdateReplacePolicy": ` +
			`"Snapshot", "Properties": {"MasterUsername": "` + owner + `"}}, "Topic": {"Type": "AWS::SNS::Topic"}}}`
	}
	b := newEnv(t)
	b.deploy(testStack(east, "test-web", database("alice")), testStack(west, "test-web", topics("One")))
	before := b.cf.State()

	now := []built{testStack(west, "test-web", topics("One", "Two")), testStack(east, "test-web", database("bob"))}
	d := b.prepared(now...)
	plan := d.Plan.Stacks[1]
	if len(plan.Dangers) != 1 {
		t.Fatalf("got %+v", plan)
	}
	danger := plan.Dangers[0]
	if danger.ID != "us-east-1/test-web/Database" {
		t.Errorf("got %s", danger.ID)
	}
	b.says(danger.What, "AWS::RDS::DBInstance Database", "is replaced", "a snapshot of the old one is kept")
	change := plan.Changes[0]
	if change.Origin != "test-web.cue:3:8" || change.Replacement != "True" {
		t.Errorf("got %+v", change)
	}
	if p := change.Properties[0]; p.Path != "MasterUsername" || p.Before != "alice" || p.After != "bob" {
		t.Errorf("got %+v", p)
	}

	// With nobody to ask, nothing starts anywhere.
	b.user.nobody = true
	if _, err := d.Execute(t.Context(), b.user, nil); err == nil {
		t.Error("nobody was asked")
	}
	if got := b.cf.State(); got != before {
		t.Errorf("something changed: %s", got)
	}

	// A no is for the one stack.
	b.user = &user{confirm: true}
	r := b.deploy(now...)
	b.expect(r, "test-web updated, test-web failed")
	b.says(r.Failures[0].What, "not agreed to", "--allow-replace us-east-1/test-web/Database")
	if len(b.user.asked) != 1 {
		t.Errorf("asked %v", b.user.asked)
	}

	b.user = &user{confirm: true, dangers: true}
	b.expect(b.deploy(now...), "test-web unchanged, test-web updated")
	if len(b.cf.Snapshots()) != 1 {
		t.Errorf("snapshots: %v", b.cf.Snapshots())
	}
}

func TestRemovalIsADangerUnlessRetained(t *testing.T) {
	b := newEnv(t)
	b.deploy(testStack(east, "test-web", `{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"},
		"Kept": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain"}, "Lost": {"Type": "AWS::DynamoDB::Table"}, "Address": `+
		`{"Type": "AWS::EC2::EIP"}}}`))
	d := b.prepared(testStack(east, "test-web", topics("Topic")))
	var got []string
	for _, danger := range d.Plan.Stacks[0].Dangers {
		got = append(got, danger.ID)
		b.says(danger.What, "is deleted with what it holds")
	}
	if want := "us-east-1/test-web/Address us-east-1/test-web/Lost"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// A danger that only shows in the run is asked about then.
func TestLaterDangerIsAsked(t *testing.T) {
	b := newEnv(t)
	table := func(name string) string {
		return `{"Parameters": {"Name": {"Type": "String"}}, "Resources": {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": ` +
			`{"TableName": {"Fn::Sub": "` + name + `-${Name}"}}}}}`
	}
	source := func(name string) func(s *assembly.Stack) { return output("Name", "test-vpc", name, false) }
	b.deploy(testStack(east, "test-vpc", topics("A")), testStack(east, "test-web", table("t"), source("A"), after("test-vpc")))
	r := b.deploy(testStack(east, "test-vpc", topics("A", "B")), testStack(east, "test-web", table("t"), source("B"), after("test-vpc")))
	b.expect(r, "test-vpc updated, test-web failed")
	if got := strings.Join(b.user.asked, "; "); got != "dangers us-east-1/test-web/Table" {
		t.Errorf("asked %s", got)
	}
}

const network = `{"Parameters": {"Block": {"Type": "String"}}, "Resources": {
	"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": {"Ref": "Block"}}},
	"One": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"}}
	SECOND}, "Outputs": {"VpcId": {"Value": {"Ref": "Vpc"}}, "Subnets": {"Value": {"Fn::Join": [",", [{"Ref": "One"} LIST]]}}}}`

func networkOf(second bool) string {
	if !second {
		return strings.NewReplacer("SECOND", "", "LIST", "").Replace(network)
	}
	return strings.NewReplacer("SECOND",
		`, "Two": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.1.0/24"}}`, "LIST",
		`, {"Ref": "Two"}`).Replace(network)
}

// What an app stands in is not taken away.
func TestSubnetInUseIsGuarded(t *testing.T) {
	b := newEnv(t)
	web := testStack(east, "test-web", reader("Subnets"), output("Subnets", "test-vpc", "Subnets", false), after("test-vpc"))
	b.deploy(testStack(east, "test-vpc", networkOf(true), literal("Block", "10.0.0.0/16")), web)
	before := b.cf.State()
	_, err := b.prepare(testStack(east, "test-vpc", networkOf(false), literal("Block", "10.0.0.0/16")), web)
	if err == nil {
		t.Fatal("it was not refused")
	}
	b.says(err.Error(), "us-east-1/test-vpc", "AWS::EC2::Subnet Two", "test-web still use", "spacel destroy")
	if got := b.cf.State(); got != before {
		t.Errorf("it left %s", got)
	}
}

func TestUnusedSubnetMayGo(t *testing.T) {
	b := newEnv(t)
	b.deploy(testStack(east, "test-vpc", networkOf(true), literal("Block", "10.0.0.0/16")), testStack(east, "test-web", topics("Topic")))
	b.expect(b.deploy(testStack(east, "test-vpc", networkOf(false), literal("Block", "10.0.0.0/16"))), "test-vpc updated")
}

func TestReplacementOfTheVPCIsRefused(t *testing.T) {
	b := newEnv(t)
	b.deploy(testStack(east, "test-vpc", networkOf(true), literal("Block", "10.0.0.0/16")))
	_, err := b.prepare(testStack(east, "test-vpc", networkOf(true), literal("Block", "10.1.0.0/16")))
	if err == nil {
		t.Fatal("it was not refused")
	}
	b.says(err.Error(), "test-vpc.cue:3:3: this would replace the VPC", "make a new orbit")
}

// A live name that gets another kind of routing is warned of; another weight is not.
func TestRoutingOfALiveNameIsExplained(t *testing.T) {
	record := func(routing string) string {
		return `{"Resources": {"Record": {"Type": "AWS::Route53::RecordSet", "Properties": {"HostedZoneId": "Z1", "Name": ` +
			`"a.example.com", "Type": "A", "SetIdentifier": "x", ` + routing + `}}}}`
	}
	b := newEnv(t)
	b.deploy(testStack(east, "test-web", record(`"Weight": 1`)))
	if d := b.prepared(testStack(east, "test-web", record(`"Weight": 2`))); len(d.Plan.Warnings) > 0 {
		t.Errorf("got %v", d.Plan.Warnings)
	}
	d := b.prepared(testStack(east, "test-web", record(`"Region": "us-east-1"`)))
	if len(d.Plan.Warnings) != 1 {
		t.Fatalf("got %+v", d.Plan)
	}
	b.says(d.Plan.Warnings[0], "test-web.cue:3:6: Record changes how a live host name is routed", "write it again")
}

// What is certain to be lost is asked about at once, although the stack's change set can only be made later.
func TestDangersOfLater(t *testing.T) {
	b := newEnv(t)
	with := func(name string) string {
		return `{"Parameters": {"Vpc": {"Type": "String", "Default": ""}}, "Resources": {"Topic": {"Type": "AWS::SNS::Topic", ` +
			`"Properties": {"DisplayName": {"Ref": "Vpc"}}},
			"Lost": {"Type": "AWS::DynamoDB::Table", "UpdateReplacePolicy": "Retain", "Properties": {"TableName": "` + name + `"}}}}`
	}
	b.deploy(testStack(east, "test-web", with("one")))
	d := b.prepared(testStack(east, "test-vpc", topics("Vpc")), testStack(east, "test-web", with("two"),
		output("Vpc", "test-vpc", "Vpc", false)))
	plan := d.Plan.Stacks[1]
	if plan.Action != Later || len(plan.Dangers) != 1 {
		t.Fatalf("got %+v", plan)
	}
	b.says(plan.Dangers[0].What, "AWS::DynamoDB::Table Lost", "is replaced", "the old one is kept")
	b.user.dangers = true
	r, err := d.Execute(t.Context(), b.user, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.expect(r, "test-vpc created, test-web updated")
	if len(b.user.asked) != 1 {
		t.Errorf("asked %v", b.user.asked)
	}
}
