package document

import "slices"

// DatabaseCA is the file with the certificate authorities of Amazon RDS, on an instance and, at the same path, in its containers.
const DatabaseCA = "/etc/spacel/rds-ca.pem"

// noDatabaseCA lists the regions whose authorities the agent does not carry, because its source is older than they are.
var noDatabaseCA = []string{
	"ap-east-2", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1", "il-central-1", "mx-central-1",
}

// HasDatabaseCA reports whether clients can verify a database that RDS hosts in a region.
func HasDatabaseCA(region string) bool { return !slices.Contains(noDatabaseCA, region) }
