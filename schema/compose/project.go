package compose

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"
)

// Source names the Compose files to import.
type Source struct {
	Files    []string // later ones override earlier ones, as with docker compose -f; "-" is standard input
	Stdin    io.Reader
	Profiles []string // services of other profiles are left out; "*" is all of them
}

// project is a Compose project as compose-go reads it: all files merged, with extends, include and references resolved, and each
// value in its long form. Its keys are the files' keys: no default is filled in.
type project struct {
	name     string
	dir      string // absolute; relative paths of the first file begin here
	model    map[string]any
	env      map[string]string // of the file .env
	profiles []string
	places   *places
	missing  map[string]bool // variables without a value
	override string          // a file beside the only one that docker compose would read, too; "" for none
}

// silence keeps compose-go from printing warnings. The import lists the same facts with their places.
var silence = sync.OnceFunc(func() { logrus.SetOutput(io.Discard) })

// largestFile is the limit of one Compose file, in bytes. A YAML file may expand to much more, which compose-go limits.
const largestFile = 4 << 20

// load reads the project. An error is one line for a user: a file cannot be read, or is not a Compose file.
func load(ctx context.Context, src Source) (*project, error) {
	silence()
	dir, err := directoryOf(src.Files[0])
	if err != nil {
		return nil, err
	}
	p := &project{dir: dir, missing: map[string]bool{}, places: &places{dir: dir}}
	details := types.ConfigDetails{WorkingDir: dir, Environment: types.Mapping{}}
	for _, name := range src.Files {
		data, err := readSource(name, src.Stdin)
		if err != nil {
			return nil, err
		}
		path := name
		if name != stdinName {
			path = absolute(name)
		}
		details.ConfigFiles = append(details.ConfigFiles, types.ConfigFile{Filename: path, Content: data})
		p.places.add(path, data)
	}
	if len(src.Files) == 1 {
		p.override = overrideOf(src.Files[0])
	}
	if p.env, err = readDotEnv(filepath.Join(dir, ".env")); err != nil {
		return nil, err
	}
	maps.Copy(details.Environment, p.env)
	p.profiles = append(slices.Clone(src.Profiles), strings.FieldsFunc(p.env["COMPOSE_PROFILES"], isComma)...)
	return p, p.read(ctx, details)
}

// overrideOf returns the file beside a Compose file that docker compose merges into it by default, "" for none.
func overrideOf(name string) string {
	for _, base := range []string{"compose", "docker-compose"} {
		for _, ending := range []string{".yaml", ".yml"} {
			if filepath.Base(name) != base+ending {
				continue
			}
			for _, ending := range []string{".yaml", ".yml"} {
				path := filepath.Join(filepath.Dir(name), base+".override"+ending)
				if _, err := os.Stat(path); err == nil {
					return path
				}
			}
		}
	}
	return ""
}

// stdinName is the name of standard input among the files.
const stdinName = "-"

// isComma reports whether a character separates the items of COMPOSE_PROFILES.
func isComma(c rune) bool { return c == ',' }

// directoryOf returns the directory of a Compose file: the working directory for standard input.
func directoryOf(name string) (string, error) {
	if name == stdinName {
		return filepath.Abs(".")
	}
	return filepath.Abs(filepath.Dir(name))
}

// absolute returns a path from the root, or the path itself if the working directory is gone.
func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// readSource returns the content of a Compose file.
func readSource(name string, stdin io.Reader) ([]byte, error) {
	from := stdin
	if name != stdinName {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, reasonOf(err))
		}
		defer file.Close()
		if info, err := file.Stat(); err == nil && info.IsDir() {
			return nil, fmt.Errorf("%s: is a directory: name the Compose file in it", name)
		}
		from = file
	}
	data, err := io.ReadAll(io.LimitReader(from, largestFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, reasonOf(err))
	case len(data) > largestFile:
		return nil, fmt.Errorf("%s: is larger than 4 MiB", name)
	}
	return data, nil
}

// reasonOf returns the inner error of a failed file operation, whose own text repeats the path.
func reasonOf(err error) error {
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		return at.Err
	}
	return err
}

