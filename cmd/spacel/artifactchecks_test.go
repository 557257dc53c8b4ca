package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
)

// part is a resource, condition or output as a template holds it.
type part = map[string]any

// parsedTemplate is a template, read anew from its text: what is checked here owes nothing to the compiler's own checks.
type parsedTemplate struct {
	where      string
	stack      assembly.Stack
	Parameters map[string]part
	Conditions map[string]part
	Resources  map[string]part
	Outputs    map[string]part
}

var (
	legalID   = regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`)
	inSub     = regexp.MustCompile(`\$\{([^!}][^}]*)\}`)
	pseudoIDs = regexp.MustCompile(`^AWS::(AccountId|NoValue|NotificationARNs|Partition|Region|StackId|StackName|URLSuffix)$`)
)

// checkArtifact checks all that can be said of an artifact directory without AWS.
func checkArtifact(t *testing.T, files map[string]string) {
	t.Helper()
	manifest, templates := templatesIn(t, files)
	for _, stack := range manifest.Stacks {
		bound(t, stack, templates)
		l := decoded[parsedTemplate](t, files[stack.Template])
		l.where, l.stack = stack.Template, stack
		l.check(t, len(files[stack.Template]))
		for _, policy := range l.Resources {
			l.narrow(t, manifest.Orbit, policy)
		}
	}
	for name, body := range files {
		if strings.Contains(body, unspoken) {
			t.Errorf("%s holds a webhook", name)
		}
	}
}

func (l parsedTemplate) check(t *testing.T, size int) {
	t.Helper()
	for what, n := range map[string][2]int{
		"resources": {len(l.Resources), 500}, "parameters": {len(l.Parameters), 200}, "outputs": {len(l.Outputs), 200},
		"bytes": {size, 1_000_000},
	} {
		if n[0] > n[1] {
			t.Errorf("%s: %d %s, of which CloudFormation allows %d", l.where, n[0], what, n[1])
		}
	}
	if len(l.Resources) == 0 {
		t.Errorf("%s: no resources", l.where)
	}
	l.references(t)
	l.duplicateRules(t)
	l.subnets(t)
	l.userData(t)
}

// references checks that all that is referred to is there, all parameters are used, and nothing waits for itself.
func (l parsedTemplate) references(t *testing.T) {
	t.Helper()
	needs, used := map[string][]string{}, map[string]bool{}
	for kind, parts := range map[string]map[string]part{"": l.Resources, "condition ": l.Conditions, "output ": l.Outputs} {
		for id, p := range parts {
			if !legalID.MatchString(id) {
				t.Errorf("%s: %q is no logical id", l.where, id)
			}
			for _, name := range l.named(t, kind+id, p) {
				used[name] = true
				needs[kind+id] = append(needs[kind+id], name)
			}
		}
	}
	for name := range l.Parameters {
		if !used[name] {
			t.Errorf("%s: nothing uses the parameter %s", l.where, name)
		}
	}
	l.acyclic(t, needs)
}

// named are the names that a part refers to, each of which must be there.
func (l parsedTemplate) named(t *testing.T, id string, p part) []string {
	t.Helper()
	var names []string
	resource := func(name string) {
		if l.Resources[name] == nil {
			t.Errorf("%s: %s refers to the resource %s, which is not there", l.where, id, name)
		}
		names = append(names, name)
	}
	for _, on := range asList(p["DependsOn"]) {
		resource(fmt.Sprint(on))
	}
	if condition, ok := p["Condition"].(string); ok && l.Conditions[condition] == nil {
		t.Errorf("%s: %s has the condition %s, which is not there", l.where, id, condition)
	}
	eachReference(p, func(name string, attribute bool) {
		switch {
		case attribute:
			resource(name)
		case pseudoIDs.MatchString(name):
		case l.Parameters[name] == nil && l.Resources[name] == nil:
			t.Errorf("%s: %s refers to %s, which is not there", l.where, id, name)
		default:
			names = append(names, name)
		}
	})
	return names
}

func asList(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// eachReference visits Ref, Fn::GetAtt and the names in Fn::Sub, but for those that the Sub itself gives values.
func eachReference(v any, visit func(name string, attribute bool)) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			eachReference(item, visit)
		}
	case map[string]any:
		for key, inner := range v {
			switch {
			case key == "Ref" && len(v) == 1:
				visit(fmt.Sprint(inner), false)
			case key == "Fn::GetAtt":
				visit(strings.Split(fmt.Sprint(asList(inner)[0]), ".")[0], true)
			case key == "Fn::Sub":
				eachInSub(inner, visit)
			default:
				eachReference(inner, visit)
			}
		}
	}
}

func eachInSub(v any, visit func(name string, attribute bool)) {
	parts := asList(v)
	var own map[string]any
	if len(parts) > 1 {
		own = parts[1].(map[string]any)
		eachReference(own, visit)
	}
	for _, match := range inSub.FindAllStringSubmatch(parts[0].(string), -1) {
		if name, _, attribute := strings.Cut(match[1], "."); own[match[1]] == nil {
			visit(name, attribute)
		}
	}
}

func (l parsedTemplate) acyclic(t *testing.T, needs map[string][]string) {
	t.Helper()
	const entered, left = 1, 2
	state := map[string]int{}
	var visit func(id string)
	visit = func(id string) {
		state[id] = entered
		for _, next := range needs[id] {
			switch state[next] {
			case entered:
				t.Errorf("%s: %s and %s wait for each other", l.where, id, next)
			case 0:
				visit(next)
			}
		}
		state[id] = left
	}
	for _, id := range slices.Sorted(maps.Keys(needs)) {
		if state[id] == 0 {
			visit(id)
		}
	}
}

// duplicateRules reports equal rules of a security group, which EC2 refuses.
func (l parsedTemplate) duplicateRules(t *testing.T) {
	t.Helper()
	seen := map[string]string{}
	for id, r := range l.Resources {
		kind := fmt.Sprint(r["Type"])
		if !strings.HasPrefix(kind, "AWS::EC2::SecurityGroup") {
			continue
		}
		properties := r["Properties"].(map[string]any)
		for _, inline := range []string{"SecurityGroupIngress", "SecurityGroupEgress"} {
			for _, rule := range asList(properties[inline]) {
				l.addRule(t, seen, id, "AWS::EC2::"+inline, map[string]any{"Ref": id}, rule.(map[string]any))
			}
		}
		if kind != "AWS::EC2::SecurityGroup" {
			l.addRule(t, seen, id, kind, properties["GroupId"], properties)
		}
	}
}

func (l parsedTemplate) addRule(t *testing.T, seen map[string]string, id, kind string, group any, rule map[string]any) {
	t.Helper()
	rule = maps.Clone(rule)
	delete(rule, "Description")
	delete(rule, "GroupId")
	text, err := json.Marshal([]any{kind, groupOf(group), rule})
	if err != nil {
		t.Fatal(err)
	}
	if other, ok := seen[string(text)]; ok {
		t.Errorf("%s: %s and %s are the same rule", l.where, other, id)
	}
	seen[string(text)] = id
}

// groupOf is a group by its logical id, whether by Ref or by GetAtt.
func groupOf(v any) string {
	name := ""
	eachReference(v, func(id string, _ bool) { name = id })
	return name
}

func (l parsedTemplate) subnets(t *testing.T) {
	t.Helper()
	blocks := map[string]netip.Prefix{}
	for id, r := range l.Resources {
		if r["Type"] != "AWS::EC2::Subnet" {
			continue
		}
		block, err := netip.ParsePrefix(r["Properties"].(map[string]any)["CidrBlock"].(string))
		if err != nil {
			t.Errorf("%s: %s: %v", l.where, id, err)
		}
		for other, taken := range blocks {
			if taken.Overlaps(block) {
				t.Errorf("%s: %s and %s overlap: %v and %v", l.where, id, other, block, taken)
			}
		}
		blocks[id] = block
	}
	vpc := l.Resources["Vpc"]
	if vpc == nil {
		return
	}
	whole := netip.MustParsePrefix(vpc["Properties"].(map[string]any)["CidrBlock"].(string))
	for id, block := range blocks {
		if !whole.Contains(block.Addr()) {
			t.Errorf("%s: %s is outside of the VPC: %v and %v", l.where, id, block, whole)
		}
	}
	if len(blocks) == 0 {
		t.Errorf("%s: no subnets", l.where)
	}
}

// userData measures what launch templates boot with, each reference taken for 256 bytes.
func (l parsedTemplate) userData(t *testing.T) {
	t.Helper()
	for id, r := range l.Resources {
		if r["Type"] != "AWS::EC2::LaunchTemplate" {
			continue
		}
		data := r["Properties"].(map[string]any)["LaunchTemplateData"].(map[string]any)
		if size := textSize(data["UserData"]); size > 16_384 || size < 1000 {
			t.Errorf("%s: %s: %d bytes of user data", l.where, id, size)
		}
	}
}

func textSize(v any) int {
	encoded, _ := v.(map[string]any)
	if inner := encoded["Fn::Base64"]; inner != nil {
		return textSize(inner)
	}
	join, _ := encoded["Fn::Join"].([]any)
	if text, ok := v.(string); ok {
		return len(text)
	}
	if len(join) != 2 {
		return 256
	}
	size := 0
	for _, piece := range join[1].([]any) {
		size += textSize(piece)
	}
	return size
}

// narrow holds IAM statements to the same rules as those of the expected templates.
func (l parsedTemplate) narrow(t *testing.T, orbit string, r part) {
	t.Helper()
	if r["Type"] == "AWS::IAM::Policy" && strings.HasSuffix(fmt.Sprint(r["Properties"].(map[string]any)["PolicyName"]), "Permissions") {
		return
	}
	inPolicies(t, r, func(s policyStatement) {
		if s.Effect == "Deny" || isKeyPolicy(s) {
			return
		}
		where := fmt.Sprintf("%s %v", l.where, s.Action)
		for _, action := range s.Action {
			if strings.Contains(action, "*") {
				t.Errorf("%s: %s is more than one action", where, action)
			}
		}
		for _, resource := range s.Resource {
			narrow(t, where, plainText(resource), s, map[int]bool{})
		}
		decryptsOnly(t, where, s, orbit, strings.TrimSuffix(path.Base(l.where), ".template.json"))
	})
}
