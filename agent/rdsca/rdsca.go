// Package rdsca carries the certificate authorities of Amazon RDS, by which a client verifies that it speaks to its database. No
// operating system has them: RDS has authorities of its own in each region (Amazon RDS User Guide, "Using SSL/TLS to encrypt a
// connection to a DB instance or cluster"). .ci/rds-ca makes the file.
package rdsca

import _ "embed" // for the bundle

// Bundle holds the roots of all regions that document.HasDatabaseCA knows, in PEM.
//
//go:embed bundle.pem
var Bundle []byte
