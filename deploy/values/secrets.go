package values

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	smtypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/pebble/spacel/agent/secrets"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/internal/hexdigest"
)

// secret reads a value that must not be written to the artifact directory. Error messages never contain any part of
// it.
func (r *Resolver) secret(ctx context.Context, q question, s assembly.Secret) (Value, error) {
	var found versioned
	var err error
	switch {
	case s.SSM != "":
		found, err = r.fromParameter(ctx, q, s.SSM)
	case s.SecretsManager != "":
		found, err = r.fromSecretsManager(ctx, q.stack.Region, s.SecretsManager)
	case s.Payload != nil:
		found, err = r.fromPayload(ctx, q, s)
	default:
		return r.fromEnvironment(ctx, q, s.Environment)
	}
	if err == nil && found.text == "" {
		err = errors.New("the secret is there, and empty: put the value into it")
	}
	return Value{Text: found.text, Secret: true, Version: found.version}, err
}

// versioned is a value with the version of its source, "" for a source without versions. Two values with one version are equal.
type versioned struct{ text, version string }

// versionOf joins the facts that tell one version of a source from all others. With an empty one there is no version.
func versionOf(facts ...string) string {
	if slices.Contains(facts, "") {
		return ""
	}
	return strings.Join(facts, " ")
}

// fromParameter reads an SSM parameter in the stack's region. Both String and SecureString work: the call decrypts.
func (r *Resolver) fromParameter(ctx context.Context, q question, name string) (versioned, error) {
	found, err := r.parameter(ctx, q.stack.Region, name)
	if _, absent := errors.AsType[*ssmtypes.ParameterNotFound](err); absent {
		return found, fmt.Errorf("there is no SSM parameter %s in %s: create it there as a SecureString, or correct the manifest", name,
			q.stack.Region)
	}
	return found, err
}

// fromSecretsManager reads a secret's current version as text. It also fails as absent for a secret without any value.
//
// The value of a version never changes (API Reference, PutSecretValue), and the ARN ends in random characters, which differ when a
// secret is deleted and made again.
func (r *Resolver) fromSecretsManager(ctx context.Context, region, name string) (versioned, error) {
	return r.secrets.To("secret "+region+" "+name, func() (v versioned, err error) {
		out, err := r.cloud.Region(region).SecretsManager().GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
		if _, absent := errors.AsType[*smtypes.ResourceNotFoundException](err); absent {
			return v, fmt.Errorf("there is no secret %s with a value in Secrets Manager in %s: create it there, or correct the manifest",
				name, region)
		}
		if err != nil {
			return v, fmt.Errorf("read the secret %s of Secrets Manager in %s: %w", name, region, cloud.Explain(err))
		}
		return versioned{strings.TrimSpace(aws.ToString(out.SecretString)),
			versionOf(aws.ToString(out.ARN), aws.ToString(out.VersionId))}, nil
	})
}

// fromPayload decrypts a value that spacel secret encrypted into the manifest. KMS only decrypts it with the same
// orbit, app and name (the encryption context), so a payload which is copied to another app is useless.
func (r *Resolver) fromPayload(ctx context.Context, q question, s assembly.Secret) (versioned, error) {
	region := s.Payload.KeyRegion
	if region == "" {
		region = q.stack.Region
	}
	where := secrets.Context{Orbit: q.orbit(), App: q.stack.App, Key: secrets.WebhookKey}
	whole := "payload " + region + " " + where.String() + " " + s.Payload.Key + " " + s.Payload.IV + " " + s.Payload.Ciphertext
	return r.secrets.To(whole, func() (versioned, error) {
		text, err := secrets.Open(ctx, r.cloud.Region(region).KMS(), *s.Payload, where)
		// AES-GCM has one plaintext for a key and a ciphertext, and the key is in the payload, encrypted by KMS.
		return versioned{strings.TrimSpace(string(text)), hexdigest.SHA256([]byte(whole))}, cloud.Explain(err)
	})
}

// fromEnvironment reads a webhook which the manifest holds in clear text. The artifact names only the variable, so
// the webhook is not written a second time. While the variable is not set, the deployed value stays.
func (r *Resolver) fromEnvironment(ctx context.Context, q question, variable string) (Value, error) {
	if r.settings.Environment != nil {
		if text, ok := r.settings.Environment(variable); ok && strings.TrimSpace(text) != "" {
			return Value{Text: strings.TrimSpace(text), Secret: true}, nil
		}
	}
	return r.keptOrAsked(ctx, q, "the webhook for "+variable,
		fmt.Errorf("the environment variable %s is not set: set it to the webhook's address, which no artifact holds", variable))
}

// keptOrAsked returns the deployed value of a secret, else the user's answer. A question is asked once in a run, even
// if many stacks need the answer.
func (r *Resolver) keptOrAsked(ctx context.Context, q question, what string, absent error) (Value, error) {
	if v, ok := q.kept(); ok {
		v.Secret = true
		return v, nil
	}
	if r.settings.Ask == nil {
		return Value{}, absent
	}
	answer, err := r.secrets.To("ask "+what, func() (versioned, error) {
		text, err := r.settings.Ask(ctx, what)
		if text = strings.TrimSpace(text); err == nil && text == "" {
			return versioned{}, absent
		}
		return versioned{text: text}, err
	})
	return Value{Text: answer.text, Secret: true}, err
}
