package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// wildcard is a resource with a * that statements may name.
type wildcard struct {
	resource  string // regular expression
	actions   []string
	condition string // expression of a key that must hold the statement to the app's own; "" when there is none to be had
	reason    string
}

// wildcards are all there are, each with the reason. No statement allows an action with a *.
var wildcards = []wildcard{
	{`\*`, []string{"ec2:DescribeAddresses", "ec2:DescribeInstances", "ec2:DescribeSnapshots", "ec2:DescribeVolumes"}, "",
		"EC2's Describe calls know no resources"},
	{`\*`, []string{"autoscaling:DescribeAutoScalingInstances"}, "",
		"EC2 Auto Scaling's Describe calls know no resources"},
	{`\*`, []string{"ecr:GetAuthorizationToken"}, "",
		"a token is of the account: AWS allows no other resource"},
	{`\*`, []string{"elasticloadbalancing:DescribeTargetHealth"}, "",
		"Elastic Load Balancing's Describe calls know no resources"},
	{`\*`, []string{"cloudwatch:PutMetricData"}, "cloudwatch:namespace",
		"metrics are no resources; the namespace is what can be said"},
	{`arn:[^:]+:ec2:[^:]+:[^:]+:instance/\*`, []string{"ec2:AssociateAddress", "ec2:AttachVolume", "ec2:DetachVolume"},
		"aws:ResourceTag/aws:cloudformation:stack-id",
		"an instance's id is not known before it starts; the tag is CloudFormation's own"},
	{`arn:[^:]+:ec2:[^:]+:[^:]*:(volume|snapshot)/\*`, []string{"ec2:CreateVolume", "ec2:CreateSnapshot"},
		"aws:(Request|Resource)Tag/spacel:app",
		"what is made has no id yet; its tags must say whose it is"},
	{`arn:[^:]+:ec2:[^:]+:[^:]*:(volume|snapshot)/\*`, []string{"ec2:AttachVolume", "ec2:DetachVolume", "ec2:DeleteVolume",
		"ec2:DeleteSnapshot"}, "aws:ResourceTag/spacel:app",
		"volumes outlive the stack that asked for them; their tags say whose they are"},
	{`arn:[^:]+:ec2:[^:]+:[^:]*:(volume|snapshot)/\*`, []string{"ec2:CreateTags"}, "ec2:CreateAction",
		"tags are put on only as something is made"},
	{`arn:[^:]+:ec2:[^:]+:[^:]+:instance/\*`, []string{"ec2:CreateTags"}, "aws:userid",
		"an instance's id is not known before it starts; the user id of its session names it"},
	{`arn:[^:]+:elasticloadbalancing:[^:]+:[^:]+:listener-rule/app/\*`, []string{"elasticloadbalancing:DeleteRule"},
		"aws:ResourceTag/spacel:maintenance", "a rule's id is not known before it is made; its tag names the orbit"},
	{`arn:[^:]+:kms:[^:]+:[^:]+:key/\*`, []string{"kms:Decrypt"}, "kms:ResourceAliases",
		"the key is made outside the templates; the alias is the app's"},
	{`arn:[^:]+:kms:[^:]+:[^:]+:key/\*`, []string{"kms:Decrypt"}, "kms:ViaService",
		"the key of a referenced secret or parameter is the customer's; the service and the encryption context say for what"},
	{`arn:[^:]+:logs:[^:]+:[^:]+:log-group:[^:*]+:log-stream:[^:*]+/\*`, []string{"logs:CreateLogStream", "logs:PutLogEvents"}, "",
		"a stream for each instance, below the app's own name"},
}

// manifestsOwn are the policies that a manifest writes itself, word by word.
var manifestsOwn = []string{"PermissionsPolicy"}

// policyStatement is a statement as a template holds it.
type policyStatement struct {
	Effect    string
	Principal any
	Action    []string
	NotAction []string
	Resource  []any
	Condition map[string]map[string]any
}

// Every statement of every expected template allows only what it names, or has its reason in wildcards. Every reason is
// needed.
func TestStatementsAreNarrow(t *testing.T) {
	used := map[int]bool{}
	count := 0
	for _, path := range expectedTemplates(t) {
		orbit := orbitOf(t, path)
		forEachStatement(t, path, func(id string, s policyStatement) {
			count++
			if isKeyPolicy(s) {
				return
			}
			where := fmt.Sprintf("%s %s %v", path, id, s.Action)
			if s.NotAction != nil {
				t.Errorf("%s: allows what it does not name", where)
			}
			for _, action := range s.Action {
				if strings.Contains(action, "*") {
					t.Errorf("%s: %s is more than one action", where, action)
				}
			}
			for _, resource := range s.Resource {
				narrow(t, where, plainText(resource), s, used)
			}
			decryptsOnly(t, where, s, orbit, strings.TrimSuffix(filepath.Base(path), ".template.json"))
		})
	}
	if count < 300 {
		t.Errorf("only %d statements were looked at", count)
	}
	for i, w := range wildcards {
		if !used[i] {
			t.Errorf("nothing needs %v on %s", w.actions, w.resource)
		}
	}
}

