package history

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/internal/hexdigest"
)

// KMS computes and verifies the MAC, so the key never leaves it, and a caller who may only verify cannot sign. A reader needs
// kms:VerifyMac, and a deploying role kms:GenerateMac too. The key's policy refuses the instances of the orbit.

// message returns the text to sign: the place of the item and the digest of its body. An item copied to another
// app or number is therefore not trusted. The first line keeps these messages apart from others under the same key. KMS takes
// messages of up to 4,096 bytes, so the body itself cannot be one (API Reference, GenerateMac).
func (s *Store) message(app string, number int, body string) []byte {
	return []byte(strings.Join([]string{"spacel release record", s.table(), Partition(app), sortKey(number),
		hexdigest.SHA256([]byte(body))}, "\n"))
}

// sign returns the MAC of a record's body.
func (s *Store) sign(ctx context.Context, r Record, body string) ([]byte, error) {
	out, err := s.region.KMS().GenerateMac(ctx, &kms.GenerateMacInput{
		KeyId:        aws.String(document.ReleasesKeyAlias(s.Orbit)),
		MacAlgorithm: types.MacAlgorithmSpecHmacSha256,
		Message:      s.message(r.App, r.Number, body),
	})
	if err == nil && len(out.Mac) == 0 {
		err = cloud.Incomplete("kms:GenerateMac", "no Mac")
	}
	if _, absent := errors.AsType[*types.NotFoundException](err); absent {
		return nil, fmt.Errorf("%w in %s: no KMS key has the alias %s", ErrNoKey, s.region.Name, document.ReleasesKeyAlias(s.Orbit))
	}
	if err != nil {
		return nil, fmt.Errorf("sign the record of %s in %s: %w", r.App, s.region.Name, cloud.Explain(err))
	}
	return out.Mac, nil
}

// verify returns why an item is not trusted, "" for a valid signature. The error is one of the network. A missing right is no
// error: the list of releases is of use without the proof, as long as it says so.
func (s *Store) verify(ctx context.Context, app string, number int, body string, mac []byte) (problem string, err error) {
	if len(mac) == 0 {
		return "it has no signature", nil
	}
	out, err := s.region.KMS().VerifyMac(ctx, &kms.VerifyMacInput{
		KeyId:        aws.String(document.ReleasesKeyAlias(s.Orbit)),
		MacAlgorithm: types.MacAlgorithmSpecHmacSha256,
		Message:      s.message(app, number, body),
		Mac:          mac,
	})
	// KMS answers a wrong MAC with KMSInvalidMacException, and never with MacValid false (API Reference, VerifyMac).
	if _, wrong := errors.AsType[*types.KMSInvalidMacException](err); wrong {
		return "its signature is wrong: somebody changed it, or wrote it without the orbit's key", nil
	}
	if _, absent := errors.AsType[*types.NotFoundException](err); absent {
		return "the orbit's key, with which it was signed, does not exist any more", nil
	}
	if _, answered := errors.AsType[smithy.APIError](err); answered {
		return "its signature cannot be verified: " + cloud.Explain(err).Error(), nil
	}
	if err == nil && !out.MacValid {
		err = cloud.Incomplete("kms:VerifyMac", "no MacValid")
	}
	if err != nil {
		return "", fmt.Errorf("verify release %d of %s in %s: %w", number, app, s.region.Name, cloud.Explain(err))
	}
	return "", nil
}
