package schema

// RegionNames are AWS's regions as the language knows them, sorted.
func RegionNames() ([]string, error) {
	l, err := compileLanguage()
	if err != nil {
		return nil, err
	}
	facts, err := l.facts()
	if err != nil {
		return nil, err
	}
	return facts.regionNames(), nil
}
