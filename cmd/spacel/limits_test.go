package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// object is an object of a manifest.
type object = map[string]any

// limits are those of docs/limits.md that a build enforces: what passes one, what is just within it, and what is said. A
// build says it at the manifest's line.
var limits = map[string]struct {
	over, within object // an app's all
	says         string
}{
	"resources": {
		over: extraResources(495, ""), within: extraResources(480, ""),
		says: "resources: CloudFormation allows 500",
	},
	"parameters": {
		over: extraParameters(200, 1), within: extraParameters(180, 1),
		says: "parameters: CloudFormation allows 200",
	},
	"outputs": {
		over: extraOutputs(200), within: extraOutputs(180),
		says: "outputs: CloudFormation allows 200",
	},
	"the template's bytes": {
		over: extraResources(10, strings.Repeat("x", 100_000)), within: extraResources(9, strings.Repeat("x", 100_000)),
		says: "bytes: CloudFormation allows 1000000",
	},
	"a parameter's value": {
		over: extraParameters(1, 4097), within: extraParameters(1, 4096),
		says: "must be at most 4096 bytes, got 4097",
	},
	"user data, of which only files and the like can go elsewhere": {
		over:   object{"elastic_ips": true, "instance_availability": "internet-facing", "instance_max": 60, "elb_availability": "disabled"},
		within: files(200_000),
		says:   "at most 16384 bytes of user data",
	},
	"rights that a manifest asks for": {
		over: permissions(9_000), within: permissions(7_000),
		says: "characters of IAM policy",
	},
	"rights of the agent's": {
		over: manyVolumes(500), within: manyVolumes(20),
		says: "at most 10240 characters of IAM policy for the instances",
	},
	"tags": {
		over: tags(41), within: tags(40),
		says: "must be at most 40 tags",
	},
	"a host name": {
		over: object{"hostnames": []string{hostname(254)}}, within: object{"hostnames": []string{hostname(253)},
			"elb_availability": "disabled"},
		says: "253 characters",
	},
	"spot's instance types": {
		over: spotTypes(41), within: spotTypes(40),
		says: "at most 40 instance types",
	},
}

func TestLimits(t *testing.T) {
	for name, l := range limits {
		t.Run(name, func(t *testing.T) {
			if code, said := buildApp(t, "limits", l.within); code != 0 {
				t.Errorf("just within is refused: %s", said)
			}
			code, said := buildApp(t, "limits", l.over)
			if code != 1 || !regexp.MustCompile(`(?m)^\S*app\.json:\d+:\d+: .*`+regexp.QuoteMeta(l.says)).MatchString(said) {
				t.Errorf("exit code %d, want %q at the manifest's line in:\n%.2000s", code, l.says, said)
			}
		})
	}
}

// Names have limits too: a stack's, and so the orbit's and the app's together.
func TestLongNames(t *testing.T) {
	if code, said := buildApp(t, strings.Repeat("n", 124), object{}); code != 1 ||
		!strings.Contains(said, "must have at most 128 characters") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if code, said := buildApp(t, strings.Repeat("n", 123), object{"hostnames": []string{"a.example.com"}}); code != 0 {
		t.Errorf("exit code %d: %s", code, said)
	}
}

// buildApp builds an app of the orbit test in us-east-1, and gives the exit code and what was said.
func buildApp(t *testing.T, name string, all object) (int, string) {
	t.Helper()
	dir := t.TempDir()
	all = maps.Clone(all)
	if all["files"] == nil && all["services"] == nil {
		all["services"] = object{"web": object{"image": "nginx"}}
	}
	writeManifest(t, dir, "orbit.json", object{"name": "test", "regions": []string{"us-east-1"}})
	writeManifest(t, dir, "app.json", object{"name": name, "all": all})
	var stdout, stderr bytes.Buffer
	args := []string{"spacel", "build", "--quiet", "--out", filepath.Join(dir, "build"), "--orbit", filepath.Join(dir, "orbit.json"),
		filepath.Join(dir, "app.json")}
	code := run(context.Background(), args, strings.NewReader(""), &stdout, &stderr)
	return code, stderr.String()
}

func writeManifest(t *testing.T, dir, name string, manifest object) {
	t.Helper()
	body, err := json.MarshalIndent(manifest, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name), body, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// numbered makes n entries of an object.
func numbered(n int, entry func(i int) any) object {
	o := object{}
	for i := range n {
		o[fmt.Sprintf("Extra%03d", i)] = entry(i)
	}
	return o
}

func extraResources(n int, text string) object {
	return object{"resources": object{"Resources": numbered(n, func(int) any {
		return object{"Type": "AWS::SNS::Topic", "Metadata": object{"text": text}}
	})}}
}

func extraParameters(n, size int) object {
	return object{"resources": object{"Parameters": numbered(n, func(int) any {
		return object{"Type": "String", "Default": strings.Repeat("x", size)}
	})}}
}

func extraOutputs(n int) object {
	return object{"resources": object{"Outputs": numbered(n, func(int) any {
		return object{"Value": object{"Ref": "AWS::StackName"}}
	})}}
}

// files is one file that nothing compresses.
func files(size int) object {
	random := rand.New(rand.NewPCG(1, 1))
	text := make([]byte, size)
	for i := range text {
		text[i] = byte('a' + random.IntN(26))
	}
	return object{"files": object{"f": string(text)}}
}

func permissions(size int) object {
	return object{"permissions": []object{{"actions": []string{"s3:GetObject"},
		"resources": []string{"arn:aws:s3:::" + strings.Repeat("x", size)}}}}
}

func manyVolumes(n int) object {
	return object{"instance_max": 1, "volumes": numbered(n, func(i int) any {
		return object{"mount_point": fmt.Sprintf("/mnt/%060d", i)}
	})}
}

func tags(n int) object {
	return object{"tags": numbered(n, func(int) any { return "x" })}
}

func hostname(length int) string {
	name := strings.Repeat(strings.Repeat("a", 63)+".", 3)
	return name + strings.Repeat("a", length-len(name)-len(".com")) + ".com"
}

func spotTypes(n int) object {
	types := []string{}
	for i := range n {
		types = append(types, fmt.Sprintf("m5.%dxlarge", i+2))
	}
	return object{"spot": object{"types": types}}
}
