package language

import "io/fs"

// RegionNames returns the names of all AWS regions in the definitions, sorted.
func RegionNames(files fs.FS) ([]string, error) {
	l, err := compileDefinitions(files)
	if err != nil {
		return nil, err
	}
	facts, err := l.facts()
	if err != nil {
		return nil, err
	}
	return facts.RegionNames(), nil
}
