package document

import "strings"

// The kinds of an app's stores.
const (
	KindDatabase = "database"
	KindCache    = "cache"
)

// storeHost begins the description of the output that has a store's host name.
const storeHost = "The host name of the "

// StoreHostDescription describes the output that has the host name of a database or a cache. The ids of outputs do not tell the name
// in the manifest, and the description does.
func StoreHostDescription(kind, name string) string { return storeHost + kind + " " + name + "." }

// CutStoreHostDescription returns the kind and the name of the store whose host name an output describes.
func CutStoreHostDescription(description string) (kind, name string, found bool) {
	rest, found := strings.CutPrefix(description, storeHost)
	kind, name, split := strings.Cut(strings.TrimSuffix(rest, "."), " ")
	return kind, name, found && split && (kind == KindDatabase || kind == KindCache)
}

// The ends of a store's outputs. Each begins with the logical id of the store.
const (
	OutputStoreHost   = "Endpoint"
	OutputStorePort   = "Port"
	OutputStoreSecret = "Secret"
)
