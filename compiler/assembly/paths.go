package assembly

// The directory's own files.
const (
	manifestFile  = "manifest.json"
	sourceMapFile = "sourcemap.json"
	assetsDir     = "assets"
)
