package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/secrets"
)

// source is where the webhook is kept.
type source struct {
	name string // for errors
	read func(context.Context) (string, error)
}

// clients are the calls that sources make.
type clients struct {
	parameters parameters
	secrets    secretValues
	keys       secrets.Decrypter
}

// parameters is the call of SSM. Tests put a stand-in in its place.
type parameters interface {
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
}

// secretValues is the call of Secrets Manager.
type secretValues interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput,
		...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// findSource reads the function's environment, which names exactly one source.
func findSource(getenv func(string) string, c clients) (source, error) {
	parameter, secret, payload := getenv(document.SlackSSM), getenv(document.SlackSecret), getenv(document.SlackPayload)
	switch {
	case parameter != "" && secret == "" && payload == "":
		return parameterSource(c.parameters, parameter), nil
	case secret != "" && parameter == "" && payload == "":
		return secretSource(c.secrets, secret), nil
	case payload != "" && parameter == "" && secret == "":
		return payloadSource(c.keys, payload, secrets.Context{Orbit: getenv(document.SlackOrbit), App: getenv(document.SlackApp),
			Key: secrets.WebhookKey})
	}
	return source{},
		errors.New("the environment must have exactly one of SPACEL_WEBHOOK_SSM, SPACEL_WEBHOOK_SECRET and SPACEL_WEBHOOK_PAYLOAD")
}

// parameterSource reads the webhook from a parameter of SSM, decrypted.
func parameterSource(client parameters, name string) source {
	return source{name: "SSM parameter " + name, read: func(ctx context.Context) (string, error) {
		out, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
		if err != nil {
			return "", err
		}
		return aws.ToString(out.Parameter.Value), nil
	}}
}

// secretSource reads the webhook from a secret of Secrets Manager.
func secretSource(client secretValues, id string) source {
	return source{name: "secret " + id, read: func(ctx context.Context) (string, error) {
		out, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
		if err != nil {
			return "", err
		}
		return aws.ToString(out.SecretString), nil
	}}
}

// payloadSource opens an encrypted payload from the manifest. Only the key of this app and orbit opens it.
func payloadSource(client secrets.Decrypter, text string, bound secrets.Context) (source, error) {
	var p document.Payload
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return source{}, fmt.Errorf("SPACEL_WEBHOOK_PAYLOAD must be an encrypted payload: %w", err)
	}
	if bound.Orbit == "" || bound.App == "" {
		return source{}, errors.New("SPACEL_WEBHOOK_PAYLOAD needs SPACEL_ORBIT and SPACEL_APP beside it")
	}
	return source{name: "the encrypted url of app " + bound.App, read: func(ctx context.Context) (string, error) {
		plaintext, err := secrets.Open(ctx, client, p, bound)
		return string(plaintext), err
	}}, nil
}
