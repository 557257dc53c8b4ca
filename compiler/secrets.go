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
)

// decryption lets instances open the document's payloads with the app's own keys and no others, in the regions whose keys
// the payloads name. There is nothing when the document holds no payload.
func decryption(a appContext) *part {
	regions := map[string]bool{}
	for _, payload := range payloads(a.region) {
		regions[payload.KeyRegion] = true
	}
	for _, file := range a.region.Files {
		regionsInEnv(file, regions)
	}
	p := &part{}
	if len(regions) == 0 {
		return p
	}
	p.statements = []cfn.Statement{decryptStatement(a, regions)}
	return p
}

// regionsInEnv adds the key regions of payloads in a *.env file in the manifest. The agent decrypts such a file line by
// line, so the compiler reads it the same way.
func regionsInEnv(file schema.File, regions map[string]bool) {
	if path.Ext(file.Name) != ".env" {
		return
	}
	for line := range strings.Lines(string(file.Text.Body)) {
		_, value, _ := strings.Cut(line, "=")
		var p document.Payload
		if json.Unmarshal([]byte(value), &p) == nil && p.Key != "" && p.Ciphertext != "" && regionName.MatchString(p.KeyRegion) {
			regions[p.KeyRegion] = true
		}
	}
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
func payloads(app *schema.AppRegion) []*schema.Payload {
	var all []*schema.Payload
	for _, service := range app.Services {
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
	return slices.DeleteFunc(all, func(p *schema.Payload) bool { return p == nil })
}
