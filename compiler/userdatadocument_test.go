package compiler

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/content"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/units"
)

// userData is the stack's user data, with ${Name} and ${Name.Attribute} where references stand.
func (v *stackView) userData() string {
	v.t.Helper()
	var data struct {
		Base64 struct {
			Join [2]json.RawMessage `json:"Fn::Join"`
		} `json:"Fn::Base64"`
	}
	var pieces []json.RawMessage
	text := v.get("Resources", "LaunchTemplate", "Properties", "LaunchTemplateData", "UserData")
	if err := json.Unmarshal([]byte(text), &data); err != nil {
		v.t.Fatal(err)
	}
	if err := json.Unmarshal(data.Base64.Join[1], &pieces); err != nil {
		v.t.Fatal(err)
	}
	var out strings.Builder
	for _, piece := range pieces {
		var literal string
		if json.Unmarshal(piece, &literal) != nil {
			literal = reference(v.t, piece)
		}
		out.WriteString(literal)
	}
	return out.String()
}

func reference(t *testing.T, piece json.RawMessage) string {
	t.Helper()
	var r struct {
		Ref    string
		GetAtt []string        `json:"Fn::GetAtt"`
		Base64 json.RawMessage `json:"Fn::Base64"`
	}
	if err := json.Unmarshal(piece, &r); err != nil {
		t.Fatalf("%s: %v", piece, err)
	}
	if r.Ref != "" {
		return "${" + r.Ref + "}"
	}
	if r.Base64 != nil {
		return "base64 of " + reference(t, r.Base64)
	}
	return "${" + strings.Join(r.GetAtt, ".") + "}"
}

// document is the instance document in the stack's user data.
func (v *stackView) document() document.Document[string] {
	v.t.Helper()
	content, _ := readCloudConfig(v.t, v.userData()).file(document.Path)
	var d document.Document[string]
	if err := json.Unmarshal([]byte(content), &d); err != nil {
		v.t.Fatalf("%v in %s", err, content)
	}
	return d
}

// image is a change to the image of the app's one service.
func image(name string) appChange {
	return func(a *schema.AppRegion) { a.Services = []units.Service{{Name: "web.service", Image: name}} }
}

// The version is in user data only if a unit uses it: the tag of an image, or the word itself.
func TestVersionIsForUnitsThatUseIt(t *testing.T) {
	unit := func(text string) appChange {
		return func(a *schema.AppRegion) {
			a.Services = []units.Service{{Name: "web.service", UnitFile: &content.Text{Body: []byte(text)}}}
		}
	}
	for name, c := range map[string]struct {
		change appChange
		want   bool
	}{
		"no tag":         {image("nginx"), true},
		"a port, no tag": {image("registry.example.com:5000/nginx"), true},
		"a tag":          {image("nginx:1.29"), false},
		"a digest":       {image("nginx@sha256:" + strings.Repeat("0", 64)), false},
		"the word":       {image("nginx:__VERSION__"), true},
		"an encrypted unit": {func(a *schema.AppRegion) {
			a.Services = []units.Service{{Name: "web.service", UnitFile: &content.Text{Payload: secret("us-east-1")}}}
		}, true},
		"a unit":          {unit("[Service]\nExecStart=/bin/true"), false},
		"a unit, by word": {unit("[Service]\nEnvironment=V=__VERSION__\nExecStart=/bin/true"), true},
	} {
		v := lower(t, c.change)
		if _, declared := v.stack.Parameters["Version"]; declared != c.want || (v.document().Version != "") != c.want {
			t.Errorf("%s: declared %v, document %q", name, declared, v.document().Version)
		}
	}
}

