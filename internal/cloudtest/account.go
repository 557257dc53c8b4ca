package cloudtest

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

var (
	accountsMu sync.Mutex
	accounts   = map[string]string{} // by the test's name
)

// Account returns the 12 digits of an AWS account that belongs to this test alone. Every run gets another one.
func Account(t testing.TB) string {
	t.Helper()
	accountsMu.Lock()
	defer accountsMu.Unlock()
	name := t.Name()
	if id, ok := accounts[name]; ok {
		return id
	}
	// 1e11 is added below, so the number has 12 digits and no leading zero, which a tool that reads it as a number would drop.
	n, err := rand.Int(rand.Reader, big.NewInt(8e11))
	if err != nil {
		t.Fatal(err)
	}
	accounts[name] = fmt.Sprintf("%012d", n.Int64()+1e11)
	t.Cleanup(func() {
		accountsMu.Lock()
		defer accountsMu.Unlock()
		delete(accounts, name)
	})
	return accounts[name]
}

// AccessKey returns the access key of the test's account. The emulators' accounts.py and CloudFormation read the
// account out of it.
func AccessKey(t testing.TB) string { return "AKIA" + Account(t) + "SPCL" }

// Config returns a configuration for the test's account in a region. Names of buckets are the only thing that tests
// share: put the account into them.
func Config(t testing.TB, endpoint, region string) aws.Config {
	t.Helper()
	return aws.Config{
		Region:       region,
		BaseEndpoint: aws.String(endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider(AccessKey(t), "secret", ""),
	}
}

// Environment returns environment variables that point another process, or the SDK's own configuration, to the test's
// account.
func Environment(t testing.TB, endpoint string) []string {
	t.Helper()
	return []string{
		"AWS_ENDPOINT_URL=" + endpoint,
		"AWS_ACCESS_KEY_ID=" + AccessKey(t),
		"AWS_SECRET_ACCESS_KEY=secret",
		"AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true",
	}
}
