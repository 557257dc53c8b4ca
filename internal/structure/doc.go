// Package structure holds tests of the form of the whole tree, and no code: imports between packages (imports_test.go),
// methods of a type (methods_test.go), the wording of messages and docs (prose_test.go) and of comments (comments_test.go),
// the share of comment lines (density_test.go), and the length of lines (lines_test.go).
// Each test lists every offender with its file and line. make lint runs them.
package structure
