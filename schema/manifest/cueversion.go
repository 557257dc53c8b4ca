package manifest

import (
	"bytes"
	"io/fs"
	"path"
	"regexp"

	"github.com/pebble/spacel/schema/cuemodules"
)

// VersionNote begins the comment with the version of the definitions, in what `spacel schema` prints and in the published module.
const VersionNote = "The manifest language of spacel, version "

// VersionFile holds the comment with the version, in the published module.
const VersionFile = "version.cue"

var versionLine = regexp.MustCompile(`(?m)^// ` + regexp.QuoteMeta(VersionNote) + `(\S+)$`)

// VersionOf returns the version of a copy of the definitions, "" if the copy does not state one, as those of older releases.
func VersionOf(copied []byte) string {
	if m := versionLine.FindSubmatch(bytes.ReplaceAll(copied, []byte("\r\n"), []byte("\n"))); m != nil {
		return string(m[1])
	}
	return ""
}

// noteOtherVersions notes a copy of the definitions, or a dependency on them, in another version than spacel's. spacel checks with
// its own, and the cue command with the copy or the dependency: the two may judge a manifest differently.
func (p *packages) noteOtherVersions() {
	text, err := fs.ReadFile(p.s.definitions, VersionFile)
	own := VersionOf(text)
	if err != nil || own == "" || p.module == nil || !p.module.governed {
		return
	}
	// spacel schema prints the definitions as one file, which users put here for the cue command.
	copied := path.Join("cue.mod/pkg", ImportPath, "schema.cue")
	if text, err := fs.ReadFile(p.module.root.FS(), copied); err == nil {
		switch version := VersionOf(text); version {
		case own:
		case "":
			p.s.r.Notef(Place{File: p.module.show(copied)}.Pos(""), "is a copy of the definitions without a version, and spacel checks "+
				"with %s; write it again with spacel schema", own)
		default:
			p.s.r.Notef(Place{File: p.module.show(copied)}.Pos(""),
				"is version %s of the definitions, and spacel checks with %s; write it again with spacel schema", version, own)
		}
	}
	module, err := p.mainModule()
	if module == nil || err != nil {
		return
	}
	for _, v := range module.Dependencies() {
		if v.BasePath() == cuemodules.OwnPath && v.Version() != own {
			p.s.r.Notef(Place{File: p.module.show(cuemodules.ModuleFile)}.Pos(""),
				"depends on %s, and spacel checks with its own definitions, version %s; cue mod get %s@%s makes the cue command use "+
					"these, too",
				cuemodules.Name(v), own, cuemodules.OwnPath, own)
		}
	}
}
