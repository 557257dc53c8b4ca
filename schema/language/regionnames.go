package language

import "io/fs"

// RegionNames are AWS's regions as the language knows them, sorted.
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
