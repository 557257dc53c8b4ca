package assembly

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/document"
)

var (
	digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
	regionForm = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	// CloudFormation User Guide, CreateStack: StackName.
	stackForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,127}$`)
)

// capabilities are the acknowledgements that a stack may need (CreateChangeSet, Capabilities). CAPABILITY_AUTO_EXPAND is left out: with
// it CloudFormation would deploy a template that macros made, or a nested one, which nobody reviewed.
var capabilities = []string{"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"}

// webhookForm matches the environment variables that deploy may read. Any other one, such as AWS_SECRET_ACCESS_KEY, could hold a
// secret that an edited manifest.json would put into a stack.
var webhookForm = regexp.MustCompile(`^` + document.WebhookPrefix + `[A-Z0-9_]+$`)

// problems are what no build of ours would have written. Paths are held to the one form they have, so none can lead out
// of the directory.
func (m *Manifest) problems() []string {
	var out []string
	if m.Orbit == "" {
		out = append(out, "orbit: is missing")
	}
	out = append(out, m.Owner.problems()...)
	if !slices.IsSortedFunc(m.Stacks, func(a, b Stack) int { return a.Ref().Compare(b.Ref()) }) {
		out = append(out, "stacks: are not sorted by region and name")
	}
	assets := map[string]bool{}
	for _, asset := range m.Assets {
		assets[asset.Digest] = true
		for _, problem := range asset.problems() {
			out = append(out, fmt.Sprintf("asset %q: %s", asset.Path, problem))
		}
	}
	return append(out, m.stackProblems(assets)...)
}

// stackProblems checks every stack. It also reports two templates whose paths differ only in letter case, because they
// would be one file on macOS and Windows.
func (m *Manifest) stackProblems(assets map[string]bool) []string {
	var out []string
	paths := map[string]bool{}
	for _, stack := range m.Stacks {
		problems := append(stack.problems(), stack.missingAssets(assets)...)
		folded := strings.ToLower(stack.Template)
		if paths[folded] {
			problems = append(problems, fmt.Sprintf("template: another stack has the path %q", stack.Template))
		}
		paths[folded] = true
		for _, problem := range problems {
			out = append(out, fmt.Sprintf("stack %q: %s", stack.Ref(), problem))
		}
	}
	return out
}

// problems checks that the path follows from the digest, so that a path can never lead out of the directory.
func (a Asset) problems() []string {
	var out []string
	if !digestForm.MatchString(a.Digest) {
		out = append(out, fmt.Sprintf("digest: must be 64 hexadecimal digits, got %q", a.Digest))
	}
	if want := assetPath(a.Digest); a.Path != want {
		out = append(out, fmt.Sprintf("path: must be %q, got %q", want, a.Path))
	}
	if a.Size < 0 {
		out = append(out, fmt.Sprintf("size: must not be negative, got %d", a.Size))
	}
	return out
}

// problems checks one entry by itself: names that CloudFormation accepts, the template's path, and the parameters'
// sources.
func (s Stack) problems() []string {
	var out []string
	if !stackForm.MatchString(s.Name) {
		out = append(out, fmt.Sprintf("name: must be a valid stack name (letters, digits and dashes), got %q", s.Name))
	}
	if !regionForm.MatchString(s.Region) {
		out = append(out, fmt.Sprintf("region: must be a region such as us-east-1, got %q", s.Region))
	}
	if want := TemplatePath(s.Ref()); s.Template != want {
		out = append(out, fmt.Sprintf("template: must be %q, got %q", want, s.Template))
	}
	if !digestForm.MatchString(s.Digest) {
		out = append(out, fmt.Sprintf("digest: must be 64 hexadecimal digits, got %q", s.Digest))
	}
	for _, capability := range s.Capabilities {
		if !slices.Contains(capabilities, capability) {
			out = append(out, fmt.Sprintf("capabilities: must be %s, got %q", strings.Join(capabilities, " or "), capability))
		}
	}
	if slices.Contains(s.DependsOn, s.Ref()) {
		out = append(out, "dependsOn: names the stack itself")
	}
	for name, source := range s.Parameters {
		if problem := source.problem(); problem != "" {
			out = append(out, fmt.Sprintf("parameters.%s: %s", name, problem))
		}
	}
	out = append(out, s.Guard.problems()...)
	slices.Sort(out)
	return out
}

// missingAssets reports parameters whose asset is not listed in the manifest. Deploy would have nothing to upload for
// them.
func (s Stack) missingAssets(assets map[string]bool) []string {
	var out []string
	for name, source := range s.Parameters {
		if source.Asset != nil && !assets[source.Asset.Digest] {
			out = append(out, fmt.Sprintf("parameters.%s: asset %s is not in the directory", name, source.Asset.Digest))
		}
	}
	slices.Sort(out)
	return out
}

// problem returns the first mistake of a source, or "".
func (s ValueFrom) problem() string {
	if n := set(s); n != 1 {
		return fmt.Sprintf("must have exactly one source, got %d", n)
	}
	switch {
	case s.Output != nil && (s.Output.Region == "" || s.Output.Stack == "" || s.Output.Output == ""):
		return "output: must have region, stack and output"
	case s.Secret != nil && set(*s.Secret) != 1:
		return "secret: must have exactly one of ssm, secretsManager, environment and payload"
	case s.Secret != nil && s.Secret.Environment != "" && !webhookForm.MatchString(s.Secret.Environment):
		return fmt.Sprintf("secret: the environment variable must begin with %s, got %q", document.WebhookPrefix, s.Secret.Environment)
	}
	return ""
}

// set counts the non-zero fields of a struct. ValueFrom and Secret are unions in which exactly one field is set.
func set(v any) int {
	n := 0
	fields := reflect.ValueOf(v)
	for i := range fields.NumField() {
		if !fields.Field(i).IsZero() {
			n++
		}
	}
	return n
}
