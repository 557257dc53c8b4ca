package values

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/secrets"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
)

const hook = "https://hooks.example.com/secret"

func secret(s assembly.Secret) assembly.ValueFrom { return assembly.ValueFrom{Secret: &s} }

func TestSecretOfSSM(t *testing.T) {
	a := newAWSEnv(t)
	a.parameter("/hook", hook+"\n", ssmtypes.ParameterTypeSecureString)
	a.wantValue(secret(assembly.Secret{SSM: "/hook"}), deployed(map[string]string{"P": live.Masked}), Value{Text: hook, Secret: true})
	a.wantError(secret(assembly.Secret{SSM: "/absent"}),
		"there is no SSM parameter /absent in us-east-1: create it there as a SecureString")
}

func TestSecretOfSecretsManager(t *testing.T) {
	a := newAWSEnv(t)
	_, err := a.cloud.Region(here).SecretsManager().CreateSecret(t.Context(),
		&secretsmanager.CreateSecretInput{Name: aws.String("hook"), SecretString: aws.String(hook)})
	if err != nil {
		t.Fatal(err)
	}
	a.wantValue(secret(assembly.Secret{SecretsManager: "hook"}), nil, Value{Text: hook, Secret: true})
	a.wantError(secret(assembly.Secret{SecretsManager: "absent"}), "there is no secret absent with a value in Secrets Manager in us-east-1")
}

// Every change of a secret's source gives another version, and so does a source that was deleted and made again with the same value.
// No change gives the same one.
func TestVersionsOfSecrets(t *testing.T) {
	a := newAWSEnv(t)
	store, manager := a.cloud.Region(here).SSM(), a.cloud.Region(here).SecretsManager()
	name, other := aws.String("/hook"), aws.String(hook+"/2")
	put := func(value string) {
		_, err := store.PutParameter(t.Context(), &ssm.PutParameterInput{Name: name, Value: &value, Overwrite: aws.Bool(true),
			Type: ssmtypes.ParameterTypeSecureString})
		a.fatal(err)
	}
	create := func() {
		_, err := manager.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: name, SecretString: aws.String(hook)})
		a.fatal(err)
	}
	for kind, of := range map[string]struct {
		source                assembly.Secret
		begin, change, remake func()
	}{
		"SSM": {assembly.Secret{SSM: "/hook"}, func() { put(hook) }, func() { put(*other) }, func() {
			_, err := store.DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: name})
			a.fatal(err)
			put(hook)
		}},
		"Secrets Manager": {assembly.Secret{SecretsManager: "/hook"}, create, func() {
			_, err := manager.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: name, SecretString: other})
			a.fatal(err)
		}, func() {
			_, err := manager.DeleteSecret(t.Context(),
				&secretsmanager.DeleteSecretInput{SecretId: name, ForceDeleteWithoutRecovery: aws.Bool(true)})
			a.fatal(err)
			create()
		}},
	} {
		of.begin()
		first := a.version(of.source)
		if again := a.version(of.source); again != first {
			t.Errorf("%s: an unchanged secret has the versions %s and %s", kind, first, again)
		}
		of.change()
		second := a.version(of.source)
		of.remake()
		if third := a.version(of.source); second == first || third == first || third == second {
			t.Errorf("%s: the versions are %s, %s and %s", kind, first, second, third)
		}
	}
}

func TestSecretOfPayload(t *testing.T) {
	a := newAWSEnv(t)
	client := a.cloud.Region(there).KMS()
	key, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/production-laika"),
		TargetKeyId: key.KeyMetadata.KeyId}); err != nil {
		t.Fatal(err)
	}
	seal := func(key string) *document.Payload {
		p, err := secrets.Seal(t.Context(), client, []byte(hook), secrets.Context{Orbit: "production", App: "laika", Key: key},
			[]string{there})
		if err != nil {
			t.Fatal(err)
		}
		return &p
	}
	a.wantValue(secret(assembly.Secret{Payload: seal(secrets.WebhookKey)}), nil, Value{Text: hook, Secret: true})
	a.wantError(secret(assembly.Secret{Payload: seal("PASSWORD")}), "open url of app laika in orbit production")
	other := seal(secrets.WebhookKey)
	other.KeyRegion = here
	a.wantError(secret(assembly.Secret{Payload: other}), "open url of app laika in orbit production", "us-east-1")
}

func TestSecretOfTheEnvironment(t *testing.T) {
	a := newAWSEnv(t)
	s := secret(assembly.Secret{Environment: "SPACEL_WEBHOOK_LAIKA__X"})
	a.wantError(s, "the environment variable SPACEL_WEBHOOK_LAIKA__X is not set: set it to the webhook's address")
	a.wantValue(s, deployed(map[string]string{"P": live.Masked}), Value{Text: live.Masked, Secret: true, Keep: true})
	asked := 0
	a.settings.Ask = asking(&asked, " "+hook+"\n")
	r := a.resolver()
	for range 3 { // three regions
		values, err := r.Resolve(t.Context(), app(map[string]assembly.ValueFrom{"P": s}), nil)
		if err != nil || values["P"].Text != hook || !values["P"].Secret || values["P"].Keep {
			t.Errorf("got %+v, %v", values, err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	a.settings.Ask = asking(&asked, " ")
	a.wantError(s, "is not set")
	a.settings.Environment = func(name string) (string, bool) { return hook + " " + name, true }
	a.wantValue(s, deployed(map[string]string{"P": live.Masked}), Value{Text: hook + " SPACEL_WEBHOOK_LAIKA__X", Secret: true})
}

func TestEmptySecret(t *testing.T) {
	a := newAWSEnv(t)
	a.parameter("/hook", " ", ssmtypes.ParameterTypeSecureString)
	a.wantError(secret(assembly.Secret{SSM: "/hook"}), "the secret is there, and empty")
}
