package cfn

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRawReferences(t *testing.T) {
	v := RawValue(map[string]any{
		"Ref":    "a property of that name, beside others",
		"Plain":  map[string]any{"Ref": "A"},
		"Dotted": map[string]any{"Fn::GetAtt": "B.Arn"},
		"Listed": []any{map[string]any{"Fn::GetAtt": []any{"C", "Arn"}}, "${Not.Sub}"},
		"Sub":    map[string]any{"Fn::Sub": "x ${D} ${!Escaped} ${E.Arn}"},
		"Own": map[string]any{"Fn::Sub": []any{"${mine} ${F}", map[string]any{
			"mine": map[string]any{"Ref": "G"},
		}}},
		"If":   map[string]any{"Fn::If": []any{"H", map[string]any{"Ref": "I"}, map[string]any{"Ref": "AWS::NoValue"}}},
		"Join": map[string]any{"Fn::Join": []any{"", []any{map[string]any{"Ref": "J"}}}},
		"Not":  map[string]any{"Fn::Not": []any{map[string]any{"Condition": "K"}}},
		"IAM":  map[string]any{"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}}},
	})
	var got []string
	for _, ref := range v.References() {
		got = append(got, fmt.Sprintf("%s at %s", ref.Name, ref.Path))
	}
	want := []string{
		"B at Dotted.Fn::GetAtt",
		"H at If.Fn::If",
		"I at If.Fn::If[1].Ref",
		"AWS::NoValue at If.Fn::If[2].Ref",
		"J at Join.Fn::Join[1][0].Ref",
		"C at Listed[0].Fn::GetAtt",
		"K at Not.Fn::Not[0].Condition",
		"G at Own.Fn::Sub[1].mine.Ref",
		"F at Own.Fn::Sub[0]",
		"A at Plain.Ref",
		"D at Sub.Fn::Sub",
		"E at Sub.Fn::Sub",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCapabilities(t *testing.T) {
	role := func(properties map[string]any) Resource {
		return NewRawResource(map[string]any{"Type": "AWS::IAM::Role", "Properties": properties})
	}
	for name, c := range map[string]struct {
		resource Resource
		want     []string
	}{
		"nothing of IAM's": {&SecurityGroup{}, nil},
		"one of ours":      {&Role{}, []string{"CAPABILITY_IAM"}},
		"no name":          {role(map[string]any{"Path": "/x/"}), []string{"CAPABILITY_IAM"}},
		"a name":           {role(map[string]any{"RoleName": "x"}), []string{"CAPABILITY_NAMED_IAM"}},
		"an inline policy": {NewRawResource(map[string]any{"Type": "AWS::IAM::Policy", "Properties": map[string]any{"PolicyName": "x"}}),
			[]string{"CAPABILITY_IAM"}},
	} {
		template := &Template{}
		Add(template, "It", c.resource)
		if diff := cmp.Diff(c.want, template.Capabilities()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// A template takes no text from elsewhere, whatever way the manifest takes to it.
func TestRemoteTemplates(t *testing.T) {
	for want, body := range map[string]map[string]any{
		"":                            {"Type": "AWS::CloudFormation::StackSet", "Properties": map[string]any{"TemplateBody": "{}"}},
		"It: takes its template":      {"Type": "AWS::CloudFormation::Stack", "Properties": map[string]any{}},
		"It: takes its template from": {"Type": "AWS::CloudFormation::StackSet", "Properties": map[string]any{"TemplateURL": "https://x"}},
		"It: is a module":             {"Type": "My::Own::MODULE"},
		"It: has a macro": {"Type": "AWS::SQS::Queue",
			"Properties": map[string]any{"A": []any{map[string]any{"Fn::Transform": "x"}}}},
	} {
		template := &Template{}
		Add(template, "It", NewRawResource(body))
		got := strings.Join(template.Check(), "\n")
		if !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	// A patch can add the key of a macro to a typed resource.
	template := &Template{}
	Add(template, "It", &SecurityGroup{})
	path, err := ParsePath(`Properties."Fn::Transform"`)
	if err != nil {
		t.Fatal(err)
	}
	if err := template.Set("It", path, RawValue("x")); err != nil {
		t.Fatal(err)
	}
	if got := template.Check(); len(got) != 1 || !strings.Contains(got[0], "has a macro") {
		t.Errorf("got %q", got)
	}
}

func TestCycles(t *testing.T) {
	needs := func(t *Template, id string, others ...any) {
		Add(t, id, NewRawResource(map[string]any{"Type": "A::B::C", "DependsOn": others}))
	}
	template := &Template{}
	needs(template, "Free", "A")
	needs(template, "A", "B", "D")
	needs(template, "B", "C")
	needs(template, "C", "A")
	needs(template, "D", "D")
	want := []string{
		"A: waits for itself: A needs B needs C needs A",
		"D: waits for itself: D needs D",
	}
	if diff := cmp.Diff(want, template.Check()); diff != "" {
		t.Error(diff)
	}
}
