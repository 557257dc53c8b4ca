package review

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/compiler/assembly/assemblytest"
	"github.com/pebble/spacel/compiler/diff"
)

// sample has something of everything.
func sample(t *testing.T) *Review {
	t.Helper()
	old := assemblytest.New(t).Stack("test-old", `"Resources": {"T": {"Type": "AWS::SNS::Topic"}}`).
		Stack("test-web", `"Resources": {
			"A": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": {"UserData": "one\ntwo\n"}}},
			"B": {"Type": "AWS::EC2::EIP", "Properties": {"NetworkBorderGroup": "vpc"}, "UpdateReplacePolicy": "Retain"},
			"D": {"Type": "AWS::SNS::Topic"}}`)
	now := assemblytest.New(t).Stack("test-web", `"Resources": {
			"A": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": {"UserData": "one\n2\n"}}},
			"B": {"Type": "AWS::EC2::EIP", "Properties": {"NetworkBorderGroup": "standard"}, "UpdateReplacePolicy": "Retain"},
			"C": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "a|b `+"```"+` </details>"}}}`)
	return compare(t, old, now)
}

func TestTextOutput(t *testing.T) {
	var out bytes.Buffer
	if err := Text(&out, sample(t), false); err != nil {
		t.Fatal(err)
	}
	want := `metadata, encryption, retention
  - KmsMasterKeyId: (none)
        T  AWS::SNS::Topic  test-old in us-east-1
        D  AWS::SNS::Topic  test-web in us-east-1
  - termination protection of the stack: false
        test-old in us-east-1
  + KmsMasterKeyId: (none)
        C  AWS::SNS::Topic  test-web in us-east-1
traffic and data
    test-web in us-east-1
    ! the public address B is given up
    test-old in us-east-1
      nothing: deploy leaves the stack as it is; spacel destroy would end it, with its data

us-east-1/test-old removed
  ! deploy does not delete a stack that is missing from the directory; deleting it would do this
  - delete        T  AWS::SNS::Topic

us-east-1/test-web changed
  ~ update        A  AWS::EC2::LaunchTemplate  test-web.json:1:2
    ~ LaunchTemplateData.UserData:
        @@ -1,2 +1,2 @@
        one
      - two
      + 2
  ! replace       B  AWS::EC2::EIP
    ! holds data: the old one is kept, outside the stack (UpdateReplacePolicy: Retain)
    ~ NetworkBorderGroup: "vpc" → "standard"  (replaces)
  + create        C  AWS::SNS::Topic
    + DisplayName: "a|b ` + "```" + ` </details>"
  - delete        D  AWS::SNS::Topic

stacks: 1 removed, 1 changed; resources: 1 create, 1 update, 1 replace, 2 delete
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error(d)
	}
}

func TestColour(t *testing.T) {
	var plain, coloured bytes.Buffer
	d := sample(t)
	Text(&plain, d, false)
	Text(&coloured, d, true)
	if strings.Contains(plain.String(), "\x1b") || !strings.Contains(coloured.String(), "\x1b[31m  ! replace") {
		t.Errorf("%q\n%q", plain.String(), coloured.String())
	}
	stripped := coloured.String()
	for _, code := range []string{"0", "1", "31", "32", "33", "35"} {
		stripped = strings.ReplaceAll(stripped, "\x1b["+code+"m", "")
	}
	if stripped != plain.String() {
		t.Error(cmp.Diff(plain.String(), stripped))
	}
}

// A manifest's text cannot move the cursor, whatever it holds.
func TestControlCharacters(t *testing.T) {
	evil := `\u001b[2J\u009b31m\u2028` + "\u009b"
	d := resources(t, `"A": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "a", "Long": "a\nb"}}`,
		`"A": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "`+evil+`", "Long": "a\n`+evil+`\r"}}`)
	for name, render := range renderers() {
		var out bytes.Buffer
		if err := render(&out, d); err != nil {
			t.Fatal(err)
		}
		if name != "json" && strings.ContainsAny(out.String(), "\x1b\r\u009b\u2028") {
			t.Errorf("%s: %q", name, out.String())
		}
	}
}

func renderers() map[string]func(*bytes.Buffer, *Review) error {
	return map[string]func(*bytes.Buffer, *Review) error{
		"text":     func(w *bytes.Buffer, d *Review) error { return Text(w, d, false) },
		"markdown": func(w *bytes.Buffer, d *Review) error { return Markdown(w, d) },
		"json":     func(w *bytes.Buffer, d *Review) error { return JSON(w, d) },
	}
}

func TestEqualOutputs(t *testing.T) {
	d := resources(t, topic, topic)
	for name, want := range map[string]string{"text": "no differences\n", "markdown": "### spacel: no differences\n"} {
		var out bytes.Buffer
		renderers()[name](&out, d)
		if out.String() != want {
			t.Errorf("%s: %q", name, out.String())
		}
	}
}

func TestMarkdownOutput(t *testing.T) {
	var out bytes.Buffer
	if err := Markdown(&out, sample(t)); err != nil {
		t.Fatal(err)
	}
	want := `### spacel: stacks: 1 removed, 1 changed; resources: 1 create, 1 update, 1 replace, 2 delete