// readDotEnv returns the variables of the file .env beside the Compose file, from which Compose takes the values of references. No
// file means no variables. Nothing is taken from the environment of the shell.
func readDotEnv(path string) (map[string]string, error) {
	env, err := dotenv.GetEnvFromFile(map[string]string{}, []string{path})
	if _, absent := os.Stat(path); errors.Is(absent, fs.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %s", shown(path), withoutValue(err))
	}
	return env, nil
}

// read loads and checks the model.
func (p *project) read(ctx context.Context, details types.ConfigDetails) error {
	// Normalization and defaults would add keys that nobody wrote, such as the network
	// default, and each of them would be a finding. The variables of env_file are read
	// later, with their places, because compose-go fails on the first missing file.
	options := func(o *loader.Options) {
		o.SetProjectName(projectName(p.dir), false)
		o.SkipNormalization, o.SkipDefaultValues = true, true
		o.SkipResolveEnvironment, o.SkipResolveLabels = true, true
		o.Profiles = p.profiles
		o.Interpolate.Substitute = p.substitute
	}
	model, err := loader.LoadModelWithContext(ctx, details, options)
	if err != nil {
		return p.clear(err)
	}
	p.model = model
	p.name = projectName(p.dir)
	if name, ok := model["name"].(string); ok && name != "" {
		p.name = name
	}
	if len(object(model["services"])) == 0 && len(object(model["jobs"])) == 0 {
		return fmt.Errorf("%s: has no services", shown(details.ConfigFiles[0].Filename))
	}
	return p.check(details)
}

// check runs compose-go's own checks of the whole project: references to services, networks and volumes that do not exist, and
// circles. It works on a copy, since it moves keys.
func (p *project) check(details types.ConfigDetails) error {
	// Nothing is interpolated here a second time: a value may hold dollar signs by now.
	details.Environment = types.Mapping{}
	o := loader.ToOptions(&details, []func(*loader.Options){func(o *loader.Options) {
		o.SetProjectName(p.name, false)
		o.SkipResolveEnvironment, o.SkipResolveLabels = true, true
		o.Profiles = p.profiles
	}})
	copied := clone(p.model).(map[string]any)
	for _, service := range object(copied["services"]) {
		// An image whose variable has no value is empty. The import lists the variable, and goes on.
		if s := object(service); s != nil && s["build"] == nil && s["provider"] == nil && text(s["image"]) == "" {
			s["image"] = "unknown"
		}
	}
	copied, err := loader.Normalize(copied, nil)
	if err != nil {
		return p.clear(err)
	}
	if _, err := loader.ModelToProject(copied, o, details); err != nil {
		return p.clear(err)
	}
	return nil
}

// substitute replaces references to variables, as Compose does, and notes variables without a value. A required variable without
// one, ${NAME:?message}, is empty here: it is listed as well, and the rest of the file is of use all the same.
func (p *project) substitute(s string, lookup template.Mapping) (string, error) {
	// compose-go ends at the first required variable without a value. The text is then
	// replaced again, with a stand-in for this variable, until it is complete.
	known := map[string]string{}
	for {
		result, err := template.SubstituteWithOptions(s, func(name string) (string, bool) {
			if value, ok := known[name]; ok {
				return value, true
			}
			return lookup(name)
		}, template.WithoutLogging, template.WithReplacementFunction(p.replace))
		required := (*template.MissingRequiredError)(nil)
		if !errors.As(err, &required) || known[required.Variable] != "" {
			return strings.ReplaceAll(result, unset, ""), err
		}
		known[required.Variable] = unset
		p.missing[required.Variable] = true
	}
}

// unset stands for the value of a required variable without one, until the text is complete. It is not empty, because Compose
// refuses an empty value, too.
const unset = "\x00unset\x00"

// replace replaces one reference. A reference with neither a value nor a default names a variable to be listed.
func (p *project) replace(reference string, lookup template.Mapping, config *template.Config) (string, error) {
	value, applied, err := template.DefaultReplacementAppliedFunc(reference, lookup, config)
	if err == nil && !applied {
		p.missing[strings.Trim(reference, "${}")] = true
	}
	return value, err
}

