package main

import (
	"bytes"
	"fmt"

	"github.com/pebble/spacel/agent/document"
)

// checkVariableValue refuses a value that an environment variable of a unit cannot hold. The agent would find that out at boot,
// when it has decrypted the value.
func checkVariableValue(name string, value []byte) error {
	switch {
	case bytes.ContainsAny(value, "\r\n"):
		return fmt.Errorf("the value of %s has line breaks, which an environment variable cannot hold: "+
			"encrypt it as a file, with --file NAME, and have the app read /files/NAME", name)
	case bytes.ContainsRune(value, 0):
		return fmt.Errorf("the value of %s has a zero byte, which an environment variable cannot hold: "+
			"encrypt it as a file, with --file NAME", name)
	case len(name)+len("=")+len(value) > document.MaxVariable:
		return fmt.Errorf("the variable %s has %d bytes, and Docker takes %d of name and value together: "+
			"encrypt it as a file, with --file NAME",
			name, len(name)+len("=")+len(value), document.MaxVariable)
	}
	return nil
}