**An address or host name changes** in 1 of 2 stacks

~~~diff
@@ metadata, encryption, retention @@
-  KmsMasterKeyId: (none)
       T  AWS::SNS::Topic  test-old in us-east-1
       D  AWS::SNS::Topic  test-web in us-east-1
-  termination protection of the stack: false
       test-old in us-east-1
+  KmsMasterKeyId: (none)
       C  AWS::SNS::Topic  test-web in us-east-1
@@ traffic and data @@
   test-web in us-east-1
!    the public address B is given up
   test-old in us-east-1
     nothing: deploy leaves the stack as it is; spacel destroy would end it, with its data
~~~

| stack | | create | update | maybe replace | replace | delete |
|---|---|--:|--:|--:|--:|--:|
| ~us-east-1/test-old~ | removed |  |  |  |  | 1 |
| ~us-east-1/test-web~ | changed | 1 | 1 |  | 1 | 1 |

Replaced or deleted:

- **replace** ~B~ ~AWS::EC2::EIP~ in ~us-east-1/test-web~: the old one is kept, outside the stack (UpdateReplacePolicy: Retain)
- **delete** ~D~ ~AWS::SNS::Topic~ in ~us-east-1/test-web~

<details><summary>us-east-1/test-old removed: 1 delete</summary>

~~~diff
!  deploy does not delete a stack that is missing from the directory; deleting it would do this
-  delete        T  AWS::SNS::Topic
~~~

</details>

<details><summary>us-east-1/test-web changed: 1 create, 1 update, 1 replace, 1 delete</summary>

~~~~diff
~  update        A  AWS::EC2::LaunchTemplate  test-web.json:1:2
~    LaunchTemplateData.UserData:
       @@ -1,2 +1,2 @@
       one
-      two
+      2
!  replace       B  AWS::EC2::EIP
!    holds data: the old one is kept, outside the stack (UpdateReplacePolicy: Retain)
~    NetworkBorderGroup: "vpc" → "standard"  (replaces)
+  create        C  AWS::SNS::Topic
+    DisplayName: "a|b ~~~ </details>"
-  delete        D  AWS::SNS::Topic
~~~~

