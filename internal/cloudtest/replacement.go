package cloudtest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// replacements maps a resource's type and property to replace or maybe. The table is from AWS's resource
// specification.
var replacements = sync.OnceValue(func() map[string]map[string]string {
	_, file, _, _ := runtime.Caller(0)
	raw, err := os.ReadFile(filepath.Join(filepath.Dir(file), "../../compiler/diff/replacement.json"))
	if err != nil {
		panic(err)
	}
	var table map[string]map[string]string
	if err := json.Unmarshal(raw, &table); err != nil {
		panic(err)
	}
	return table
})

// recreation says whether a change of a property replaces the resource. AWS says Conditionally when it depends on the
// values.
func recreation(kind, property string) types.RequiresRecreation {
	switch replacements()[kind][property] {
	case "replace":
		return types.RequiresRecreationAlways
	case "maybe":
		return types.RequiresRecreationConditionally
	}
	return types.RequiresRecreationNever
}
