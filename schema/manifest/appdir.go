package manifest

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/pebble/spacel/schema/report"
)

// maxAppDir is the limit for the bytes of all files in an app directory together.
const maxAppDir = 16 << 20

// appDir is an app directory while it is read.
type appDir struct {
	root  *os.Root // holds links inside the directory
	dir   string   // as given, with slashes
	r     *report.Report
	in    Reader
	bytes int
	whole bool // nothing had to be left out
}

// layer is the contents of one directory: the app directory, which counts for all regions, or a directory in it
// for one region.
type layer struct {
	name  string // "" or the region
	at    Place
	app   *Tree
	units []dirFile // by name, content text or payload; null when empty
	envs  []envFile // by name
	files []dirFile // by name
}

// dirFile is the final name of a file, and its content as a manifest would have it.
type dirFile struct {
	name  string
	value *Tree
}

// envFile is a file of variables for the unit with the same base name.
type envFile struct {
	base      string
	variables func() []Field // read, and its mistakes reported, when there is such a unit
	file      dirFile        // what it is without
}

// readAppDir reads an app directory into one manifest:
//
//	app.json, app.yaml, app.yml or app.cue   the manifest; the rest is added to it
//	*.cue of the package of app.cue          part of the manifest
//	laika.service, laika.timer …             a unit's text, in place of the manifest's image; its environment stays
//	laika.env                                KEY=value lines, added to the environment of laika.service
//	secret.txt.crypt                         an encrypted payload of secret.txt
//	anything else                            a file below /files
//	us-east-1/…                              the same for one region, before the rest; its app.json is a region's section
//
// Hidden directories and the files of version control and editors are passed over.
func (in Reader) readAppDir(dir string, r *report.Report) (*Tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	s := &appDir{root: root, dir: filepath.ToSlash(dir), r: r, in: in, whole: true}
	all, regions, err := s.layers()
	if err != nil || !s.whole {
		return nil, err
	}
	return combine(all, regions, r), nil
}

// findAppDir returns the .space directory: the given one, or the one inside it.
func findAppDir(given string) (dir string, found bool) {
	inside := filepath.Join(given, ".space")
	if info, err := os.Stat(inside); err == nil && info.IsDir() {
		return inside, true
	}
	// The command may run inside .space, where the given path is just a dot.
	absolute, err := filepath.Abs(given)
	return filepath.Clean(given), err == nil && filepath.Base(absolute) == ".space"
}

// layers reads the directory and its directories of regions.
func (s *appDir) layers() (*layer, []*layer, error) {
	all, directories, err := s.layer("")
	if err != nil {
		return nil, nil, err
	}
	if all.app == nil && s.whole {
		s.refuse("", "has no app.json, app.yaml or app.cue, which gives the app its name")
	}
	var regions []*layer
	for _, name := range directories {
		if !s.isRegion(name) {
			continue
		}
		region, deeper, err := s.layer(name)
		if err != nil {
			return nil, nil, err
		}
		for _, d := range deeper {
			s.refuse(path.Join(name, d), "is inside a region's directory: only files directly in %s are read", path.Join(s.dir, name))
		}
		regions = append(regions, region)
	}
	return all, regions, nil
}

// isRegion reports whether a directory is named after an AWS region. Any other directory is refused, since its
// name is most likely misspelt and its files would be missing.
func (s *appDir) isRegion(name string) bool {
	if slices.Contains(s.in.Regions, name) {
		return true
	}
	hint := report.Suggest(name, s.in.Regions)
	if hint == "" {
		hint = ", and only the directories of regions are read"
	}
	s.refuse(name, "is not a region of AWS%s", hint)
	return false
}

// refuse reports a file or directory. The whole app directory is refused in the end, but reading goes on to find
// more mistakes.
func (s *appDir) refuse(name, format string, args ...any) {
	s.whole = false
	s.r.Errorf(report.Pos{File: path.Join(s.dir, name)}, format, args...)
}

