package badcases

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Definitions are the files of the language, for the packages below schema, which cannot import it.
func Definitions() fs.FS {
	_, file, _, _ := runtime.Caller(0)
	return os.DirFS(filepath.Join(filepath.Dir(file), "..", ".."))
}
