package schema

import (
	"slices"
	"sync"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
)

// regionNames are the regions that regions.cue knows, sorted.
var regionNames = sync.OnceValue(func() []string {
	data, err := Sources.ReadFile("regions.cue")
	if err != nil {
		panic(err) // it is embedded
	}
	all := cuecontext.New(cuecontext.CUE_DEBUG("")).CompileBytes(data).LookupPath(cue.ParsePath("regions"))
	fields, err := all.Fields()
	if err != nil {
		panic(err)
	}
	var names []string
	for fields.Next() {
		names = append(names, fields.Selector().Unquoted())
	}
	slices.Sort(names)
	return names
})
