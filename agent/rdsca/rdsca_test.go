package rdsca

import (
	"crypto/x509"
	"encoding/pem"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/pebble/spacel/agent/document"
)

// The bundle holds three self-signed authorities of RDS for each region, and nothing else, and the regions are those that the
// compiler takes them to be.
func TestBundle(t *testing.T) {
	subject := regexp.MustCompile(`^Amazon RDS ([a-z0-9-]+) Root CA (RSA2048|RSA4096|ECC384) G1$`)
	kinds := map[string]int{}
	for rest := Bundle; len(rest) > 0; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			t.Fatalf("%q is no PEM", rest)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		name := subject.FindStringSubmatch(c.Subject.CommonName)
		if name == nil || !c.IsCA || c.CheckSignatureFrom(c) != nil {
			t.Errorf("%s is no root of RDS", c.Subject)
			continue
		}
		if c.NotAfter.Before(time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s ends on %s", c.Subject, c.NotAfter)
		}
		kinds[name[1]]++
	}
	for region, count := range kinds {
		if count != 3 || !document.HasDatabaseCA(region) {
			t.Errorf("%s has %d roots, and the compiler says %v", region, count, document.HasDatabaseCA(region))
		}
	}
	// The table of regions is schema's, which the agent must not import.
	data, err := os.ReadFile("../../schema/regions.cue")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`(?m)^\s*"([a-z]+-[a-z]+-[0-9])"`).FindAllStringSubmatch(string(data), -1) {
		if region := found[1]; document.HasDatabaseCA(region) != (kinds[region] == 3) {
			t.Errorf("%s: the bundle has %d roots, and the compiler says %v", region, kinds[region], document.HasDatabaseCA(region))
		}
	}
	if len(slices.Collect(maps.Keys(kinds))) < 25 {
		t.Errorf("only %d regions", len(kinds))
	}
}