// layer reads the files of one directory. It returns the names of the directories in it.
func (s *appDir) layer(region string) (*layer, []string, error) {
	l := &layer{name: region, at: Place{File: path.Join(s.dir, region)}}
	names, err := s.names(region)
	if err != nil {
		return nil, nil, err
	}
	var directories, manifests []string
	pkg := s.packageOf(region, names)
	for _, name := range names {
		full := path.Join(region, name)
		mode, err := s.mode(full)
		switch {
		case err != nil:
			return nil, nil, err
		case mode.IsDir() && !strings.HasPrefix(name, "."):
			directories = append(directories, name)
		case !mode.IsRegular() || passedOver(name):
		case isManifest(name):
			manifests = append(manifests, name)
		case s.isPart(full, pkg):
		default:
			if err := s.add(l, name, full); err != nil {
				return nil, nil, err
			}
		}
	}
	// The layer's own manifest comes last: it is read only once all other files have passed their checks by name.
	s.distinct(l)
	return l, directories, s.manifest(l, manifests, pkg)
}

// packageOf returns the CUE package of a layer's manifest, "" if the manifest is not CUE or has no package clause.
func (s *appDir) packageOf(region string, names []string) string {
	if !slices.Contains(names, "app.cue") {
		return ""
	}
	var file cueFile // a problem is reported when the file is read
	file.readClause(s.root.FS(), path.Join(".", region, "app.cue"))
	return file.pkg
}

// isPart reports whether a file is CUE of the manifest's package. Such a file belongs to the manifest, or is a test of
// it: it is not for instances.
func (s *appDir) isPart(name, pkg string) bool {
	if pkg == "" || path.Ext(name) != ".cue" {
		return false
	}
	var file cueFile
	file.readClause(s.root.FS(), name)
	return file.pkg == pkg
}

// names returns the sorted names in a directory.
func (s *appDir) names(dir string) ([]string, error) {
	entries, err := fs.ReadDir(s.root.FS(), path.Join(".", dir))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path.Join(s.dir, dir), err)
	}
	if len(entries) > maxEntries {
		s.refuse(dir, "more than %d files", maxEntries)
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

// mode returns the type of a file, with links followed. A link that leads out of the directory is refused: os.Root
// does not follow it. A manifest cannot include files such as /etc/passwd by a link.
func (s *appDir) mode(name string) (fs.FileMode, error) {
	info, err := s.root.Stat(name)
	if err == nil {
		if !info.Mode().IsRegular() && !info.IsDir() {
			s.refuse(name, "is neither a file nor a directory")
		}
		return info.Mode(), nil
	}
	if link, notLink := s.root.Readlink(name); notLink == nil {
		s.refuse(name, "is a link to %s, which does not exist or is outside of %s; put the file itself here", link, s.dir)
		return fs.ModeSymlink, nil
	}
	return 0, fmt.Errorf("%s: %w", path.Join(s.dir, name), err)
}

// passedOver reports whether a file is a leftover of version control, a desktop or an editor.
func passedOver(name string) bool {
	switch name {
	case ".DS_Store", ".gitignore", ".gitattributes", ".gitkeep", ".keep", "Thumbs.db":
		return true
	}
	return strings.HasSuffix(name, "~") || strings.HasPrefix(name, ".") && strings.HasSuffix(name, ".swp")
}

// isManifest reports whether a file is the manifest of its layer.
func isManifest(name string) bool {
	switch name {
	case "app.json", "app.yaml", "app.yml", "app.cue":
		return true
	}
	return false
}

// manifest reads the layer's manifest, app.*. There is at most one.
// A CUE manifest with a package clause is read with the other files of its package: those beside it and, for the app
// directory itself, those in the directories above it.
func (s *appDir) manifest(l *layer, names []string, pkg string) error {
	if len(names) > 1 {
		s.refuse(l.name, "%s: only one of them can be the manifest", strings.Join(names, " and "))
	}
	if len(names) != 1 {
		return nil
	}
	src, err := s.open(path.Join(l.name, names[0]))
	if src == nil {
		return err
	}
	if pkg != "" && path.Ext(names[0]) == ".cue" {
		src.pkg = &ownPackage{dir: path.Join(s.dir, l.name), name: pkg, above: l.name == ""}
	}
	l.app, err = readInput(src)
	s.whole = s.whole && l.app != nil
	return err
}

// open reads a file under the limits. It returns nil for a file over the limit.
func (s *appDir) open(name string) (*inputFile, error) {
	f, err := s.root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path.Join(s.dir, name), err)
	}
	defer f.Close()
	data, whole, err := readCapped(f, maxData)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path.Join(s.dir, name), err)
	}
	s.bytes += len(data)
	switch {
	case !whole:
		s.refuse(name, "larger than %d KiB", maxData>>10)
	// Only the file that passes the limit reports it. All later files are skipped without a word.
	case s.bytes > maxAppDir && s.bytes-len(data) <= maxAppDir:
		s.refuse("", "larger than %d MiB in all", maxAppDir>>20)
	case s.bytes <= maxAppDir:
		src := s.in.input(path.Join(s.dir, name), s.r)
		src.data = data
		return src, nil
	}
	return nil, nil
}

