package language

// Version is the version of the definitions as a CUE module. It changes with every change of schema/*.cue that a manifest or
// a team's library can notice: the last number for a repair, the middle one for new fields and for any field that is no
// longer accepted. The module's major version is 0.
const Version = "v0.1.0"
