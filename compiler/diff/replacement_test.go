package diff

import (
	"testing"

	"github.com/pebble/spacel/compiler/template"
)

func TestTable(t *testing.T) {
	table, err := parseTable([]byte(`{"$source": "x", "T": {"A": "replace", "B[].C": "maybe", "B.D": "replace", "E": "maybe"}, "None": ` +
		`{}}`))
	if err != nil {
		t.Fatal(err)
	}
	p := func(names ...string) template.Path {
		var out template.Path
		for _, name := range names {
			out = out.Property(name)
		}
		return out
	}
	for _, c := range []struct {
		kind string
		path template.Path
		want Action
	}{
		{"T", p("A"), Replace}, {"T", p("A", "X"), Replace}, {"T", p("B"), Update}, {"T", p("B", "X"), Update},
		{"T", p("B").At(3).Property("C"), MaybeReplace}, {"T", p("B").Keyed("k.C").Property("D"), Replace},
		{"T", p("X"), Update}, {"None", p("A"), Update}, {"Unknown", p("A"), MaybeReplace},
	} {
		if got := table.action(c.kind, c.path); got != c.want {
			t.Errorf("%s %s: got %s, want %s", c.kind, c.path, got, c.want)
		}
	}
	whole := map[string]any{"X": "1", "C": "2"}
	if got := table.deepAction("T", p("B").At(0), whole); got != MaybeReplace {
		t.Errorf("a whole item: %s", got)
	}
	if got := table.deepAction("T", p("B").At(0), map[string]any{"X": "1"}); got != Update {
		t.Errorf("a harmless item: %s", got)
	}
	if _, err := parseTable([]byte(`{"T": {"A": "perhaps"}}`)); err == nil {
		t.Error("a word that is none passes")
	}
}

func TestEmbeddedTable(t *testing.T) {
	table, err := replacements()
	if err != nil {
		t.Fatal(err)
	}
	for kind, properties := range map[string]map[string]Action{
		"AWS::EC2::VPC":            {"CidrBlock": Replace, "EnableDnsHostnames": Update},
		"AWS::EC2::LaunchTemplate": {"LaunchTemplateData": Update, "LaunchTemplateName": Replace},
		"AWS::Logs::LogGroup":      {"LogGroupName": Replace, "RetentionInDays": Update},
	} {
		for name, want := range properties {
			if got := table.action(kind, template.Path{{Name: name}}); got != want {
				t.Errorf("%s.%s: got %s, want %s", kind, name, got, want)
			}
		}
	}
	for kind := range ownNames {
		if kind == "AWS::SQS::Queue" || kind == "AWS::S3::Bucket" {
			continue // for users' own resources: the compiler emits none
		}
		if _, ok := table[kind]; !ok {
			t.Errorf("%s is not in the table", kind)
		}
	}
}
