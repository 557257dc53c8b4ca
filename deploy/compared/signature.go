package compared

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/cloud"
)

// A forged item could hide a stack's change from deploy. So each has a MAC. KMS makes one MAC in each region and run, with the key that
// signs the records of releases, and that MAC is the key of the items' MACs. A call for each item would cost as much as the comparison.
//
// Who may call kms:GenerateMac with the orbit's key may sign items, and records of releases, too: a deploying role. Who may only write
// to the table cannot. A reader without kms:GenerateMac cannot verify items, and compares every stack. The key's policy refuses
// the instances of the orbit. The derived key is never written anywhere.

// signer makes and checks the MACs of the items of one region.
type signer struct {
	key   []byte
	place string // the table and the partition
}

// newSigner derives the key of a region by one call of KMS. The message's first line keeps it apart from those of the records, and
// the table and the region keep the keys of two orbits and of two regions apart, even under one KMS key.
func newSigner(ctx context.Context, region *cloud.Region, orbit string) (*signer, error) {
	table := document.TableName(orbit, document.ReleasesTable)
	out, err := region.KMS().GenerateMac(ctx, &kms.GenerateMacInput{
		KeyId:        aws.String(document.ReleasesKeyAlias(orbit)),
		MacAlgorithm: types.MacAlgorithmSpecHmacSha256,
		Message:      []byte(strings.Join([]string{"spacel key of compared stacks", table, region.Name}, "\n")),
	})
	if err == nil && len(out.Mac) != sha256.Size {
		err = cloud.Incomplete("kms:GenerateMac", "no Mac")
	}
	if err != nil {
		return nil, fmt.Errorf("derive the key of compared stacks in %s: %w", region.Name, cloud.Explain(err))
	}
	return &signer{key: out.Mac, place: table + "\n" + region.Name + "\n" + partition}, nil
}

// sign returns the MAC of an item's body at its place. An item copied to another stack has a wrong one.
func (s *signer) sign(stack, body string) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(s.place + "\n" + stack + "\n" + body))
	return mac.Sum(nil)
}

// trusts reports whether a MAC is right.
func (s *signer) trusts(stack, body string, mac []byte) bool {
	return hmac.Equal(s.sign(stack, body), mac)
}
