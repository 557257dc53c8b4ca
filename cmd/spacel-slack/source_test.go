package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/pebble/spacel/agent/secrets"
	"github.com/pebble/spacel/agent/secrets/kmstest"
)

const slackAddress = "https://hooks.slack.com/services/" + token

// stores plays SSM and Secrets Manager, with one value each.
func stores(t *testing.T) clients {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Name, SecretId string
			WithDecryption bool
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &q) != nil {
			http.Error(w, "", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		switch target := r.Header.Get("X-Amz-Target"); {
		case target == "AmazonSSM.GetParameter" && q.Name == "/production/slack" && q.WithDecryption:
			_, _ = io.WriteString(w, `{"Parameter":{"Name":"/production/slack","Type":"SecureString","Value":"`+slackAddress+`"}}`)
		case target == "secretsmanager.GetSecretValue" && q.SecretId == "production/slack":
			_, _ = io.WriteString(w, `{"Name":"production/slack","SecretString":"{\"url\":\"`+slackAddress+`\"}"}`)
		case target == "secretsmanager.GetSecretValue" && q.SecretId == "binary":
			_, _ = io.WriteString(w, `{"Name":"binary","SecretBinary":"AAAA"}`)
		default:
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"ParameterNotFound"}`)
		}
	}))
	t.Cleanup(server.Close)
	config := aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
		})}
	return clients{parameters: ssm.NewFromConfig(config), secrets: secretsmanager.NewFromConfig(config)}
}

func environment(values ...string) func(string) string {
	return func(name string) string {
		for i := 0; i+1 < len(values); i += 2 {
			if values[i] == name {
				return values[i+1]
			}
		}
		return ""
	}
}

func opened(t *testing.T, c clients, values ...string) (webhook, error) {
	t.Helper()
	from, err := findSource(environment(values...), c)
	if err != nil {
		t.Fatal(err)
	}
	return (&hook{from: from}).open(t.Context())
}

func TestSourcesOfParametersAndSecrets(t *testing.T) {
	c := stores(t)
	for name, value := range map[string]string{"SPACEL_WEBHOOK_SSM": "/production/slack", "SPACEL_WEBHOOK_SECRET": "production/slack"} {
		if got, err := opened(t, c, name, value); err != nil || got.address != slackAddress {
			t.Errorf("%s: %q, %v", name, got.address, err)
		}
	}
	for value, want := range map[string]string{"/production/absent": "ParameterNotFound",
		"production/slack": "SSM parameter production/slack"} {
		if _, err := opened(t, c, "SPACEL_WEBHOOK_SSM", value); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", value, err)
		}
	}
	if _, err := opened(t, c, "SPACEL_WEBHOOK_SECRET", "binary"); err == nil ||
		!strings.Contains(err.Error(), "secret binary: its content must be") {
		t.Errorf("a binary secret: %v", err)
	}
}

func TestSourceOfAPayload(t *testing.T) {
	kms := kmstest.New(t)
	c := clients{keys: kms.Client("us-east-1")}
	bound := secrets.Context{Orbit: "production", App: "laika", Key: secrets.WebhookKey}
	p, err := secrets.Seal(t.Context(), kms.Client("eu-west-1"), []byte("SLACK="+slackAddress), bound, []string{"eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := opened(t, c, "SPACEL_WEBHOOK_PAYLOAD", string(payload), "SPACEL_ORBIT", "production", "SPACEL_APP",
		"laika"); err != nil || got.address != slackAddress {
		t.Errorf("%q, %v", got.address, err)
	}
	_, err = opened(t, c, "SPACEL_WEBHOOK_PAYLOAD", string(payload), "SPACEL_ORBIT", "production", "SPACEL_APP", "belka")
	if err == nil || !strings.Contains(err.Error(), "another app") {
		t.Errorf("another app's: %v", err)
	}
	silent(t, err)
}

func TestFindSourceRefuses(t *testing.T) {
	const payload = `{"version":1}`
	for want, env := range map[string][]string{
		"exactly one of SPACEL_WEBHOOK_SSM": {},
		"exactly one of":                    {"SPACEL_WEBHOOK_SSM", "a", "SPACEL_WEBHOOK_SECRET", "b"},
		"and SPACEL_WEBHOOK_PAYLOAD":        {"SPACEL_WEBHOOK_PAYLOAD", payload, "SPACEL_WEBHOOK_SECRET", "b"},
		"must be an encrypted payload":      {"SPACEL_WEBHOOK_PAYLOAD", "https://x/"},
		"needs SPACEL_ORBIT and SPACEL_APP": {"SPACEL_WEBHOOK_PAYLOAD", payload, "SPACEL_ORBIT", "production"},
	} {
		if _, err := findSource(environment(env...), clients{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", env, err, want)
		}
	}
}
