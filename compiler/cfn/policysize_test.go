package cfn

import (
	"strings"
	"testing"
)

// The size is that of the policy with its references resolved, without white space.
func TestPolicySize(t *testing.T) {
	address := Add(&Template{}, "Eip", &EIP{Domain: "vpc"})
	policy := Policies(
		Allow([]string{"ec2:AssociateAddress"}, ARN("ec2", String("elastic-ip/"), address.AllocationId()), String("${!x} <&>")),
		Allow([]string{"s3:GetObject"}, StackID).When("StringEquals", "aws:ResourceTag/a", String("b")),
	)
	resolved := `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Action":["ec2:AssociateAddress"],"Resource":["arn:` + strings.Repeat("x", 10) + `:ec2:` +
		strings.Repeat("x", 14) + `:` +
		strings.Repeat("x", 12) + `:elastic-ip/` + strings.Repeat("x", 32) + `","${!x} <&>"]},` +
		`{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["` + strings.Repeat("x", 220) +
		`"],"Condition":{"StringEquals":{"aws:ResourceTag/a":"b"}}}]}`
	got, err := policy.Size()
	if err != nil || got != len(resolved) {
		t.Errorf("got %d, %v; want %d", got, err, len(resolved))
	}
}
