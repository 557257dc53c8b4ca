package main

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/pebble/spacel/agent/document"
)

// feature is something that an instance document may ask for, and the functions of the agent that do it: what they call is
// what a template with that document grants.
type feature struct {
	name  string
	used  func(document.Document[string]) bool
	roots []string
	but   []string // functions that they reach but that are another feature's
	plus  []string // actions that others take for it
}

// features are all there are. What is reached from main belongs to one of them.
var features = []feature{
	{
		name:  "the boot itself, its log and signal, and who may log in",
		used:  func(document.Document[string]) bool { return true },
		roots: []string{"cmd/spacel-agent.main", "agent.recordHostKey"},
		but: []string{"agent.stages", "agent.giveBack", "(*agent.People).scan", "agent.Stats", "agent.Address", "agent.Credentials",
			"agent.Exclusive"},
	},
	{
		name:  "the document's large part",
		used:  func(d document.Document[string]) bool { return d.Asset != nil },
		roots: []string{"agent.fetchAsset"},
	},
	{
		name:  "all admins on a bastion",
		used:  func(d document.Document[string]) bool { return d.Bastion },
		roots: []string{"(*agent.People).scan"},
	},
	{
		name: "volumes",
		used: func(d document.Document[string]) bool {
			return slices.ContainsFunc(d.Volumes, func(v document.Volume) bool { return v.Disk == nil })
		},
		roots: []string{"agent.mountVolumes"},
	},
	{
		name: "instance store",
		used: func(d document.Document[string]) bool {
			return slices.ContainsFunc(d.Volumes, func(v document.Volume) bool { return v.Disk != nil })
		},
		roots: []string{"agent.instanceStore"},
	},
	{
		name: "elastic addresses",
		used: func(d document.Document[string]) bool { return len(d.Addresses) > 0 },
		roots: []string{"agent.claimAddress", "agent.takeAddress", "agent.keepAddress", "agent.giveBack", "agent.watchAddress",
			"agent.Address"},
	},
	{
		name:  "containers' logs",
		used:  func(d document.Document[string]) bool { return d.Logging != nil && d.Logging.Docker != "" },
		roots: []string{"agent.dockerLogging"},
		// Docker's awslogs driver, with the instance's role; it makes no group (Docker's docs, "Amazon CloudWatch Logs logging
		// driver", awslogs-create-group).
		plus: []string{"logs:CreateLogStream", "logs:PutLogEvents"},
	},
	{
		name:  "memory and disk use",
		used:  func(d document.Document[string]) bool { return d.Stats != "" },
		roots: []string{"agent.publishStats", "agent.Stats"},
	},
	{
		name:  "encrypted payloads",
		used:  hasPayload,
		roots: []string{"(*agent.Boot).open"},
	},
	{
		name: "images in Amazon ECR",
		used: func(d document.Document[string]) bool {
			for _, registry := range d.Registries {
				if registry.ECR {
					return true
				}
			}
			return false
		},
		roots: []string{"(*agent.credentialHelper).token"},
		// The registry's own calls, which Docker makes with the token (Amazon ECR User Guide, "Private repository policies").
		plus: []string{"ecr:BatchGetImage", "ecr:BatchImportUpstreamImage", "ecr:GetDownloadUrlForLayer"},
	},
	{
		name:  "secrets by reference",
		used:  refersTo(document.FromSecret),
		roots: []string{"(agent.lookup).secretValue"},
		plus:  []string{"kms:Decrypt"}, // Secrets Manager makes the call, with the role's rights
	},
	{
		name:  "parameters by reference",
		used:  refersTo(document.FromParameter),
		roots: []string{"(agent.lookup).parameter"},
		plus:  []string{"kms:Decrypt"},
	},
	{
		name:  "files, units, environments and a check of one's own",
		used:  func(d document.Document[string]) bool { return len(d.Units)+len(d.Files)+len(d.Environments) > 0 },
		roots: []string{"agent.people", "agent.files", "agent.environments", "agent.ready", "agent.units", "agent.localHealth"},
		but:   []string{"(*agent.Boot).open", "(*agent.Boot).credentials", "(agent.lookup).secretValue", "(agent.lookup).parameter"},
	},
	{
		name:  "databases and caches",
		used:  func(d document.Document[string]) bool { return len(d.Databases)+len(d.Caches) > 0 },
		roots: []string{"(*agent.Boot).credentials"},
	},
	{
		name:  "exclusive jobs",
		used:  hasExclusiveJob,
		roots: []string{"agent.Exclusive"},
		but:   []string{"agent.stages", "agent.giveBack"},
	},
	{
		name:  "release tasks",
		used:  func(d document.Document[string]) bool { return len(d.Tasks) > 0 },
		roots: []string{"agent.releaseTasks"},
	},
	{
		name:  "load balancers",
		used:  func(d document.Document[string]) bool { return len(d.TargetGroups) > 0 },
		roots: []string{"agent.targetHealth"},
	},
}

