package agent

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/secrets/kmstest"
	"github.com/pebble/spacel/internal/cloudtest"
)

// of2016 is a payload as the predecessor made it: AES-CBC with PKCS#7 padding, bound to no name.
func of2016(t testing.TB, server *kmstest.Server, plaintext string) *document.Payload {
	t.Helper()
	key, iv := bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{9}, aes.BlockSize)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	padding := aes.BlockSize - len(plaintext)%aes.BlockSize
	text := append([]byte(plaintext), bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)
	encode := base64.StdEncoding.EncodeToString
	return &document.Payload{
		IV: encode(iv), Key: encode(server.Wrap("us-east-1", "alias/production-laika", nil, key)), Ciphertext: encode(text),
		KeyRegion: "us-east-1", Encoding: "utf-8",
	}
}

func TestEnvironments(t *testing.T) {
	server := kmstest.New(t)
	inFile, err := json.Marshal(of2016(t, server, "OLD=from 2016"))
	if err != nil {
		t.Fatal(err)
	}
	h := newBootEnv(t, document.Document[string]{
		Files: map[string]document.Content{
			"laika.env":  {Lines: []string{"# of the file", "A=file", "OLD=" + string(inFile), "Q=\"as it is\""}}, // no final newline
			"shared.env": {Lines: []string{"S=1", ""}, Mode: "0644"},
			"whole.env":  {Payload: sealed(t, server, "whole.env", "W=1\n")},
			"plain":      {Lines: []string{"x"}},
		},
		Environments: map[string][]document.Variable{
			"laika.env": {
				{Name: "B", Value: "a = b, $HOME"},
				{Name: "TOKEN", Payload: sealed(t, server, "TOKEN", "s3cret\n")},
				{Name: "LEGACY", Payload: of2016(t, server, "LEGACY=old=value")},
			},
			"empty.env": {},
		},
	})
	h.AWS.KMS = server.Client("us-east-1")
	for range 2 {
		if err := environments(t.Context(), h.Boot); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"files/laika.env":  "# of the file\nA=file\nOLD=from 2016\nQ=\"as it is\"\nB=a = b, $HOME\nTOKEN=s3cret\nLEGACY=old=value\n",
		"files/shared.env": "S=1\n",
		"files/whole.env":  "W=1\n",
		"files/empty.env":  "",
	} {
		wantText(t, name, h.text(name), want)
	}
	h.wantMode("files/laika.env", 0o600)
	h.wantMode("files/shared.env", 0o644)
	h.Log.Info("it wrote s3cret and old=value")
	wantText(t, "the log", h.log.String(), "it wrote *** and ***\n")
}