// add sorts a file into the layer by its name: a unit, variables of a unit, or a plain file.
func (s *appDir) add(l *layer, name, full string) error {
	src, err := s.open(full)
	if src == nil {
		return err
	}
	value := content(src)
	if plain, encrypted := strings.CutSuffix(name, ".crypt"); encrypted {
		// The name without .crypt says the kind of file, as if it were in plain text.
		name, value = plain, s.payload(src)
	}
	switch {
	case value == nil:
		s.whole = false
	case slices.Contains(UnitTypes, path.Ext(name)):
		s.addUnit(l, name, value, src)
	case path.Ext(name) == ".env" && value.Kind == Text:
		s.addEnv(l, name, value, src)
	default:
		l.files = append(l.files, dirFile{name, value})
	}
	return nil
}

// content returns a file in the form of the manifest's field files: a string, or the bytes in base64.
func content(src *inputFile) *Tree {
	at := src.filePlace()
	if utf8.Valid(src.data) && !strings.Contains(string(src.data), "\x00") {
		return &Tree{Kind: Text, At: at, Text: string(src.data)}
	}
	body := &Tree{Kind: Text, At: at, Text: base64.StdEncoding.EncodeToString(src.data)}
	return &Tree{Kind: Object, At: at, Fields: []Field{{"body", at, body}}}
}

// payload returns the encrypted payload in a .crypt file. Any other content is refused, because it may be a secret
// in plain text.
func (s *appDir) payload(src *inputFile) *Tree {
	const mend = "make one with spacel secret, or, if it is no secret, remove .crypt from the name"
	if !isPayload(src.data) {
		src.errorf(src.filePlace(), "", "is not an encrypted payload (an object with iv, key and ciphertext); %s", mend)
		return nil
	}
	return readJSON(src)
}

// addUnit adds the text of a unit. In a region's directory an empty file removes the unit there.
func (s *appDir) addUnit(l *layer, name string, value *Tree, src *inputFile) {
	switch {
	case value.Kind == Object && value.Lookup("body") != nil:
		s.refuse(path.Join(l.name, name), "is not text, as a unit must be")
	case value.Kind == Text && strings.TrimSpace(value.Text) != "", value.Kind == Object:
		l.units = append(l.units, dirFile{name, value})
	case l.name == "":
		s.refuse(name, "is empty; remove it, or move it into a region's directory to leave the unit out there")
	default:
		l.units = append(l.units, dirFile{name, &Tree{Kind: Null, At: src.filePlace()}})
	}
}

// addEnv adds a file of variables. It is parsed only if the unit exists; otherwise the file is deployed unchanged,
// and its lines need not be KEY=value.
func (s *appDir) addEnv(l *layer, name string, value *Tree, src *inputFile) {
	base := strings.TrimSuffix(name, ".env")
	if base == "" {
		s.refuse(path.Join(l.name, name), "name it after the unit it is for, such as laika.env for laika.service")
		return
	}
	// Mistakes are reported once, although several regions may use the same file.
	variables := sync.OnceValue(func() []Field { return readEnv(src) })
	l.envs = append(l.envs, envFile{base, variables, dirFile{name, value}})
}

// distinct refuses two files with the same final name, such as laika.service and laika.service.crypt.
func (s *appDir) distinct(l *layer) {
	seen := map[string]bool{}
	files := slices.Concat(l.units, l.files)
	for _, env := range l.envs {
		files = append(files, env.file)
	}
	for _, f := range files {
		if seen[f.name] {
			s.refuse(path.Join(l.name, f.name), "exists twice, encrypted and in plain text; remove one of them")
		}
		seen[f.name] = true
	}
}
