package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/secrets"
)

// oldPayload puts a payload of the 2016 tool, AES-CBC under a data key without a context, in the place of the word PAYLOAD in a
// manifest. The app's KMS key must be there.
func (o *scriptAccount) oldPayload(ts *testscript.TestScript, args []string) {
	region, alias, text, file := args[0], args[1], args[2], ts.MkAbs(args[3])
	key, err := o.cloud.Region(region).KMS().GenerateDataKey(o.Context(),
		&kms.GenerateDataKeyInput{KeyId: &alias, NumberOfBytes: aws.Int32(32)})
	ts.Check(err)
	block, err := aes.NewCipher(key.Plaintext)
	ts.Check(err)
	n := aes.BlockSize - len(text)%aes.BlockSize
	padded := append([]byte(text), bytes.Repeat([]byte{byte(n)}, n)...)
	iv := []byte("0123456789abcdef")
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(padded, padded)
	encode := base64.StdEncoding.EncodeToString
	payload, err := json.Marshal(map[string]string{
		"iv": encode(iv), "key": encode(key.CiphertextBlob), "ciphertext": encode(padded), "key_region": region, "encoding": "utf-8",
	})
	ts.Check(err)
	body, err := os.ReadFile(file)
	ts.Check(err)
	ts.Check(os.WriteFile(file, bytes.Replace(body, []byte("PAYLOAD"), payload, 1), 0o644))
}

// agentOpens opens a variable's payload as an instance of a deployed stack does, and only it can.
func (o *scriptAccount) agentOpens(ts *testscript.TestScript, args []string) {
	region, stack, variable, want := args[0], args[1], args[2], args[3]
	d := o.document(ts, region, stack)
	found := 0
	for _, variables := range d.Environments {
		for _, v := range variables {
			if v.Name == variable && v.Payload != nil {
				found++
				o.opens(ts, region, *v.Payload, secrets.Context{Orbit: d.Orbit, App: d.App, Key: v.Name}, want)
			}
		}
	}
	if found == 0 {
		ts.Fatalf("the document of %s has no payload %s: %+v", stack, variable, d.Environments)
	}
}

func (o *scriptAccount) opens(ts *testscript.TestScript, region string, p document.Payload, at secrets.Context, want string) {
	client := o.cloud.Region(region).KMS()
	got, err := secrets.Open(o.Context(), client, p, at)
	if err != nil || string(got) != want {
		ts.Fatalf("opened to %q, %v, want %q", got, err, want)
	}
	for _, elsewhere := range []secrets.Context{
		{Orbit: at.Orbit, App: at.App, Key: at.Key + "2"},
		{Orbit: at.Orbit, App: "mouse", Key: at.Key},
		{Orbit: "staging", App: at.App, Key: at.Key},
	} {
		// The other app may have a key of its own, and may even be let use this one.
		o.alias(ts, region, at.Alias(), elsewhere.Alias())
		if got, err := secrets.Open(o.Context(), client, p, elsewhere); err == nil ||
			!strings.Contains(err.Error(), "it was encrypted for another app, orbit or name") {
			ts.Fatalf("as %s it opened to %q, %v", elsewhere, got, err)
		}
	}
}

// alias gives a key a second name.
func (o *scriptAccount) alias(ts *testscript.TestScript, region, alias, second string) {
	if alias == second {
		return
	}
	client := o.cloud.Region(region).KMS()
	key, err := client.DescribeKey(o.Context(), &kms.DescribeKeyInput{KeyId: &alias})
	ts.Check(err)
	_, _ = client.CreateAlias(o.Context(), &kms.CreateAliasInput{AliasName: &second, TargetKeyId: key.KeyMetadata.KeyId}) // it may be there
}

// document is what a stack's launch template gives an instance.
func (o *scriptAccount) document(ts *testscript.TestScript, region, stack string) *document.Document[string] {
	client := o.cloud.Region(region).EC2()
	out, err := client.DescribeLaunchTemplateVersions(o.Context(), &ec2.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: aws.String(o.resource(ts, region, stack, "LaunchTemplate")), Versions: []string{"$Latest"},
	})
	ts.Check(err)
	data, err := base64.StdEncoding.DecodeString(aws.ToString(out.LaunchTemplateVersions[0].LaunchTemplateData.UserData))
	ts.Check(err)
	var config struct {
		Files []struct{ Path, Content string } `yaml:"write_files"`
	}
	ts.Check(yaml.Unmarshal(data, &config))
	d := &document.Document[string]{}
	for _, file := range config.Files {
		if file.Path == document.Path {
			ts.Check(json.Unmarshal([]byte(file.Content), d))
			return d
		}
	}
	ts.Fatalf("user data has no document:\n%s", data)
	return nil
}
