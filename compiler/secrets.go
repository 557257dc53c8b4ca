package compiler

import (
	"encoding/json"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/content"
	"github.com/pebble/spacel/schema/report"
)

// decryption lets instances open the document's payloads with the app's own keys and no others, in the regions whose keys
// the payloads name. There is nothing when the document holds no payload.
//
// The right is for payloads of this orbit and app only, if all of them say so: since version 1 a payload's encryption context has
// both. The 2016 tool's payloads have no context. One of them leaves the right to the key's alias alone, which is noted.
func decryption(a appContext, r *report.Report) *part {
	regions, bound := map[string]bool{}, true
	for _, payload := range payloads(a.region) {
		regions[payload.KeyRegion] = true
		bound = bound && payload.Version > 0
	}
	for _, file := range a.region.Files {
		for _, p := range payloadsInEnv(file) {
			regions[p.KeyRegion] = true
			bound = bound && p.Version > 0
		}
	}
	p := &part{}
	if len(regions) == 0 {
		return p
	}
	right := decryptStatement(a, regions)
	if bound {
		right = withContext(right, encryptionContext{orbit: a.net.orbit.Name, app: a.app.Name})
	} else {
		r.Notef(a.region.Pos, "its instances may decrypt every value under the key %s, since a payload of the 2016 tool names no app: "+
			"spacel secret rotate encrypts it again", document.KeyAlias(a.net.orbit.Name, a.app.Name))
	}
	p.statements = []cfn.Statement{right}
	return p
}

// encryptionContext is the place of payloads. Without a key it is all places of an app.
type encryptionContext struct{ orbit, app, key string }

// withContext restricts a right to decrypt to payloads of one orbit and app and, if the context has a key, of that key. KMS compares
// the encryption context of each call with the condition (KMS Developer Guide, "kms:EncryptionContext:context-key").
func withContext(right cfn.Statement, place encryptionContext) cfn.Statement {
	right = right.When("StringEquals", "kms:EncryptionContext:orbit", cfn.String(place.orbit)).
		When("StringEquals", "kms:EncryptionContext:app", cfn.String(place.app))
	if place.key == "" {
		return right
	}
	return right.When("StringEquals", "kms:EncryptionContext:key", cfn.String(place.key))
}

// payloadsInEnv returns the payloads in a *.env file in the manifest. The agent decrypts such a file line by line, so the compiler
// reads it the same way.
func payloadsInEnv(file schema.File) []document.Payload {
	var all []document.Payload
	if path.Ext(file.Name) != ".env" {
		return nil
	}
	for line := range strings.Lines(string(file.Text.Body)) {
		_, value, _ := strings.Cut(line, "=")
		var p document.Payload
		if json.Unmarshal([]byte(value), &p) == nil && p.Key != "" && p.Ciphertext != "" && regionName.MatchString(p.KeyRegion) {
			all = append(all, p)
		}
	}
	return all
}

// regionName restricts text from a file before it becomes part of an IAM policy.
var regionName = regexp.MustCompile(`^[a-z]+(-[a-z0-9]+)+$`)

// decryptStatement allows decrypting with the app's own keys, and no others, of some regions.
func decryptStatement(a appContext, regions map[string]bool) cfn.Statement {
	var keys []cfn.Value
	for _, region := range slices.Sorted(maps.Keys(regions)) {
		// The policy names all keys of the region and restricts them by alias: a key's id is not known when the template is made.
		keys = append(keys, cfn.Sub(cfn.String("arn:"), cfn.Partition, cfn.String(":kms:"+region+":"), cfn.AccountID, cfn.String(":key/*")))
	}
	return cfn.Allow([]string{"kms:Decrypt"}, keys...).
		When("ForAnyValue:StringEquals", "kms:ResourceAliases", cfn.String(document.KeyAlias(a.net.orbit.Name, a.app.Name)))
}

// payloads are all encrypted values of the app's units, files and environments.
func payloads(app *schema.AppRegion) []*content.Payload {
	var all []*content.Payload
	for _, service := range app.Containers() {
		if service.UnitFile != nil {
			all = append(all, service.UnitFile.Payload)
		}
		for _, variable := range service.Environment {
			all = append(all, variable.Payload)
		}
	}
	for _, file := range app.Files {
		all = append(all, file.Text.Payload)
	}
	for _, registry := range app.Registries {
		all = append(all, registry.Password.Payload)
	}
	return slices.DeleteFunc(all, func(p *content.Payload) bool { return p == nil })
}
