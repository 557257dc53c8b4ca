package agent

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secretstypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/pebble/spacel/agent/document"
)

// found holds the values that references of one boot have led to: of secrets by name, of parameters, of credentials by ARN. Two
// references to one secret then have values of the same version, even when the secret is rotated in between.
type found map[string][]byte

// lookUp returns the value of a reference. No error holds a piece of a value.
func (b *Boot) lookUp(ctx context.Context, from string) ([]byte, error) {
	value, err := lookup{b}.valueOf(ctx, document.ParseReference(from))
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", from, err)
	}
	return value, nil
}

// lookup finds the values of references for a boot.
type lookup struct{ *Boot }

// valueOf finds the value by the kind of the reference.
func (b lookup) valueOf(ctx context.Context, from document.Reference) ([]byte, error) {
	switch from.Kind {
	case document.FromSecret:
		return b.secret(ctx, from)
	case document.FromParameter:
		return b.once(from.String(), func() ([]byte, error) { return b.parameter(ctx, from.Name) })
	case document.FromDatabase:
		return b.databaseField(ctx, from)
	case document.FromCache:
		return b.cacheField(ctx, from)
	case document.FromResource:
		value, ok := b.Document.Resources[from.ResourceKey()]
		if !ok {
			return nil, errors.New("the instance document has no value for it")
		}
		return base64.StdEncoding.DecodeString(value)
	}
	return nil, errors.New("this agent does not know the kind: deploy with --upgrade agent")
}

// once returns a kept value, or finds and keeps it.
func (b *Boot) once(key string, find func() ([]byte, error)) ([]byte, error) {
	if value, ok := b.found[key]; ok {
		return value, nil
	}
	value, err := find()
	if err == nil {
		if b.found == nil {
			b.found = found{}
		}
		b.found[key] = value
	}
	return value, err
}

// secret returns a secret, or the value of one key of its JSON. The log masks it from then on.
func (b lookup) secret(ctx context.Context, from document.Reference) ([]byte, error) {
	whole, err := b.once(document.FromSecret+":"+from.Name, func() ([]byte, error) { return b.secretValue(ctx, from.Name) })
	if err != nil || from.Field == "" {
		b.hideSecret(whole)
		return whole, err
	}
	value, ok := jsonFields(whole)[from.Field]
	if !ok {
		return nil, fmt.Errorf("the secret is not a JSON object with the key %q", from.Field)
	}
	b.hidden.add(value)
	return value, nil
}

// secretValue reads a secret by its name, in the instance's region, or by its ARN.
func (b lookup) secretValue(ctx context.Context, name string) ([]byte, error) {
	region := b.Document.Region
	if words := strings.Split(name, ":"); len(words) > 3 {
		region = words[3]
	}
	out, err := b.AWS.Secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name},
		func(o *secretsmanager.Options) { o.Region = region })
	var absent *secretstypes.ResourceNotFoundException
	switch {
	case errors.As(err, &absent):
		return nil, fmt.Errorf("there is no such secret in %s, or it has no value: create it, or correct the name (%w)", region, err)
	case err != nil:
		return nil, fmt.Errorf("read the secret in %s: %w", region, err)
	case out.SecretString != nil:
		return []byte(*out.SecretString), nil
	case out.SecretBinary != nil:
		return out.SecretBinary, nil
	}
	return nil, fmt.Errorf("read the secret in %s: the answer holds no value", region)
}

// hideSecret masks a secret in the log, and each value when it is a JSON object.
func (b lookup) hideSecret(whole []byte) {
	b.hidden.add(whole)
	for _, value := range jsonFields(whole) {
		b.hidden.add(value)
	}
}

// jsonFields returns the values of a JSON object by key: a string's text, anything else as JSON. It returns nil for other data.
func jsonFields(text []byte) map[string][]byte {
	var raw map[string]json.RawMessage
	if json.Unmarshal(text, &raw) != nil {
		return nil
	}
	fields := make(map[string][]byte, len(raw))
	for key, value := range raw {
		var s string
		if json.Unmarshal(value, &s) == nil && string(value) != "null" {
			fields[key] = []byte(s)
			continue
		}
		var compact bytes.Buffer
		if json.Compact(&compact, value) == nil {
			fields[key] = compact.Bytes()
		}
	}
	return fields
}

// parameter reads a parameter, and has Parameter Store decrypt a SecureString. The log masks only that: a plain parameter may be a
// common word.
func (b lookup) parameter(ctx context.Context, name string) ([]byte, error) {
	out, err := b.AWS.SSM.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	var absent *ssmtypes.ParameterNotFound
	var version *ssmtypes.ParameterVersionNotFound
	switch {
	case errors.As(err, &absent), errors.As(err, &version):
		return nil, fmt.Errorf("there is no such parameter in %s: create it, or correct the name (%w)", b.Document.Region, err)
	case err != nil:
		return nil, fmt.Errorf("read the parameter in %s: %w", b.Document.Region, err)
	case out.Parameter == nil || out.Parameter.Value == nil:
		return nil, fmt.Errorf("read the parameter in %s: the answer holds no value", b.Document.Region)
	}
	value := []byte(*out.Parameter.Value)
	if out.Parameter.Type == ssmtypes.ParameterTypeSecureString {
		b.hidden.add(value)
	}
	return value, nil
}

// databaseField returns a fact about a database. Only the fields with credentials read its secret.
func (b lookup) databaseField(ctx context.Context, from document.Reference) ([]byte, error) {
	d, ok := b.Document.Databases[from.Name]
	if !ok {
		return nil, errors.New("the instance document has no such database")
	}
	switch from.Field {
	case document.FieldHost:
		return []byte(d.Host), nil
	case document.FieldPort:
		return strconv.AppendInt(nil, int64(d.Port), 10), nil
	case document.FieldDatabase:
		return []byte(d.Database), nil
	}
	who, err := b.credentials(ctx, d.Secret)
	if err != nil {
		return nil, err
	}
	switch from.Field {
	case document.FieldUsername:
		return []byte(who.Username), nil
	case document.FieldPassword:
		return []byte(who.Password), nil
	case document.FieldURL:
		return []byte(databaseURL(d, who)), nil
	case document.FieldJDBC:
		return []byte(jdbcURL(d, who)), nil
	}
	return nil, fmt.Errorf("this agent does not know the field %s: deploy with --upgrade agent", from.Field)
}

// cacheField returns a fact about a cache.
func (b lookup) cacheField(ctx context.Context, from document.Reference) ([]byte, error) {
	c, ok := b.Document.Caches[from.Name]
	if !ok {
		return nil, errors.New("the instance document has no such cache")
	}
	switch from.Field {
	case document.FieldHost:
		return []byte(c.Host), nil
	case document.FieldPort:
		return strconv.AppendInt(nil, int64(c.Port), 10), nil
	}
	who, err := b.credentials(ctx, c.Secret)
	if err != nil {
		return nil, err
	}
	switch from.Field {
	case document.FieldPassword:
		return []byte(who.Password), nil
	case document.FieldURL:
		return []byte(cacheURL(c.Host, c.Port, who)), nil
	}
	return nil, fmt.Errorf("this agent does not know the field %s: deploy with --upgrade agent", from.Field)
}
