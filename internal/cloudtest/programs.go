package cloudtest

import (
	"bytes"
	"compress/gzip"
	"testing/fstest"

	"github.com/pebble/spacel/deploy/release"
)

// Programs returns small files in place of the programs which a release carries.
// Deploy only uploads them and names them by their digest, so their content does not matter. Building the real ones takes
// minutes.
func Programs() release.Binaries {
	files := fstest.MapFS{"slack-arm64.zip": {Data: []byte("the slack function")}}
	for _, architecture := range []string{"amd64", "arm64"} {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write([]byte("the agent for " + architecture)) // a buffer takes all
		_ = w.Close()
		files["agent-"+architecture+".gz"] = &fstest.MapFile{Data: packed.Bytes()}
	}
	return release.Binaries{FS: files}
}
