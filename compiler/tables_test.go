package compiler

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pebble/spacel/agent/document"
)

func TestTables(t *testing.T) {
	stack := decoded(t, orbitStacks(t, orbitRegion(2, nil))["tables"])
	for id, want := range map[string]struct{ name, keys, attributes string }{
		"UsersTable":    {"production-users", "name HASH", "name S"},
		"ServicesTable": {"production-services", "name HASH", "name S"},
		"VolumesTable":  {"production-volumes", "label HASH, index RANGE", "label S, index N"},
		"LocksTable":    {"production-locks", "name HASH", "name S"},
		"ReleasesTable": {"production-releases", "kind HASH, id RANGE", "kind S, id S"},
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

// TestWhatIsKeptCanBeAdopted holds for all of the tables stack but the records' key and the role that ends maintenance, which hold no
// data: it stays, and its name is its own to find it by.
func TestWhatIsKeptCanBeAdopted(t *testing.T) {
	stack := decoded(t, orbitStacks(t, orbitRegion(2, nil))["tables"])
	for id, r := range stack.Resources {
		if strings.HasPrefix(r.Type, "AWS::KMS::") || r.Type == "AWS::IAM::Role" {
			continue
		}
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

// Only the locks expire: a lock whose item never says when stays for ever, and so do all other items.
func TestOnlyLocksExpire(t *testing.T) {
	for id, r := range decoded(t, orbitStacks(t, orbitRegion(2, nil))["tables"]).ofType("AWS::DynamoDB::Table") {
		want := any(nil)
		if id == "LocksTable" {
			want = map[string]any{"AttributeName": "expires", "Enabled": true}
		}
		if got := r.Properties["TimeToLiveSpecification"]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s expires by %v, want %v", id, got, want)
		}
	}
}

// The records' key is for deployers: the account's IAM policies decide, except about instances of the orbit.
func TestReleasesKeyRefusesInstances(t *testing.T) {
	stack := decoded(t, orbitStacks(t, orbitRegion(2, nil))["tables"])
	key := stack.Resources["ReleasesKey"]
	if key.Properties["KeySpec"] != "HMAC_256" || key.Properties["KeyUsage"] != "GENERATE_VERIFY_MAC" {
		t.Errorf("the key is %v", key.Properties)
	}
	alias := stack.Resources["ReleasesKeyAlias"].Properties
	if alias["AliasName"] != "alias/production/releases" {
		t.Errorf("the alias is %v", alias)
	}
	for app := range strings.FieldsSeq("releases locks production x") {
		if document.KeyAlias("production", app) == alias["AliasName"] {
			t.Errorf("the app %s has the same alias", app)
		}
	}
	refused := false
	for _, s := range readStatements(t, key.Properties["KeyPolicy"]) {
		if s.Effect == "Deny" {
			refused = true
			want := map[string]map[string]any{
				"Null":         {"ec2:SourceInstanceARN": "false"},
				"StringEquals": {"aws:PrincipalTag/spacel:orbit": "production"},
			}
			if !slices.Equal(s.Action, []string{"kms:*"}) || !reflect.DeepEqual(s.Condition, want) {
				t.Errorf("refused are %v when %v", s.Action, s.Condition)
			}
		}
	}
	if !refused {
		t.Error("no statement refuses instances")
	}
}
