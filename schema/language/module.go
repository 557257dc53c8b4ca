package language

import "io/fs"

// ModulePath is the path of the CUE module with the definitions, with its major version.
const ModulePath = "github.com/pebble/spacel@v0"

// Module returns the files of the module for `cue mod publish`, by path: the published definitions in the directory schema, whose
// import path spacel answers, and cue.mod/module.cue. `make release` adds the license.
func Module(files fs.FS) (map[string][]byte, error) {
	published, err := Published(files)
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(published, "*.cue")
	if err != nil {
		return nil, err
	}
	module := map[string][]byte{"cue.mod/module.cue": []byte(moduleFile)}
	for _, name := range names {
		text, err := fs.ReadFile(published, name)
		if err != nil {
			return nil, err
		}
		module["schema/"+name] = text
	}
	return module, nil
}

// languageVersion is the oldest version of CUE that reads the definitions: error() came with it.
const languageVersion = "v0.14.0"

// moduleFile is the module's cue.mod/module.cue. The source self publishes a directory as it is, without git.
const moduleFile = `module: "` + ModulePath + `"
language: {
	version: "` + languageVersion + `"
}
source: {
	kind: "self"
}
`
