package values

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	smtypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/pebble/spacel/agent/secrets"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
)

// secret reads a value that must not be written to the artifact directory. Error messages never contain any part of
// it.
func (r *Resolver) secret(ctx context.Context, q question, s assembly.Secret) (Value, error) {
	var text string
	var err error
	switch {
	case s.SSM != "":
		text, err = r.fromParameter(ctx, q, s.SSM)
	case s.SecretsManager != "":
		text, err = r.fromSecretsManager(ctx, q.stack.Region, s.SecretsManager)
	case s.Payload != nil:
		text, err = r.fromPayload(ctx, q, s)
	default:
		return r.fromEnvironment(ctx, q, s.Environment)
	}
	if err == nil && text == "" {
		err = errors.New("the secret is there, and empty: put the value into it")
	}
	return Value{Text: text, Secret: true}, err
}

// fromParameter reads an SSM parameter in the stack's region. Both String and SecureString work: the call decrypts.
func (r *Resolver) fromParameter(ctx context.Context, q question, name string) (string, error) {
	text, err := r.parameter(ctx, q.stack.Region, name)
	if _, absent := errors.AsType[*ssmtypes.ParameterNotFound](err); absent {
		return "", fmt.Errorf("there is no SSM parameter %s in %s: create it there as a SecureString, or correct the manifest", name,
			q.stack.Region)
	}
	return text, err
}

// fromSecretsManager reads a secret's current version as text. It also fails as absent for a secret without any value.
func (r *Resolver) fromSecretsManager(ctx context.Context, region, name string) (string, error) {
	return r.secrets.To("secret "+region+" "+name, func() (string, error) {
		out, err := r.cloud.Region(region).SecretsManager().GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
		if _, absent := errors.AsType[*smtypes.ResourceNotFoundException](err); absent {
			return "", fmt.Errorf("there is no secret %s with a value in Secrets Manager in %s: create it there, or correct the manifest",
				name, region)
		}
		if err != nil {
			return "", fmt.Errorf("read the secret %s of Secrets Manager in %s: %w", name, region, cloud.Explain(err))
		}
		return strings.TrimSpace(aws.ToString(out.SecretString)), nil
	})
}

// fromPayload decrypts a value that spacel secret encrypted into the manifest. KMS only decrypts it with the same
// orbit, app and name (the encryption context), so a payload which is copied to another app is useless.
func (r *Resolver) fromPayload(ctx context.Context, q question, s assembly.Secret) (string, error) {
	region := s.Payload.KeyRegion
	if region == "" {
		region = q.stack.Region
	}
	where := secrets.Context{Orbit: q.orbit(), App: q.stack.App, Key: secrets.WebhookKey}
	return r.secrets.To("payload "+region+" "+where.String()+" "+s.Payload.Key+" "+s.Payload.IV+" "+s.Payload.Ciphertext,
		func() (string, error) {
			text, err := secrets.Open(ctx, r.cloud.Region(region).KMS(), *s.Payload, where)
			return strings.TrimSpace(string(text)), cloud.Explain(err)
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
	text, err := r.secrets.To("ask "+what, func() (string, error) {
		text, err := r.settings.Ask(ctx, what)
		if text = strings.TrimSpace(text); err == nil && text == "" {
			return "", absent
		}
		return text, err
	})
	return Value{Text: text, Secret: true}, err
}
