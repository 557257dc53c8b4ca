package compiler

import (
	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
)

// releasesKey adds the KMS key that signs the records of deploys. The signature proves that a caller with rights on the key
// wrote the record. The deletion of the stack deletes the alias at once and the key after 30 days (KMS's default waiting
// period). They are not retained: a later stack could import the alias, but not the key, which has no name of its own.
//
// KMS does not rotate an HMAC key (KMS Developer Guide, "Rotating AWS KMS keys").
func releasesKey(p *part, net network) {
	key := add(p, net.region.Pos, "ReleasesKey", &cfn.Key{
		Description: "Signs the records of deploys in the orbit " + net.orbit.Name + ".",
		KeySpec:     "HMAC_256",
		KeyUsage:    "GENERATE_VERIFY_MAC",
		KeyPolicy:   releasesKeyPolicy(net),
	})
	add(p, net.region.Pos, "ReleasesKeyAlias", &cfn.Alias{
		AliasName:   document.ReleasesKeyAlias(net.orbit.Name),
		TargetKeyId: key.Ref(),
	})
}

// releasesKeyPolicy leaves the key to the account's IAM policies, as KMS's default key policy does, and refuses the orbit's
// instances whatever those policies allow. In a key policy the resource * is the key itself.
//
// Requests with an instance's credentials carry ec2:SourceInstanceARN, wherever they are sent from (IAM User Guide, "AWS
// global condition context keys"). The tag of the orbit is the role's: CloudFormation copies the stack's tags to it. Instances
// outside of the orbit, such as those of a CI system, may deploy.
func releasesKeyPolicy(net network) cfn.PolicyDocument {
	statement := func(effect string, principal cfn.Value) cfn.Statement {
		return cfn.Statement{
			Effect:    effect,
			Principal: map[string]cfn.Value{"AWS": principal},
			Action:    []string{"kms:*"},
			Resource:  []cfn.Value{cfn.String("*")},
		}
	}
	return cfn.Policies(
		statement("Allow", cfn.Sub(cfn.String("arn:"), cfn.Partition, cfn.String(":iam::"), cfn.AccountID, cfn.String(":root"))),
		statement("Deny", cfn.String("*")).
			When("Null", "ec2:SourceInstanceARN", cfn.String("false")).
			When("StringEquals", "aws:PrincipalTag/"+document.TagOrbit, cfn.String(net.orbit.Name)),
	)
}
