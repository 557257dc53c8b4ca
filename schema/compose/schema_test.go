package compose

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	spec "github.com/compose-spec/compose-go/v2/schema"
	"github.com/sirupsen/logrus"
	"go.yaml.in/yaml/v3"
)

// sampleTexts holds texts for keys that do not take any text.
var sampleTexts = map[string][]string{
	"image":               {"example/other:1"},
	"condition":           {"service_healthy", "on-failure"},
	"restart":             {"on-failure:3"},
	"pull_policy":         {"never"},
	"cron":                {"5 4 * * *"},
	"timezone":            {"Europe/Berlin"},
	"stop_grace_period":   {"1m"},
	"interval":            {"7s"},
	"timeout":             {"7s"},
	"start_period":        {"7s"},
	"start_interval":      {"7s"},
	"delay":               {"7s"},
	"window":              {"7s"},
	"monitor":             {"7s"},
	"network_mode":        {"host"},
	"working_dir":         {"/srv"},
	"mem_limit":           {"64m"},
	"shm_size":            {"64m"},
	"memory":              {"64m"},
	"mem_reservation":     {"64m"},
	"memswap_limit":       {"64m"},
	"rate":                {"1mb"},
	"cpus":                {"0.5"},
	"stop_signal":         {"SIGINT"},
	"type":                {"bind", "volume", "tmpfs", "image", "cluster", "npipe"},
	"published":           {"8000"},
	"protocol":            {"udp"},
	"target":              {"/target", "80"},
	"host_ip":             {"10.0.0.9"},
	"devices":             {"/dev/fuse"},
	"tmpfs":               {"/run"},
	"extra_hosts":         {"db:10.0.0.1"},
	"ports":               {"80:80"},
	"volumes":             {"/srv:/srv"},
	"links":               {"db"},
	"env_file":            {"a.env"},
	"label_file":          {"a.env"},
	"path":                {"a.env", "/dev/sda"},
	"networks":            {"net"},
	"profiles":            {"active"},
	"depends_on":          {"db"},
	"extends":             {"db"},
	"service":             {"db"},
	"source":              {"/srv/source", "shared", "data"},
	"secrets":             {"shared"},
	"configs":             {"shared"},
	"models":              {"model"},
	"user":                {"7"},
	"uid":                 {"7"},
	"hostname":            {"host"},
	"cap_add":             {"NET_ADMIN"},
	"cap_drop":            {"NET_ADMIN"},
	"volumes_from":        {"db"},
	"pid":                 {"host"},
	"test":                {"true"},
	"subpath":             {"sub"},
	"count":               {"1"},
	"umask":               {"0077"},
	"propagation":         {"rslave"},
	"selinux":             {"z"},
	"recursive":           {"disabled"},
	"mode":                {"0400", "global", "host"},
	"schedule":            {"5 4 * * *"},
	"file":                {"a.env", "base.yaml"},
	"pull_refresh_after":  {"1h"},
	"action":              {"restart"},
	"additional_contexts": {"a=b"},
	"ssh":                 {"default"},
	"mac_address":         {"02:42:ac:11:65:43"},
	"size":                {"64m"},
	"group_add":           {"7"},
	"cpu_quota":           {"5000"},
	"cpu_period":          {"5000"},
	"retries":             {"7"},
	"mem_swappiness":      {"7"},
	"external_links":      {"other"},
	"environment":         {"NAME=value"},
	"labels":              {"NAME=value"},
	"annotations":         {"NAME=value"},
	"sysctls":             {"NAME=value"},
}

// userKeys holds a key for each object whose keys the user chooses.
var userKeys = map[string]string{"depends_on": "db", "networks": "net", "models": "model", "ulimits": "nofile", "extra_hosts": "db"}

// needed lists keys that compose-go needs beside those that the schema requires.
var needed = map[string][]any{
	"ports": {"target"}, "secrets": {"source"}, "configs": {"source"}, "volumes": {"source", "target"}, "extends": {"service"},
	"devices": {"target"},
}

// sample is a value that has one key, and the same value without it.
type sample struct {
	path    []string
	with    any
	without any // nil: nothing is left
}

// sampler makes samples of a JSON schema.
type sampler struct{ definitions map[string]any }

// of returns samples of a node of the schema: one for each key in it, at every depth, in each form.
func (s sampler) of(node map[string]any, path []string) []sample {
	var all []sample
	if ref, ok := node["$ref"].(string); ok {
		all = append(all, s.of(s.definitions[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any), path)...)
	}
	for _, word := range []string{"oneOf", "anyOf"} {
		alternatives, _ := node[word].([]any)
		for _, alternative := range alternatives {
			if a := alternative.(map[string]any); a["required"] == nil || a["type"] != nil {
				all = append(all, s.of(a, path)...)
			}
		}
	}
	kinds, _ := node["type"].([]any)
	if kind, ok := node["type"].(string); ok {
		kinds = []any{kind}
	}
	for _, kind := range kinds {
		switch kind {
		case "object":
			all = append(all, s.object(node, path)...)
		case "array":
			items, _ := node["items"].(map[string]any)
			for _, item := range s.of(items, path) {
				one := sample{item.path, []any{item.with}, nil}
				if item.without != nil {
					one.without = []any{item.without}
				}
				all = append(all, one)
			}
		default:
			for _, value := range s.scalar(node, kind.(string), path) {
				all = append(all, sample{path, value, nil})
			}
		}
	}
	return all
}