func narrow(t *testing.T, where, resource string, s policyStatement, used map[int]bool) {
	if !strings.Contains(resource, "*") {
		return
	}
	for _, action := range s.Action {
		i := slices.IndexFunc(wildcards, func(w wildcard) bool {
			return slices.Contains(w.actions, action) && regexp.MustCompile("^"+w.resource+"$").MatchString(resource) &&
				conditioned(s, w.condition)
		})
		if i < 0 {
			t.Errorf("%s: %s on %s is not among the wildcards with a reason", where, action, resource)
			continue
		}
		used[i] = true
	}
}

// conditioned says whether a statement has a condition that cannot hold when its key is missing.
func conditioned(s policyStatement, key string) bool {
	if key == "" {
		return true
	}
	for operator, keys := range s.Condition {
		if operator != "StringEquals" && operator != "StringLike" && operator != "ForAnyValue:StringEquals" {
			continue
		}
		for name, value := range keys {
			if operator == "StringLike" && fmt.Sprint(value) == "*" {
				continue // any value
			}
			if regexp.MustCompile("^" + key + "$").MatchString(name) {
				return true
			}
		}
	}
	return false
}

// isKeyPolicy reports whether a statement is that of a KMS key which lets the account's own policies decide. It is about the key alone
// (KMS Developer Guide, "Default key policy").
func isKeyPolicy(s policyStatement) bool {
	principal, _ := s.Principal.(map[string]any)
	return slices.Equal(s.Action, []string{"kms:*"}) && strings.HasSuffix(plainText(principal["AWS"]), ":root")
}

// conditionKeys are the keys of all conditions of a statement.
func conditionKeys(s policyStatement) map[string]bool {
	keys := map[string]bool{}
	for _, of := range s.Condition {
		for key := range of {
			keys[key] = true
		}
	}
	return keys
}

// decryptsOnly holds decryption to the key of the stack's own alias.
func decryptsOnly(t *testing.T, where string, s policyStatement, orbit, stack string) {
	if !slices.Contains(s.Action, "kms:Decrypt") {
		return
	}
	// A reference to a secret or a parameter is decrypted by its service, and for this one value.
	if s.Condition["ForAnyValue:StringEquals"]["kms:ResourceAliases"] == nil && conditioned(s, "kms:ViaService") {
		context := slices.ContainsFunc(slices.Collect(maps.Keys(conditionKeys(s))), func(key string) bool {
			return strings.HasPrefix(key, "kms:EncryptionContext:")
		})
		if !context {
			t.Errorf("%s: decrypts every value of the service", where)
		}
		return
	}
	if got := s.Condition["ForAnyValue:StringEquals"]["kms:ResourceAliases"]; got != "alias/"+stack ||
		!strings.HasPrefix(stack, orbit+"-") {
		t.Errorf("%s: decrypts with the keys of %v", where, got)
	}
}

// expectedTemplates are all templates in want folders of testdata.
func expectedTemplates(t *testing.T) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir("../../testdata", func(path string, e fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".template.json") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil || len(paths) < 50 {
		t.Fatalf("%d templates, %v", len(paths), err)
	}
	return paths
}

// orbitOf is the name of the orbit that a template was made for.
func orbitOf(t *testing.T, path string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(filepath.Dir(path), "..", "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	return decoded[struct{ Orbit string }](t, string(body)).Orbit
}

// forEachStatement visits the statements that allow something, of every policy in a template but those a manifest wrote.
func forEachStatement(t *testing.T, path string, f func(id string, s policyStatement)) {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for id, resource := range decoded[template](t, string(body)).Resources {
		if !slices.Contains(manifestsOwn, id) {
			inPolicies(t, resource, func(s policyStatement) {
				if s.Effect != "Deny" {
					f(id, s)
				}
			})
		}
	}
}

// inPolicies looks for statements anywhere below a value.
func inPolicies(t *testing.T, v any, f func(policyStatement)) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			inPolicies(t, item, f)
		}
	case map[string]any:
		statements, ok := v["Statement"].([]any)
		if !ok {
			for _, inner := range v {
				inPolicies(t, inner, f)
			}
			return
		}
		for _, s := range statements {
			text, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			f(decoded[policyStatement](t, string(text)))
		}
	}
}

// plainText is a value with its references as they stand in Fn::Sub.
func plainText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		if text, ok := v["Fn::Sub"].(string); ok {
			return strings.NewReplacer("${", "", "}", "", "AWS::", "").Replace(text)
		}
		if list, ok := v["Fn::GetAtt"].([]any); ok {
			return fmt.Sprint(list[0], ".", list[1])
		}
		return fmt.Sprint(v["Ref"])
	}
	return fmt.Sprint(v)
}
