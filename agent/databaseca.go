package agent

import (
	"context"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/rdsca"
)

// databaseAuthorities writes the certificate authorities of Amazon RDS for an app with databases. Units and their containers read
// the file, whatever user they run as.
func databaseAuthorities(_ context.Context, b *Boot) error {
	for _, d := range b.Document.Databases {
		if d.CA != "" {
			return b.Machine.writeFile(strings.TrimPrefix(document.DatabaseCA, "/"), rdsca.Bundle, 0o644)
		}
	}
	return nil
}
