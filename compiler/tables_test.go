package compiler

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestTables(t *testing.T) {
	stack := decoded(t, orbitStacks(t, orbitRegion(2, nil))["tables"])
	for id, want := range map[string]struct{ name, keys, attributes string }{
		"UsersTable":    {"production-users", "name HASH", "name S"},
		"ServicesTable": {"production-services", "name HASH", "name S"},
		"VolumesTable":  {"production-volumes", "label HASH, index RANGE", "label S, index N"},
	} {
		p := stack.Resources[id].Properties
		keys := pairs(p["KeySchema"], "KeyType")
		attributes := pairs(p["AttributeDefinitions"], "AttributeType")
		if p["TableName"] != want.name || keys != want.keys || attributes != want.attributes {
			t.Errorf("%s is %v keyed by %s of %s", id, p["TableName"], keys, attributes)
		}
		recovery := p["PointInTimeRecoverySpecification"].(map[string]any)["PointInTimeRecoveryEnabled"]
		encryption := p["SSESpecification"].(map[string]any)["SSEEnabled"]
		if p["BillingMode"] != "PAY_PER_REQUEST" || p["DeletionProtectionEnabled"] != true || recovery != true || encryption != true {
			t.Errorf("%s: %v", id, p)
		}
	}
}

func pairs(list any, second string) string {
	out := ""
	for _, item := range list.([]any) {
		if out != "" {
			out += ", "
		}
		out += fmt.Sprint(item.(map[string]any)["AttributeName"], " ", item.(map[string]any)[second])
	}
	return out
}

// TestWhatIsKeptCanBeAdopted holds for all of the tables stack: it stays, and its name is its own to find it by.
func TestWhatIsKeptCanBeAdopted(t *testing.T) {
	stack := decoded(t, orbitStacks(t, orbitRegion(2, nil))["tables"])
	for id, r := range stack.Resources {
		if r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain" {
			t.Errorf("%s: on deletion %q, on replacement %q", id, r.DeletionPolicy, r.UpdateReplacePolicy)
		}
		if len(present(r, "TableName", "LogGroupName")) != 1 {
			t.Errorf("%s has no name of its own", id)
		}
	}
}

// The boot log is kept as long as docs/operate.md says.
func TestBootLogRetention(t *testing.T) {
	docs, err := os.ReadFile("../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("| boot log of the bastions | `spacel logs --bastion` | %d days |", bootLogRetention)
	if !strings.Contains(string(docs), want) {
		t.Errorf("docs/operate.md has no line %s", want)
	}
}
