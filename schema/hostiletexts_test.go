package schema

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pebble/spacel/internal/stride"
	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// freeText matches the paths of strings that may be any text. Everything else that a manifest says is a word of the language, a name or
// a value of AWS.
var freeText = regexp.MustCompile(`^(all|[a-z]+-[a-z]+-[0-9])\.(files\.[^.]+|files\."[^"]+"(\.body)?|resources\..+|patch\..+|` +
	`(services|release\.tasks)\.("[^"]+"|[^.]+)\.(unit_file(\..+)?|command(\[[0-9]+\])?|environment\.(.+)))$`)

// hostile are endings of a string, and the severity of the problem that they must cause.
var hostile = map[string]report.Severity{
	"\nExecStart=/bin/false":  report.Error,
	"\u2028Host: example.com": report.Error,
	"\x1b[2J":                 report.Error,
	"{{resolve:secretsmanager:other:SecretString:p}}": report.Error,
	"{{ Resolve :ssm:/other}}":                        report.Error,
	"\u202e\u2066":                                    report.Warning,
	"\u200b":                                          report.Warning,
}

// No string of a manifest, neither a value nor a key, takes more than text into a template, a unit, a shell or a header. All values
// are changed at once, and all keys of one depth: a changed key hides the values below it.
func TestHostileStringsAreRefused(t *testing.T) {
	checker, err := language.NewChecker(Definitions)
	if err != nil {
		t.Fatal(err)
	}
	facts, err := checker.Facts()
	if err != nil {
		t.Fatal(err)
	}
	refused, free := 0, 0
	for name, d := range map[string]language.Definition{"orbit": language.Orbit, "app": language.App} {
		path := everything + "/" + name + ".yaml"
		for ending, severity := range hostile {
			for depth := 0; depth < 12; depth += stride.Short(4) {
				tree, err := manifest.NewReader(nil, Published, facts.RegionNames()).Read(path, &report.Report{})
				if err != nil {
					t.Fatal(err)
				}
				changed := spoil(tree, "", depth, ending)
				r := &report.Report{}
				if err := checker.Check(tree, d, r, facts.RegionNames()); err != nil {
					t.Fatal(err)
				}
				checker.Texts(tree, d, r)
				for before, after := range changed {
					said := slices.ContainsFunc(r.Problems(), func(p report.Problem) bool {
						return p.Severity <= severity && (p.Pos.Path == after || strings.HasPrefix(after, p.Pos.Path+"."))
					})
					switch {
					case freeText.MatchString(before) && severity == report.Error:
						free++
					case !said:
						t.Errorf("%s of %s with %q is not reported", before, path, ending)
					default:
						refused++
					}
				}
			}
		}
	}
	if refused < 2000/stride.Short(4) || free < 100/stride.Short(4) {
		t.Errorf("%d were refused, %d were free", refused, free)
	}
}

// spoil appends to all keys at a depth from 1, or at depth 0 to all values, and returns their paths: before → after. Keys whose value
// is null stay, since they only remove something.
func spoil(t *manifest.Tree, path string, depth int, ending string) map[string]string {
	changed := map[string]string{}
	var walk func(t *manifest.Tree, before, after string, level int)
	walk = func(t *manifest.Tree, before, after string, level int) {
		for i := range t.Fields {
			f := &t.Fields[i]
			before := report.Member(before, f.Key)
			if level == depth && f.Value.Kind != manifest.Null {
				f.Key += ending
				changed[before] = report.Member(after, f.Key)
			}
			walk(f.Value, before, report.Member(after, f.Key), level+1)
		}
		for i, item := range t.Items {
			walk(item, report.Index(before, i), report.Index(after, i), level+1)
		}
		if depth == 0 && t.Kind == manifest.Text {
			t.Text += ending
			changed[before] = after
		}
	}
	walk(t, path, path, 1)
	return changed
}

// A problem with a string says what and where, and does not show a secret.
func TestWordsForHostileStrings(t *testing.T) {
	_, r := loadAll(t, map[string]string{"orbit.yaml": "name: test\nregions: [us-east-1]\n",
		"app.yaml": "name: web\nall:\n  health_check: \"HTTP:80/{{resolve:ssm:x}}\"\n  services:\n" +
			"    w: {image: \"nginx:1\", volumes: {\"/srv\\nExecStart=\": /d}, environment: {A: \"top\\u202esecret\"}}\n"})
	var got []string
	for _, p := range r.Problems() {
		p.Pos.File = filepath.Base(p.Pos.File)
		got = append(got, p.String())
	}
	want := []string{
		"app.yaml:3:3: all.health_check: must not have a dynamic reference ({{resolve:…}}): CloudFormation would put the secret in its " +
			"place, in clear text; only resources and patch may have one",
		`app.yaml:5:37: all.services.w.volumes."/srv\nExecStart=": the key must not have a line break (U+000A), got one as character 5`,
		"app.yaml:5:76: all.services.w.environment.A: warning: has the invisible character U+202E as character 4: text with it can look " +
			"like another text; remove it, or write it as an escape",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