func TestDocument(t *testing.T) {
	v := lower(t, twoPorts(), image("nginx"))
	d := v.document()
	d.Units, d.Files, d.Environments = nil, nil, nil
	got, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"format":1,"orbit":"test","app":"web","region":"us-east-1","version":"${Version}","token":"${Token}",` +
		`"signal":{"stack":"${AWS::StackId}","resource":"Asg","timeout":900},"bootLog":"test-boot",` +
		`"targetGroups":["${PublicTargetsHTTP80}"]}`
	if string(got) != want {
		t.Errorf("want %s, got %s", want, got)
	}
	if source := v.stack.Parameters["Version"].Version; source == nil || source.Default != "latest" {
		t.Errorf("version: %+v", source)
	}
	if v.stack.Parameters["Token"].Token == nil {
		t.Error("a redeploy cannot be forced")
	}
	var after []string
	for _, ref := range v.stack.DependsOn {
		after = append(after, ref.Name)
	}
	same(t, "comes after", after, "test-tables", "test-vpc")
}

// noise is text of a size.
func noise(bytes int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	out := make([]byte, bytes)
	for i := range out {
		out[i] = byte('a' + random.IntN(26))
	}
	return out
}

// The agent reads no larger asset, so a build makes none.
func TestAnAssetHasALimit(t *testing.T) {
	orbit := testOrbit("us-east-1")
	app := testApp(orbit, "web", func(app *schema.AppRegion) {
		app.Files = []schema.File{{Name: "big", Mode: "0600", Text: content.Text{Body: noise(document.MaxAsset)}}}
	})
	build(t, orbit, app).reported("expected at most 67108864 bytes of units, files, environments and volumes", "web.json:2:1")
}

func TestLargeDocumentGoesToAnAsset(t *testing.T) {
	big := func(app *schema.AppRegion) {
		app.Services = []units.Service{{Name: "web.service", Image: "web", Environment: []content.Variable{{Name: "A", Value: "<b>"}}}}
		app.Files = []schema.File{{Name: "big", Mode: "0600", Text: content.Text{Body: noise(16_384)}}}
	}
	orbit := testOrbit("us-east-1")
	b := build(t, orbit, testApp(orbit, "web", big))
	b.silent()
	v := b.view("us-east-1/test-web")
	if n := len(v.userData()); n > 16_384 {
		t.Errorf("user data is %d bytes", n)
	}
	d := v.document()
	if d.Units != nil || d.Files != nil || d.Environments != nil || d.Asset == nil {
		t.Fatalf("the document still holds all: %+v", d)
	}
	if d.TargetGroups == nil || d.Version == "" {
		t.Errorf("the document lost what holds references: %+v", d)
	}
	if d.Asset.Bucket != "${DocumentBucket}" || d.Asset.Key != "${DocumentKey}" {
		t.Errorf("asset: %+v", d.Asset)
	}
	var bulk document.Document[string]
	if err := json.Unmarshal(b.assets[d.Asset.Digest], &bulk); err != nil {
		t.Fatalf("asset %s: %v", d.Asset.Digest, err)
	}
	if bulk.Format != 1 || bulk.App != "web" || len(bulk.Files["big"].Lines[0]) != 16_384 || bulk.Files["big"].Mode != "0600" ||
		len(bulk.Units) != 1 || bulk.Environments["web.env"][0].Value != "<b>" {
		t.Error("the asset does not hold what the document left out")
	}
	for _, part := range []string{"bucket", "key"} {
		id := "Document" + strings.ToUpper(part[:1]) + part[1:]
		if source := v.stack.Parameters[id].Asset; source == nil || source.Digest != d.Asset.Digest || source.Part != part {
			t.Errorf("%s: %+v", id, source)
		}
	}
	statements := v.policy("AgentPolicy")
	statements[len(statements)-1].on(t, `{"Fn::Sub":"arn:${AWS::Partition}:s3:::${DocumentBucket}/${DocumentKey}"}`)
}

// TestUserDataNeverTooLarge walks over the limit in small steps.
func TestUserDataNeverTooLarge(t *testing.T) {
	spilled := 0
	for bytes := 6000; bytes < 14_000; bytes += 500 {
		orbit := testOrbit("us-east-1")
		b := build(t, orbit, testApp(orbit, "web", func(app *schema.AppRegion) {
			app.Files = []schema.File{{Name: "f", Mode: "0644", Text: content.Text{Body: noise(bytes)}}}
		}))
		b.silent()
		if n := len(b.view("us-east-1/test-web").userData()); n > 16_384 {
			t.Errorf("%d bytes of file give %d of user data", bytes, n)
		}
		spilled += len(b.assets)
	}
	if spilled == 0 || spilled == 16 {
		t.Errorf("%d of 16 went to an asset: the limit was not walked over", spilled)
	}
}

func TestNothingLeftToMove(t *testing.T) {
	orbit := testOrbit("us-east-1")
	b := build(t, orbit, testApp(orbit, "web", availability(schema.Disabled, schema.InternetFacing, true), size(80, 80, schema.Rolling)))
	if len(b.problems) != 2 || !strings.Contains(b.problems[0], "at most 16384 bytes of user data") ||
		!strings.Contains(b.problems[0], "the largest parts are elastic addresses") || !strings.Contains(b.problems[1], "quota") {
		t.Errorf("reported: %q", b.problems)
	}
}

func TestAssetsThatCannotBeWritten(t *testing.T) {
	orbit := testOrbit("us-east-1")
	app := testApp(orbit, "web", func(app *schema.AppRegion) {
		app.Files = []schema.File{{Name: "big", Text: content.Text{Body: noise(20_000)}}}
	})
	err := Compile(&schema.Model{Orbit: orbit, Apps: []*schema.App{app}}, Scope{}, &report.Report{}, fullDisk{&built{}})
	if err == nil || err.Error() != "disk full" {
		t.Errorf("got %v", err)
	}
}

// fullDisk takes no assets.
type fullDisk struct{ *built }

func (fullDisk) Asset([]byte) (asset assembly.Asset, err error) {
	return asset, fmt.Errorf("disk full")
}
