package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkcredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/internal/cloudtest"
)

// newParameter makes a parameter in the test's own account.
func (h *bootEnv) newParameter(name, value string, kind ssmtypes.ParameterType) {
	h.t.Helper()
	in := &ssm.PutParameterInput{Name: &name, Value: &value, Type: kind, Overwrite: aws.Bool(true)}
	if _, err := h.AWS.SSM.PutParameter(h.t.Context(), in); err != nil {
		h.t.Fatal(err)
	}
}

// referenceEnv is a boot with a secret, parameters, a database, a cache and values of resources.
func referenceEnv(t *testing.T) *bootEnv {
	h := newBootEnv(t, document.Document[string]{})
	config := cloudtest.Config(t, cloudtest.Moto(t), "us-east-1")
	h.AWS = NewClients(config)
	h.newSecret("shop/api", `{"token":"tok3n-value","number":42,"on":true,"list":[1, 2],"nothing":null,"empty":""}`)
	h.newSecret("shop/plain", "plain#text=with\\odd$signs\n")
	store := h.newSecret("store", `{"username":"us er","password":"p@ss/w:rd?#%"}`)
	binary := "shop/binary"
	if _, err := h.AWS.Secrets.CreateSecret(t.Context(),
		&secretsmanager.CreateSecretInput{Name: &binary, SecretBinary: []byte{0, 1, 255}}); err != nil {
		t.Fatal(err)
	}
	h.newParameter("/shop/level", "debug", ssmtypes.ParameterTypeString)
	h.newParameter("/shop/level", "info", ssmtypes.ParameterTypeString)
	h.newParameter("flags", "hidden-flags", ssmtypes.ParameterTypeSecureString)
	d := h.Document
	d.Databases = map[string]document.Database[string]{
		"main": {Engine: "postgres", Host: "main.example", Port: 5432, Database: "main", Secret: store},
	}
	d.Caches = map[string]document.Cache[string]{"sessions": {Host: "cache.example", Port: 6379, Secret: store}}
	d.Resources = map[string]string{"Queue": "aHR0cHM6Ly9xdWV1ZQ==", "Queue.Arn": "YXJuOnE=", "Absent": ""}
	return h
}

func TestReferences(t *testing.T) {
	h := referenceEnv(t)
	elsewhere := NewClients(cloudtest.Config(t, cloudtest.Moto(t), "eu-west-1"))
	name, value := "partner/key", "from Ireland"
	there, err := elsewhere.Secrets.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: &value})
	if err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]string{
		"secret:shop/api#token":   "tok3n-value",
		"secret:shop/api#number":  "42",
		"secret:shop/api#on":      "true",
		"secret:shop/api#list":    "[1,2]",
		"secret:shop/api#nothing": "null",
		"secret:shop/api#empty":   "",
		"secret:shop/plain":       "plain#text=with\\odd$signs\n",
		"secret:shop/binary":      "\x00\x01\xff",
		"secret:" + *there.ARN:    "from Ireland",
		"ssm:/shop/level":         "info",
		"ssm:/shop/level:1":       "debug",
		"ssm:flags":               "hidden-flags",
		"database:main.host":      "main.example",
		"database:main.port":      "5432",
		"database:main.username":  "us er",
		"database:main.password":  "p@ss/w:rd?#%",
		"database:main.name":      "main",
		"database:main.url":       "postgresql://us%20er:p%40ss%2Fw%3Ard%3F%23%25@main.example:5432/main?sslmode=require",
		"database:main.jdbc_url": "jdbc:postgresql://main.example:5432/main?user=us%20er&password=p%40ss%2Fw%3Ard%3F%23%25" +
			"&sslmode=require",
		"cache:sessions.host":     "cache.example",
		"cache:sessions.port":     "6379",
		"cache:sessions.password": "p@ss/w:rd?#%",
		"cache:sessions.url":      "rediss://us%20er:p%40ss%2Fw%3Ard%3F%23%25@cache.example:6379",
		"resource:Queue":          "https://queue",
		"resource:Queue.Arn":      "arn:q",
		"resource:Absent":         "",
	} {
		got, err := h.lookUp(t.Context(), from)
		if err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v; want %q", from, got, err, want)
		}
	}
	h.Log.Info("tok3n-value hidden-flags info p@ss/w:rd?#%")
	wantText(t, "the log", h.log.String(), "*** *** info ***\n")
}

// A value by reference in a unit's environment, in a file, and in a file of variables.
func TestReferencesAreWritten(t *testing.T) {
	h := referenceEnv(t)
	h.Document.Databases, h.Document.Caches = nil, nil
	h.Document.Environments = map[string][]document.Variable{"web.env": {
		{Name: "TOKEN", From: "secret:shop/api#token"}, {Name: "PLAIN", From: "secret:shop/plain"}, {Name: "QUEUE", From: "resource:Queue"},
	}}
	h.Document.Files = map[string]document.Content{
		"key.bin":    {From: "secret:shop/binary", Mode: "0600"},
		"shared.env": {From: "secret:shop/plain"},
	}
	if err := files(t.Context(), h.Boot); err != nil {
		t.Fatal(err)
	}
	if err := environments(t.Context(), h.Boot); err != nil {
		t.Fatal(err)
	}
	wantText(t, "web.docker.env", h.text("files/web.docker.env"),
		"TOKEN=tok3n-value\nPLAIN=plain#text=with\\odd$signs\nQUEUE=https://queue\n")
	wantText(t, "key.bin", h.text("files/key.bin"), "\x00\x01\xff")
	h.wantMode("files/key.bin", 0o600)
	wantText(t, "shared.env", h.text("files/shared.env"), "plain#text=with\\odd$signs\n")
}