func TestEnvironmentsThatAreRefused(t *testing.T) {
	server := kmstest.New(t)
	for name, v := range map[string]document.Variable{
		"line breaks":             {Name: "A", Value: "1\nB=2"},
		"A: the payload was":      {Name: "A", Payload: of2016(t, server, "B=secret")},
		"encrypted for another":   {Name: "A", Payload: sealed(t, server, "B", "secret")},
		"A: an environment can":   {Name: "A", Payload: sealed(t, server, "A", "secret\nB=2")},
		"environment x.env: open": {Name: "A", Payload: &document.Payload{Version: 1, Key: "AA=="}},
	} {
		h := newBootEnv(t, document.Document[string]{Environments: map[string][]document.Variable{"x.env": {v}}})
		h.AWS.KMS = server.Client("us-east-1")
		err := environments(t.Context(), h.Boot)
		wantError(t, err, name)
		if strings.Contains(err.Error(), "secret\n") || strings.Contains(err.Error(), "B=secret") {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
}

// newSecret makes a secret in the test's own account.
func (h *bootEnv) newSecret(name, value string) string {
	h.t.Helper()
	out, err := h.AWS.Secrets.CreateSecret(h.t.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: &value})
	if err != nil {
		h.t.Fatal(err)
	}
	return *out.ARN
}

func TestStores(t *testing.T) {
	h := newBootEnv(t, document.Document[string]{})
	h.AWS = NewClients(cloudtest.Config(t, cloudtest.Moto(t), "us-east-1"))
	d := h.Document
	hard := h.newSecret("hard", `{"username":"us er","password":"p@ss/w:rd?#%é","engine":"postgres"}`)
	easy := h.newSecret("easy", `{"username":"shop","password":"abcdefgh"}`)
	alone := h.newSecret("alone", `{"password":"ijklmnop"}`)
	d.Databases = map[string]document.Database[string]{
		"main":      {Engine: "postgres", Host: "main.example", Port: 5432, Database: "main", Secret: hard, CA: document.DatabaseCA},
		"my-orders": {Engine: "mysql", Host: "orders.example", Port: 3306, Database: "orders", Secret: easy},
		"maria":     {Engine: "mariadb", Host: "m.example", Port: 3306, Database: "m", Secret: easy},
		"ms":        {Engine: "sqlserver-ex", Host: "ms.example", Port: 1433, Secret: easy},
		"orcl":      {Engine: "oracle-se2", Host: "o.example", Port: 1521, Database: "orcl", Secret: easy},
	}
	d.Caches = map[string]document.Cache[string]{
		"sessions": {Host: "primary.example", Port: 6379, Reader: "reader.example", Nodes: "[n1.example, n2.example]", Secret: alone},
		"single":   {Host: "single.example", Port: 6379, Secret: alone},
	}
	d.Environments = map[string][]document.Variable{"laika.env": {{Name: "MAIN_URL", Value: "mine"}, {Name: "MS_PORT", Value: "1"}}}
	if err := environments(t.Context(), h.Boot); err != nil {
		t.Fatal(err)
	}
	wantText(t, "laika.env", h.text("files/laika.env"), `MAIN_URL=mine
MS_PORT=1
MAIN_HOSTNAME=main.example
MAIN_PORT=5432
MAIN_USERNAME=us er
MAIN_PASSWORD=p@ss/w:rd?#%é
MAIN_DATABASE=main
MAIN_CA=/etc/spacel/rds-ca.pem
MARIA_URL=mysql://shop:abcdefgh@m.example:3306/m
MARIA_HOSTNAME=m.example
MARIA_PORT=3306
MARIA_USERNAME=shop
MARIA_PASSWORD=abcdefgh
MARIA_DATABASE=m
MS_URL=sqlserver://shop:abcdefgh@ms.example:1433
MS_HOSTNAME=ms.example
MS_USERNAME=shop
MS_PASSWORD=abcdefgh
MY_ORDERS_URL=mysql://shop:abcdefgh@orders.example:3306/orders
MY_ORDERS_HOSTNAME=orders.example
MY_ORDERS_PORT=3306
MY_ORDERS_USERNAME=shop
MY_ORDERS_PASSWORD=abcdefgh
MY_ORDERS_DATABASE=orders
ORCL_URL=oracle://shop:abcdefgh@o.example:1521/orcl
ORCL_HOSTNAME=o.example
ORCL_PORT=1521
ORCL_USERNAME=shop
ORCL_PASSWORD=abcdefgh
ORCL_DATABASE=orcl
SESSIONS_URL=rediss://default:ijklmnop@primary.example:6379
SESSIONS_HOSTNAME=primary.example
SESSIONS_PORT=6379
SESSIONS_USERNAME=default
SESSIONS_PASSWORD=ijklmnop
SESSIONS_READER_URL=rediss://default:ijklmnop@reader.example:6379
SESSIONS_URL_00=rediss://default:ijklmnop@n1.example:6379
SESSIONS_URL_01=rediss://default:ijklmnop@n2.example:6379
SINGLE_URL=rediss://default:ijklmnop@single.example:6379
SINGLE_HOSTNAME=single.example
SINGLE_PORT=6379
SINGLE_USERNAME=default
SINGLE_PASSWORD=ijklmnop
`)
	d.Environments = nil
	d.Files = map[string]document.Content{"other.env": {Lines: []string{"MAIN_PASSWORD=mine"}}}
	d.Caches = nil
	d.Databases = map[string]document.Database[string]{"main": d.Databases["main"]}
	if err := environments(t.Context(), h.Boot); err != nil {
		t.Fatal(err)
	}
	wantText(t, "other.env", h.text("files/other.env"), `MAIN_PASSWORD=mine
MAIN_URL=postgresql://us%20er:p%40ss%2Fw%3Ard%3F%23%25%C3%A9@main.example:5432/main?sslmode=verify-full&sslrootcert=/etc/spacel/rds-ca.pem
MAIN_HOSTNAME=main.example
MAIN_PORT=5432
MAIN_USERNAME=us er
MAIN_DATABASE=main
MAIN_CA=/etc/spacel/rds-ca.pem
`)
	h.Log.Info("p@ss/w:rd?#%é postgresql://us%20er:p%40ss%2Fw%3Ard%3F%23%25%C3%A9@main.example")
	wantText(t, "the log", h.log.String(), "*** postgresql://us%20er:***@main.example\n")
}

func TestSecretsThatSayNothing(t *testing.T) {
	h := newBootEnv(t, document.Document[string]{})
	h.AWS = NewClients(cloudtest.Config(t, cloudtest.Moto(t), "us-east-1"))
	for _, value := range []string{"hunter2hunter2", `{"username":"hunter2"}`, `{"password":"hunter2\nhunter2"}`} {
		h.Document.Databases = map[string]document.Database[string]{"main": {Secret: h.newSecret("s", value)}}
		h.Document.Environments = map[string][]document.Variable{"a.env": {}}
		err := environments(t.Context(), h.Boot)
		wantError(t, err, "database main")
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows the secret: %v", err)
		}
		name, force := "s", true
		if _, err := h.AWS.Secrets.DeleteSecret(t.Context(),
			&secretsmanager.DeleteSecretInput{SecretId: &name, ForceDeleteWithoutRecovery: &force}); err != nil {
			t.Fatal(err)
		}
	}
	h.Document.Databases = map[string]document.Database[string]{"main": {Secret: "gone"}}
	wantError(t, environments(t.Context(), h.Boot), "database main", "read secret gone", "ResourceNotFoundException")
}