// object returns samples of an object: one for each key, beside the required ones.
func (s sampler) object(node map[string]any, path []string) []sample {
	properties := map[string]any{}
	maps.Copy(properties, asMap(node["properties"]))
	for pattern, inner := range asMap(node["patternProperties"]) {
		if pattern != "^x-" {
			properties["*"] = inner
		}
	}
	required, _ := node["required"].([]any)
	if len(path) > 0 {
		required = append(slices.Clone(required), needed[path[len(path)-1]]...)
	}
	var all []sample
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		inner, ok := properties[name].(map[string]any)
		key, below := name, append(slices.Clone(path), name)
		if name == "*" {
			key, below = "NAME", path
			if known := userKeys[path[len(path)-1]]; known != "" {
				key = known
			}
		}
		if !ok {
			continue
		}
		for _, one := range s.of(inner, below) {
			for _, around := range s.required(properties, required, name, path) {
				with, without := maps.Clone(around), any(maps.Clone(around))
				with[key] = one.with
				if one.without != nil {
					without.(map[string]any)[key] = one.without
				}
				if one.without == nil && (slices.Contains(required, any(name)) || len(around) == 0) {
					without = nil
				}
				all = append(all, sample{one.path, with, without})
			}
		}
	}
	return all
}

// required returns objects with the required keys, except for one, in each combination of their first values.
func (s sampler) required(properties map[string]any, required []any, except string, path []string) []map[string]any {
	all := []map[string]any{{}}
	for _, name := range required {
		if name == except {
			continue
		}
		var next []map[string]any
		for _, one := range s.of(asMap(properties[name.(string)]), append(slices.Clone(path), name.(string))) {
			for _, around := range all {
				copied := maps.Clone(around)
				copied[name.(string)] = one.with
				next = append(next, copied)
			}
		}
		all = next[:min(len(next), 8)]
	}
	return all
}

// scalar returns values of a type.
func (s sampler) scalar(node map[string]any, kind string, path []string) []any {
	if enum, ok := node["enum"].([]any); ok {
		return enum
	}
	switch kind {
	case "string":
		if texts := sampleTexts[path[len(path)-1]]; texts != nil {
			var all []any
			for _, text := range texts {
				all = append(all, text)
			}
			return all
		}
		return []any{"sample"}
	case "integer", "number":
		return []any{7}
	case "boolean":
		return []any{true, false}
	}
	return nil
}

func asMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

// Every key that the Compose specification has for a service and for a job, at every depth, has an effect: the manifest or the
// findings of a file with the key differ from those of the file without it.
func TestNoKeyIsDropped(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal([]byte(spec.Schema), &root); err != nil {
		t.Fatal(err)
	}
	definitions := asMap(root["$defs"])
	s := sampler{definitions}
	tried, silent := map[string]bool{}, map[string]bool{}
	for kind, parts := range map[string][]string{
		"services": {"service", "container_spec", "workload_spec"}, "jobs": {"job"},
	} {
		for _, part := range parts {
			node := maps.Clone(asMap(definitions[part]))
			node["type"], node["required"] = "object", nil
			for _, one := range s.of(node, nil) {
				path := kind + "." + strings.Join(one.path, ".")
				if tried[path] && !silent[path] {
					continue
				}
				with, ok := imported(t, kind, asMap(one.with))
				if !ok {
					tried[path] = tried[path] || false
					continue
				}
				without, ok := imported(t, kind, asMap(one.without))
				tried[path] = true
				silent[path] = !ok || with == without
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(tried)) {
		switch {
		case !tried[path]:
			t.Errorf("%s: compose-go refuses every sample: the test needs another one", path)
		case silent[path]:
			t.Errorf("%s has no effect, and is not listed", path)
		}
	}
	if len(tried) < 150 {
		t.Errorf("only %d keys were tried", len(tried))
	}
}

// imported returns the manifest and the findings of a file whose service web has the fields.
func imported(t *testing.T, kind string, fields map[string]any) (string, bool) {
	t.Helper()
	logrus.SetLevel(logrus.PanicLevel)
	web := map[string]any{}
	maps.Copy(web, fields)
	if web["image"] == nil {
		web["image"] = "example/web:1"
	}
	shared := map[string]any{"shared": map[string]any{"file": "./a.env"}}
	file := map[string]any{
		"services": map[string]any{"db": map[string]any{"image": "example/db:1", "restart": "always"}},
		"networks": map[string]any{"net": nil}, "volumes": map[string]any{"data": nil, "shared": nil}, "secrets": shared, "configs": shared,
		"models": map[string]any{"model": map[string]any{"model": "ai/model"}},
	}
	if kind == "jobs" {
		if web["triggers"] == nil {
			web["triggers"] = map[string]any{"schedule": []any{"0 0 * * *"}}
		}
		file["jobs"] = map[string]any{"web": web}
	} else {
		file["services"].(map[string]any)["web"] = web
	}
	text, err := yaml.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	const base = "services: {db: {image: 'example/base:1', user: '7'}}"
	dir := t.TempDir()
	for name, body := range map[string][]byte{"compose.yaml": text, "a.env": []byte("A=1\n"), "base.yaml": []byte(base)} {
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m, err := Import(t.Context(), Source{Files: []string{filepath.Join(dir, "compose.yaml")}, Profiles: []string{"active"}})
	if err != nil {
		return err.Error(), false
	}
	out, err := m.YAML()
	if err != nil {
		t.Fatal(err)
	}
	result := string(out)
	for _, finding := range m.Findings() {
		result += finding.Path + ": " + finding.Text + "\n"
	}
	return strings.ReplaceAll(result, dir, ""), true
}
