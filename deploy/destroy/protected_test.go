package destroy

import (
	"strings"
	"testing"
)

const protectedTemplate = `{"Resources": {
  "Main": {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Snapshot", "Properties": {"DeletionProtection": true}},
  "Asg": {"Type": "AWS::SNS::Topic", "DependsOn": "Main"}}}`

// A protected database is found before anything is deleted. With --leave-behind it stays, and the rest goes.
func TestProtectedDatabase(t *testing.T) {
	b := newEnv(t)
	b.put(east, "test-portal", "portal", protectedTemplate, nil)
	before := b.cf.State()
	_, err := b.tryPlan(Scope{Apps: []string{"portal"}})
	if err == nil {
		t.Fatal("it is planned")
	}
	for _, want := range []string{"us-east-1/test-portal: AWS::RDS::DBInstance Main (", "is protected from deletion: nothing was changed",
		"write deletion_protection: no into the manifest and deploy it", "--leave-behind"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	if b.cf.State() != before {
		t.Error("something was changed")
	}
	p := b.plan(Scope{Apps: []string{"portal"}, LeaveBehind: true})
	if kept := p.Stacks[0].Kept; len(kept) != 1 || kept[0].Policy != "DeletionProtection" {
		t.Errorf("got %+v", kept)
	}
	b.leave = true
	r := b.done(p)
	if !r.OK() || len(r.Stacks[0].Behind) != 1 || r.Stacks[0].Behind[0].LogicalID != "Main" {
		t.Errorf("got %+v", r.Stacks)
	}
	if kept := b.cf.Retained(); len(kept) != 1 || b.cf.Seen(east, "test-portal") != nil {
		t.Errorf("kept %v", kept)
	}
}

// The deployed template decides: once the protection is off, the stack is deleted.
func TestUnprotectedDatabase(t *testing.T) {
	b := newEnv(t)
	b.put(east, "test-portal", "portal", strings.Replace(protectedTemplate, "true", "false", 1), nil)
	if r := b.done(b.plan(Scope{Apps: []string{"portal"}})); !r.OK() || b.asked != 0 {
		t.Errorf("got %+v", r)
	}
}
