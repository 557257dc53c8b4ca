package cfn

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePath(t *testing.T) {
	for text, want := range map[string]Path{
		"DeletionPolicy":             {{Name: "DeletionPolicy"}},
		"Properties.Tags[10].Value":  {{Name: "Properties"}, {Name: "Tags"}, {Index: 10}, {Name: "Value"}},
		`A."aws:x.y/[z]"[0][1]`:      {{Name: "A"}, {Name: "aws:x.y/[z]"}, {Index: 0}, {Index: 1}},
		"Properties.Fn::If[1].Value": {{Name: "Properties"}, {Name: "Fn::If"}, {Index: 1}, {Name: "Value"}},
	} {
		got, err := ParsePath(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
		if got.String() != text {
			t.Errorf("%s is written %s", text, got)
		}
	}
	for _, text := range []string{"", ".", "A.", ".A", "A..B", "[0]", "A[", "A[x]", "A[-1]", "A[0]B", `"A`, `""`, `A."b"c`} {
		if path, err := ParsePath(text); err == nil {
			t.Errorf("%q is taken as %v", text, path)
		}
	}
}

func TestPathsAreOrderedAsReaderWould(t *testing.T) {
	last := Path{}
	for _, text := range []string{"A", "A.B", "A.B[2]", "A.B[2].C", "A.B[10]", "A.C"} {
		path, err := ParsePath(text)
		if err != nil || last.Compare(path) >= 0 {
			t.Errorf("%s does not come after %s: %v", path, last, err)
		}
		last = path
	}
}

func groupTemplate() *Template {
	t := &Template{}
	bucket := Add(t, "Sg", &SecurityGroup{GroupDescription: "a < b", VpcId: String("vpc-1")})
	Add(t, "Group", &AutoScalingGroup{
		Attributes: Attributes{DependsOn: []Resource{bucket}},
		MinSize:    String("1"), MaxSize: String("2"),
		VPCZoneIdentifier: Strings("a", "b"),
		Tags:              []GroupTag{{Key: "Name", Value: bucket.Ref(), PropagateAtLaunch: true}},
	})
	return t
}

// patched applies a patch and gives the resource, or what is wrong.
func patched(t *testing.T, path string, value any) (string, error) {
	t.Helper()
	template := groupTemplate()
	at, err := ParsePath(path)
	if err != nil {
		t.Fatal(err)
	}
	if value == nil {
		err = template.Remove("Group", at)
	} else {
		err = template.Set("Group", at, RawValue(value))
	}
	if err != nil {
		return "", err
	}
	body, err := template.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Resources map[string]json.RawMessage }
	if err := json.Unmarshal(body, &all); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for line := range strings.Lines(string(all.Resources["Group"])) {
		out.WriteString(strings.TrimSpace(line))
	}
	return out.String(), nil
}

// A patch touches what it names and keeps the order of all else.
func TestPatch(t *testing.T) {
	plain := `{"Type": "AWS::AutoScaling::AutoScalingGroup","DependsOn": ["Sg"],"Properties": {"MinSize": "1","MaxSize": "2",` +
		`"VPCZoneIdentifier": ["a","b"],"HealthCheckType": "","Tags": [{"Key": "Name","Value": {"Ref": "Sg"},"PropagateAtLaunch": true}]}}`
	for _, c := range []struct {
		path     string
		value    any
		old, new string
	}{
		{"Properties.MinSize", "0", `"MinSize": "1"`, `"MinSize": "0"`},
		{"Properties.Cooldown", json.Number("60"), `true}]}}`, `true}],"Cooldown": 60}}`},
		{"Properties.Context", "a < b & c", `true}]}}`, `true}],"Context": "a < b & c"}}`},
		{"Properties.VPCZoneIdentifier[1]", "c", `"b"]`, `"c"]`},
		{"Properties.VPCZoneIdentifier[2]", "c", `"b"]`, `"b","c"]`},
		{"Properties.VPCZoneIdentifier[0]", nil, `["a",`, `[`},
		{"Properties.Tags[0].Value", map[string]any{"Ref": "AWS::StackName"}, `{"Ref": "Sg"}`, `{"Ref": "AWS::StackName"}`},
		{"Properties.Tags", nil, `,"Tags": [{"Key": "Name","Value": {"Ref": "Sg"},"PropagateAtLaunch": true}]`, ``},
		{"DeletionPolicy", "Retain", `true}]}}`, `true}]},"DeletionPolicy": "Retain"}`},
		{"DependsOn", nil, `"DependsOn": ["Sg"],`, ``},
	} {
		got, err := patched(t, c.path, c.value)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		if want := strings.Replace(plain, c.old, c.new, 1); got != want || want == plain {
			t.Errorf("%s: got\n%s\nwant\n%s", c.path, got, want)
		}
	}
}

func TestPatchesThatLeadNowhere(t *testing.T) {
	for _, c := range []struct {
		path  string
		value any
		want  string
	}{
		{"Type", "AWS::EC2::VPC", "a resource's Type cannot be changed"},
		{"Property.MinSize", "0", "the resource has no Property"},
		{"Properties.Launch.Version", "0", "Properties is an object and has no Launch"},
		{"Properties.MinSize.More", "0", "Properties.MinSize is a single value and has no More"},
		{"Properties.MinSize[0]", "0", "Properties.MinSize is a single value and has no [0]"},
		{"Properties[0]", "0", "Properties is an object and has no [0]"},
		{"Properties.Tags.Key", "0", "Properties.Tags is a list of 1 and has no Key"},
		{"Properties.Tags[2]", "0", "Properties.Tags is a list of 1 and has no [2]"},
		{"Properties.Tags[1]", nil, "Properties.Tags is a list of 1 and has no [1]"},
		{"Properties.Absent", nil, "Properties is an object and has no Absent"},
	} {
		if _, err := patched(t, c.path, c.value); err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.path, err, c.want)
		}
	}
}

func TestPatchedReferencesAreChecked(t *testing.T) {
	template := groupTemplate()
	if problems := template.Check(); len(problems) > 0 {
		t.Fatal(problems)
	}
	path, err := ParsePath("Properties.Tags[0].Value")
	if err != nil {
		t.Fatal(err)
	}
	if err := template.Set("Group", path, RawValue(map[string]any{"Ref": "Gone"})); err != nil {
		t.Fatal(err)
	}
	want := []string{"Group: refers to Gone, which is not in the template"}
	if diff := cmp.Diff(want, template.Check()); diff != "" {
		t.Error(diff)
	}
}