// projectName returns the name that Compose gives the project of a directory.
func projectName(dir string) string {
	return cmp.Or(loader.NormalizeProjectName(filepath.Base(dir)), "app")
}

// rewording replaces parts of compose-go's messages that speak of its own code.
var rewording = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`:? ?invalid compose project:? ?`), ""},
	{regexp.MustCompile(`decoding failed due to the following error\(s\): `), ""},
	{regexp.MustCompile(`error while interpolating `), ""},
	{regexp.MustCompile(`failed to cast to expected type: `), ""},
	{regexp.MustCompile(` at <unknown position>`), ""},
	{regexp.MustCompile(`'(services|jobs|volumes|networks|secrets|configs)\[([^\]]+)\]((?:\.\w+)*)'`), "$1.$2$3:"},
	{regexp.MustCompile(`strconv\.\w+: parsing (".*?"): (invalid syntax|value out of range)`), "must be a number, got $1"},
	{regexp.MustCompile(` false schema`), ": unknown key"},
	{regexp.MustCompile(`additional properties ('.*') not allowed`), "unknown key $1"},
	{regexp.MustCompile(`open ((?:https?|git|oci|ssh):/.*): no such file or directory`), "$1: only files on this machine can be included"},
}

// clear turns an error of compose-go into one line that begins with the place, as far as the error tells it.
func (p *project) clear(err error) error {
	// The library's messages have several lines for circles, and absolute paths.
	message := strings.Join(strings.Fields(err.Error()), " ")
	message = strings.ReplaceAll(message, p.dir+string(filepath.Separator), "")
	for _, r := range rewording {
		message = r.pattern.ReplaceAllString(message, r.with)
	}
	file := shown(p.places.files[0].name)
	for _, prefix := range []string{"validating ", "failed to parse "} {
		if rest, ok := strings.CutPrefix(message, prefix); ok {
			_, message, _ = strings.Cut(rest, ": ") // the file's name follows
			file = shown(absoluteIn(p.dir, strings.TrimSuffix(rest[:len(rest)-len(message)], ": ")))
		}
	}
	at := p.places.inMessage(message)
	switch {
	case strings.Contains(message, "top-level object must be a mapping") || message == "empty compose file":
		message = "is not a Compose file: it has no services"
	case message == "services must be a mapping":
		message = "has no services: the key services must hold an object"
	case strings.HasPrefix(message, "unknown key") && !p.places.has("services"):
		message += ": the services must stand below the key services"
	}
	if at.Line > 0 {
		return fmt.Errorf("%s: %s", at, message)
	}
	return fmt.Errorf("%s: %s", file, message)
}

// withoutValue returns a parser's message about a file of variables in one line, without the text of the line, which may hold a
// secret.
func withoutValue(err error) string {
	// The parser quotes the line in its message. Only the line's number is repeated.
	message := strings.Join(strings.Fields(err.Error()), " ")
	if _, rest, ok := strings.Cut(message, "line "); ok {
		number, _, _ := strings.Cut(rest, ":")
		return "line " + number + ": must be NAME=value"
	}
	if errors.Is(err, fs.ErrPermission) {
		return "permission denied"
	}
	return "cannot be read as lines of NAME=value"
}

// clone copies plain data.
func clone(value any) any {
	switch v := value.(type) {
	case map[string]any:
		copied := make(map[string]any, len(v))
		for key, inner := range v {
			copied[key] = clone(inner)
		}
		return copied
	case []any:
		copied := make([]any, len(v))
		for i, inner := range v {
			copied[i] = clone(inner)
		}
		return copied
	}
	return value
}

// object returns a value as an object, nil for any other.
func object(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

// text returns a scalar as text, "" for any other value.
func text(value any) string {
	switch v := value.(type) {
	case nil, map[string]any, []any:
		return ""
	case string:
		return v
	case float32:
		return trimFloat(float64(v), 32)
	case float64:
		return trimFloat(v, 64)
	}
	return fmt.Sprint(value)
}
