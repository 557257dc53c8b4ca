package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKeysOfAPath(t *testing.T) {
	for _, keys := range [][]string{
		nil, {"all"}, {"all", "files", "a.key"}, {"us-east-1", "services", `a "b".service`, "environment", "É_1"},
	} {
		path := ""
		for _, key := range keys {
			path = Member(path, key)
		}
		if diff := cmp.Diff(keys, Pos{Path: path}.Keys()); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}