// refersTo says whether a document holds a reference of a kind.
func refersTo(kind string) func(document.Document[string]) bool {
	return func(d document.Document[string]) bool {
		for _, variables := range d.Environments {
			for _, v := range variables {
				if strings.HasPrefix(v.From, kind+":") {
					return true
				}
			}
		}
		for _, task := range d.Tasks {
			if slices.ContainsFunc(task.Environment, func(v document.Variable) bool { return strings.HasPrefix(v.From, kind+":") }) {
				return true
			}
		}
		for _, file := range d.Files {
			if strings.HasPrefix(file.From, kind+":") {
				return true
			}
		}
		for _, registry := range d.Registries {
			for _, v := range []*document.Variable{registry.Username, registry.Password} {
				if v != nil && strings.HasPrefix(v.From, kind+":") {
					return true
				}
			}
		}
		return false
	}
}

// hasExclusiveJob says whether a unit has the agent run its command on one instance.
func hasExclusiveJob(d document.Document[string]) bool {
	for _, unit := range d.Units {
		if slices.ContainsFunc(unit.Lines, func(l string) bool { return strings.Contains(l, document.AgentPath+" exclusive ") }) {
			return true
		}
	}
	return false
}

// hasPayload says whether anything in a document is encrypted: a unit, a file, a variable, or a value in an environment file.
func hasPayload(d document.Document[string]) bool {
	text, err := json.Marshal(d)
	if err != nil {
		return false
	}
	for name, file := range d.Files {
		if path.Ext(name) == ".env" && slices.ContainsFunc(file.Lines, func(l string) bool { return strings.Contains(l, `"ciphertext"`) }) {
			return true
		}
	}
	return strings.Contains(string(text), `"payload":`)
}

// Every template grants what the agent does for the features that its document uses: each action, and not one more.
func TestTemplatesGrantWhatTheAgentCalls(t *testing.T) {
	p := readProgram(t)
	always := scriptActions(t)
	needs := map[string][]string{}
	everything, called := slices.Clone(always), slices.Clone(always)
	for _, f := range features {
		own := p.reach(t, f.roots, f.but)
		called = append(called, own...)
		needs[f.name] = append(own, f.plus...)
		everything = append(everything, needs[f.name]...)
	}
	same(t, "the features together", distinct(called), distinct(append(p.reach(t, []string{"cmd/spacel-agent.main"}, nil), always...)))

	used := map[string]int{}
	granted := []string{}
	all := instanceTemplates(t)
	for _, template := range all {
		want := slices.Clone(always)
		for _, f := range features {
			if f.used(template.document) {
				used[f.name]++
				want = append(want, needs[f.name]...)
			}
		}
		same(t, template.path, template.granted, distinct(want))
		granted = append(granted, template.granted...)
	}
	same(t, "all templates together", distinct(granted), distinct(everything))
	for _, f := range features {
		if used[f.name] == 0 {
			t.Errorf("no template has %s", f.name)
		}
	}
	if len(all) < 50 {
		t.Errorf("only %d templates were looked at", len(all))
	}
}