</details>
`
	// The marks of changes are tildes as well.
	want = strings.ReplaceAll(want, "~", "`")
	got := strings.ReplaceAll(out.String(), "~", "`")
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Whatever the size, markdown stays below the limit, with its fences closed and a note of the cut.
func TestMarkdownIsCapped(t *testing.T) {
	for name, size := range map[string]struct{ stacks, resources, text int }{
		"many stacks": {500, 3, 10}, "many resources": {2, 400, 10}, "long texts": {3, 2, 40_000}, "wide letters": {3, 60, 2000},
	} {
		t.Run(name, func(t *testing.T) {
			old, now := assemblytest.New(t), assemblytest.New(t)
			for i := range size.stacks {
				var before, after []string
				for j := range size.resources {
					body := `"R%d": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "%s"}}`
					before = append(before, fmt.Sprintf(body, j, strings.Repeat(`x\n`, size.text/2)))
					after = append(after, fmt.Sprintf(body, j, strings.Repeat(`é\n`, size.text/2)))
				}
				old.Stack(fmt.Sprintf("test-%d", i), `"Resources": {`+strings.Join(before, ",")+`}`)
				now.Stack(fmt.Sprintf("test-%d", i), `"Resources": {`+strings.Join(after, ",")+`}`)
			}
			var out bytes.Buffer
			if err := Markdown(&out, compare(t, old, now)); err != nil {
				t.Fatal(err)
			}
			text := out.String()
			if n := utf8.RuneCountInString(text); n > MaxMarkdown || n < MaxMarkdown/4 {
				t.Errorf("%d characters", n)
			}
			if !strings.Contains(text, "Cut to fit a comment") || !strings.HasPrefix(text, "### spacel: stacks: ") {
				t.Error("no note of the cut")
			}
			if strings.Count(text, "<details>") != strings.Count(text, "</details>") || strings.Count(text, "```")%2 != 0 {
				t.Error("something is left open")
			}
		})
	}
}

// The JSON form is stable: this is what programs read.
func TestJSONOutput(t *testing.T) {
	var out bytes.Buffer
	d := resources(t, `"A": {"Type": "AWS::EC2::EIP", "Properties": {"NetworkBorderGroup": "a<b"}}`,
		`"A": {"Type": "AWS::EC2::EIP", "Properties": {"NetworkBorderGroup": "c"}}`)
	if err := JSON(&out, d); err != nil {
		t.Fatal(err)
	}
	want := `{
  "format": 1,
  "equal": false,
  "rights": [],
  "reach": [],
  "exposure": [],
  "protection": [],
  "references": [],
  "impact": [
    {
      "region": "us-east-1",
      "stack": "test-web",
      "effects": [
        {
          "kind": "address",
          "text": "the public address A is given up",
          "resource": "A",
          "from": "test-web.json:1:2"
        }
      ]
    }
  ],
  "summary": {
    "stacks": {
      "added": 0,
      "affected": 0,
      "changed": 1,
      "removed": 0
    },
    "resources": {
      "create": 0,
      "delete": 0,
      "maybe-replace": 0,
      "none": 0,
      "replace": 1,
      "update": 0
    }
  },
  "stacks": [
    {
      "region": "us-east-1",
      "name": "test-web",
      "status": "changed",
      "resources": [
        {
          "id": "A",
          "type": "AWS::EC2::EIP",
          "status": "changed",
          "action": "replace",
          "from": "test-web.json:1:2",
          "properties": [
            {
              "path": "NetworkBorderGroup",
              "before": "a<b",
              "after": "c",
              "action": "replace"
            }
          ],
          "data": {
            "policy": "Delete",
            "outcome": "the old one is lost with what it holds (UpdateReplacePolicy: Delete)"
          }
        }
      ]
    }
  ],
  "assets": {}
}
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error(d)
	}
	var back diff.Diff
	if err := json.Unmarshal(out.Bytes(), &back); err != nil {
		t.Error(err)
	}
}

// Every rendering is the same each time.
func TestRenderingIsDeterministic(t *testing.T) {
	for name, render := range renderers() {
		var first bytes.Buffer
		render(&first, sample(t))
		for range 10 {
			var again bytes.Buffer
			render(&again, sample(t))
			if again.String() != first.String() {
				t.Fatalf("%s:\n%s", name, cmp.Diff(first.String(), again.String()))
			}
		}
	}
}

func compare(t *testing.T, old, now assemblytest.Side) *Review {
	t.Helper()
	d, err := Compare(old.Assembly(), now.Assembly())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// resources compares two stacks that have nothing but resources.
func resources(t *testing.T, old, now string) *Review {
	t.Helper()
	return compare(t, assemblytest.New(t).Stack("test-web", `"Resources": {`+old+`}`),
		assemblytest.New(t).Stack("test-web", `"Resources": {`+now+`}`))
}

// topic is a resource that nothing refers to.
const topic = `"T": {"Type": "AWS::SNS::Topic"}`
