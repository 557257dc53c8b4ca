// Package compose turns Compose files into an app's manifest, for spacel import compose.
//
// # Reading
//
// compose-go, the library of docker compose, reads the files (project.go). References to
// variables, extends, include, merge keys, several documents and profiles therefore mean
// the same as to docker compose. The result is one tree of plain data, the model. All of
// its values are in Compose's long forms, and no default is filled in: every key in the
// model was written by the user. compose-go also checks the project, for example for
// circles and for references to unknown services. Its errors become one line each.
//
// The values of variables come from the file .env alone. docker compose takes them from
// the shell, too. Then the manifest would depend on the machine of the person who
// imports, and secrets of the shell could get into it.
//
// # Translating
//
// Each part of the model is read through fields (fields.go). A reader takes the keys it
// knows, one by one. The keys left over at the end are findings, with the reason from a
// table. So a key is either translated or listed, even if a later version of Compose
// adds it. A test tries each key of the specification's JSON schema at every depth.
//
// Some parts need all services at once: the names on the network (import.go), the public
// ports (ports.go), and the volumes of the app (mounts.go). They collect first and write
// when the last service has been read.
//
// # Values
//
// The package knows which keys a manifest has, and not which values they take. The
// command builds the manifest, and removes each refused value by Manifest.Drop. The
// message of the build is the reason in the finding. So the rules for values exist once,
// in package schema.
//
// # Places
//
// compose-go forgets the lines of keys when it merges files. places.go reads the files a
// second time, as YAML nodes, and looks a key up when a finding needs its line. A key
// without a place of its own gets that of the nearest key around it.
package compose
