package schema

import "embed"

// Definitions holds the CUE files of the manifest language. They are one package, schema, with the definitions
// #Orbit and #App.
//
//go:embed *.cue
var Definitions embed.FS

// Examples holds examples/*.yaml: manifests that show the fields of a definition.
//
//go:embed examples/*.yaml
var Examples embed.FS