func TestReferencesThatLeadNowhere(t *testing.T) {
	h := referenceEnv(t)
	h.newSecret("shop/lines", "hunter2\nhunter2")
	for from, want := range map[string]string{
		"secret:shop/apy":       "there is no such secret in us-east-1",
		"secret:shop/api#tok":   `not a JSON object with the key "tok"`,
		"secret:shop/plain#a":   `not a JSON object with the key "a"`,
		"secret:shop/lines":     "cannot hold line breaks",
		"secret:shop/binary":    "cannot hold line breaks",
		"ssm:/shop/levle":       "there is no such parameter in us-east-1",
		"ssm:/shop/level:9":     "there is no such parameter in us-east-1",
		"database:mian.host":    "no such database",
		"database:main.colour":  "--upgrade agent",
		"cache:session.host":    "no such cache",
		"cache:sessions.colour": "--upgrade agent",
		"resource:Qeue":         "no value for it",
		"future:thing":          "--upgrade agent",
	} {
		h.Document.Environments = map[string][]document.Variable{"web.env": {{Name: "NAME", From: from}}}
		err := environments(t.Context(), h.Boot)
		wantError(t, err, "environment web.env", "NAME", want)
		for _, secret := range []string{"tok3n-value", "odd$signs", "hunter2"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error shows a secret: %v", from, err)
			}
		}
	}
}

// Answers without a value are errors, and one boot asks for a secret once.
func TestOddAnswersToReferences(t *testing.T) {
	var calls atomic.Int32
	answer := `{}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(server.Close)
	h := newBootEnv(t, document.Document[string]{})
	h.AWS = NewClients(aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: sdkcredentials.NewStaticCredentialsProvider("a", "b", ""),
	})
	for _, odd := range []string{`{}`, `{"SecretString": null}`, `{"Parameter": {}}`, `{"Parameter": null}`, `null`} {
		answer = odd
		for _, from := range []string{"secret:a", "secret:a#k", "ssm:a"} {
			if _, err := h.lookUp(t.Context(), from); err == nil {
				t.Errorf("%s: no error for %s", odd, from)
			}
		}
	}
	answer = `{"SecretString": "{\"a\": \"1\", \"b\": \"2\"}"}`
	calls.Store(0)
	for _, from := range []string{"secret:s#a", "secret:s#b", "secret:s", "secret:s#a"} {
		if _, err := h.lookUp(t.Context(), from); err != nil {
			t.Error(err)
		}
	}
	if calls.Load() != 1 {
		t.Errorf("the secret was read %d times", calls.Load())
	}
}

// Each engine's URL, in the form of its own driver.
func TestJDBC(t *testing.T) {
	who := credentials{Username: "shop", Password: "a b}&"}
	for engine, want := range map[string]string{
		"postgres":       "jdbc:postgresql://h:1/db?user=shop&password=a%20b%7D%26&sslmode=require",
		"mysql":          "jdbc:mysql://h:1/db?user=shop&password=a%20b%7D%26&sslMode=REQUIRED",
		"mariadb":        "jdbc:mariadb://h:1/db?user=shop&password=a%20b%7D%26&sslMode=trust",
		"oracle-se2-cdb": "jdbc:oracle:thin:shop/a b}&@//h:1/db",
		"sqlserver-ex":   "jdbc:sqlserver://h:1;encrypt=true;trustServerCertificate=true;user=shop;password={a b}}&}",
		"db2-se":         "jdbc:db2://h:1/db:user=shop;password=a b}&;",
	} {
		if got := jdbcURL(document.Database[string]{Engine: engine, Host: "h", Port: 1, Database: "db"}, who); got != want {
			t.Errorf("%s: got %s, want %s", engine, got, want)
		}
	}
	for engine, want := range map[string]string{
		"postgres": "&sslmode=verify-full&sslrootcert=/etc/spacel/rds-ca.pem",
		"mariadb":  "&sslMode=verify-full&serverSslCert=/etc/spacel/rds-ca.pem",
		"mysql":    "&sslMode=REQUIRED",
	} {
		d := document.Database[string]{Engine: engine, Host: "h", Port: 1, Database: "db", CA: document.DatabaseCA}
		if got := jdbcURL(d, who); !strings.HasSuffix(got, want) {
			t.Errorf("%s: got %s, want %s", engine, got, want)
		}
	}
}

// The authorities of RDS are there for every user of the instance, when a database needs them, and only then.
func TestDatabaseAuthorities(t *testing.T) {
	h := newBootEnv(t, document.Document[string]{Databases: map[string]document.Database[string]{"old": {}}})
	if err := databaseAuthorities(t.Context(), h.Boot); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(h.path(document.DatabaseCA)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file for a database without a CA: %v", err)
	}
	h.Document.Databases["main"] = document.Database[string]{CA: document.DatabaseCA}
	if err := databaseAuthorities(t.Context(), h.Boot); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(h.text(document.DatabaseCA), "-----BEGIN CERTIFICATE-----") {
		t.Error("the file is no PEM")
	}
	h.wantMode(document.DatabaseCA, 0o644)
}