func distinct(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// same compares what is granted with what is called.
func same(t *testing.T, where string, granted, called []string) {
	t.Helper()
	for _, a := range called {
		if !slices.Contains(granted, a) {
			t.Errorf("%s: the agent calls %s, which is not granted", where, a)
		}
	}
	for _, a := range granted {
		if !slices.Contains(called, a) {
			t.Errorf("%s: %s is granted, which the agent never calls", where, a)
		}
	}
}

// instanceTemplate is a template with instances: what the agent on them may do, and is told.
type instanceTemplate struct {
	path     string
	granted  []string
	document document.Document[string]
}

// instanceTemplates are those among the expected results in testdata.
func instanceTemplates(t *testing.T) []instanceTemplate {
	t.Helper()
	var all []instanceTemplate
	err := filepath.WalkDir("../../testdata", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".template.json") {
			if template, ok := readTemplate(t, path); ok {
				all = append(all, template)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func readTemplate(t *testing.T, path string) (instanceTemplate, bool) {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Properties struct {
				PolicyDocument struct {
					Statement []struct{ Action []string }
				}
				LaunchTemplateData struct {
					UserData struct {
						Text any `json:"Fn::Base64"`
					}
				}
			}
		}
	}
	// Of resources that are neither, fields of these names may be of other types.
	_ = json.Unmarshal(body, &template)
	launch, ok := template.Resources["LaunchTemplate"]
	if !ok {
		return instanceTemplate{}, false
	}
	made := instanceTemplate{path: path, document: documentIn(t, path, joined(launch.Properties.LaunchTemplateData.UserData.Text))}
	for _, s := range template.Resources["AgentPolicy"].Properties.PolicyDocument.Statement {
		made.granted = append(made.granted, s.Action...)
	}
	made.granted = distinct(made.granted)
	return made, true
}

// joined is a text whose references are each an x.
func joined(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		if parts, ok := v["Fn::Join"].([]any); ok {
			return joined(parts[1])
		}
	case []any:
		var text strings.Builder
		for _, part := range v {
			text.WriteString(joined(part))
		}
		return text.String()
	}
	return "x"
}

// documentIn is the instance document that user data writes, with its asset in place.
func documentIn(t *testing.T, path, userData string) document.Document[string] {
	t.Helper()
	var config struct {
		Files []struct{ Path, Content string } `yaml:"write_files"`
	}
	if err := yaml.Unmarshal([]byte(userData), &config); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var d document.Document[string]
	for _, file := range config.Files {
		if file.Path == document.Path {
			decodeInto(t, path, []byte(file.Content), &d)
		}
	}
	if d.Format != document.Format {
		t.Fatalf("%s: no instance document in user data", path)
	}
	if d.Asset == nil {
		return d
	}
	asset := filepath.Join(filepath.Dir(path), "../assets", d.Asset.Digest)
	body, err := os.ReadFile(asset)
	if err != nil {
		t.Fatal(err)
	}
	var bulk document.Document[string]
	decodeInto(t, asset, body, &bulk)
	d.TakeBulk(&bulk)
	return d
}

func decodeInto(t *testing.T, path string, body []byte, d *document.Document[string]) {
	t.Helper()
	if err := json.Unmarshal(body, d); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// The agent on a plain app can do nothing that another feature needs.
func TestFeaturesDiffer(t *testing.T) {
	p := readProgram(t)
	plain := map[string]bool{}
	for _, a := range append(p.reach(t, features[0].roots, features[0].but), scriptActions(t)...) {
		plain[a] = true
	}
	want := []string{"cloudformation:SignalResource", "dynamodb:BatchGetItem", "ec2:CreateTags", "logs:CreateLogStream",
		"logs:PutLogEvents", "s3:GetObject"}
	if got := slices.Sorted(maps.Keys(plain)); !slices.Equal(got, want) {
		t.Errorf("every instance may %v, want %v", got, want)
	}
}
