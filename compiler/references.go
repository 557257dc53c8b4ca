package compiler

import (
	"maps"
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/content"
	"github.com/pebble/spacel/schema/report"
)

// references grants the instances the rights for the values that they look up at boot, and puts the values of the manifest's own
// resources into the instance document. Databases and caches are in the document with rights of their own.
func references(a appContext) *part {
	secrets, parameters := map[string]bool{}, map[string]bool{}
	resources := map[string]cfn.Value{}
	for _, from := range a.region.References() {
		switch from.Kind {
		case document.FromSecret:
			secrets[from.Name] = true
		case document.FromParameter:
			name, _, _ := strings.Cut(from.Name, ":") // without a version or label
			parameters[name] = true
		case document.FromResource:
			resources[document.ParseReference(documentReference(&from)).ResourceKey()] = resourceValue(a.region.Extra, from)
		}
	}
	p := &part{}
	if len(secrets) > 0 {
		p.statements = append(p.statements, secretStatements(a, slices.Sorted(maps.Keys(secrets)))...)
	}
	if len(parameters) > 0 {
		p.statements = append(p.statements, parameterStatements(a, slices.Sorted(maps.Keys(parameters)))...)
	}
	if len(resources) > 0 {
		p.document = func(d *document.Document[cfn.Value]) { d.Resources = resources }
	}
	return p
}

// documentReference returns the reference as text for the instance document, "" if there is none.
func documentReference(from *content.Reference) string {
	if from == nil {
		return ""
	}
	return document.Reference{Kind: from.Kind, Name: from.Name, Field: from.Field}.String()
}

// resourceValue is the value of a resource or one of its attributes, in base64: user data is JSON, and only base64 can be put into
// it whatever the value holds. A resource that its condition leaves out has the empty value.
func resourceValue(e schema.Extra, from content.Reference) cfn.Value {
	var value any = map[string]any{"Ref": from.Name}
	if from.Field != "" {
		value = map[string]any{"Fn::GetAtt": []any{from.Name, from.Field}}
	}
	for _, r := range e.Resources {
		body, _ := data(r.Body).(map[string]any)
		if condition, ok := body["Condition"].(string); ok && r.ID == from.Name {
			value = map[string]any{"Fn::If": []any{condition, value, ""}}
		}
	}
	return cfn.Base64(cfn.RawValue(value))
}

// secretStatements lets instances read secrets by name, in their own region and account. Secrets Manager adds a hyphen and six
// characters to a name to make the ARN, and ?????? stands for these (Secrets Manager User Guide, "Authentication and access
// control"). A full ARN is taken as it is.
//
// A secret encrypted with a customer managed key also takes kms:Decrypt. The statement names all keys of the account, since a build
// cannot know the key, and binds the right to calls that Secrets Manager makes for these secrets: it encrypts with the context
// SecretARN (Secrets Manager User Guide, "Secret encryption and decryption in AWS Secrets Manager").
func secretStatements(a appContext, names []string) []cfn.Statement {
	byRegion := map[string][]cfn.Value{} // of each region, the ARNs; "" is the stack's own
	keys := map[string][]cfn.Value{}
	var all []cfn.Value
	for _, name := range names {
		region, arn, key := "", cfn.ARN("secretsmanager", cfn.String("secret:"+name+"-??????")), cfn.ARN("kms", cfn.String("key/*"))
		if strings.HasPrefix(name, "arn:") {
			words := strings.Split(name, ":") // arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME
			region, arn = words[3], cfn.String(name)
			key = cfn.String(strings.Join([]string{"arn", words[1], "kms", region, words[4], "key/*"}, ":"))
		}
		all = append(all, arn)
		byRegion[region] = append(byRegion[region], arn)
		if !slices.Contains(keys[region], key) {
			keys[region] = append(keys[region], key)
		}
	}
	statements := []cfn.Statement{reading(all...)}
	for _, region := range slices.Sorted(maps.Keys(byRegion)) {
		statements = append(statements, decryptFor(a, "secretsmanager", region, "SecretARN", keys[region], byRegion[region]))
	}
	return statements
}

// parameterStatements lets instances read parameters, and decrypt them like secrets. AWS's own parameters below /aws/service belong
// to no account and are not encrypted. Parameter Store encrypts with the context PARAMETER_ARN (Systems Manager User Guide, "AWS KMS
// encryption for Parameter Store SecureString parameters").
func parameterStatements(a appContext, names []string) []cfn.Statement {
	var all, own []cfn.Value
	for _, name := range names {
		path := "parameter/" + strings.TrimPrefix(name, "/")
		if strings.HasPrefix(name, "/aws/service/") {
			all = append(all, cfn.Sub(cfn.String("arn:"), cfn.Partition, cfn.String(":ssm:"), cfn.Region, cfn.String("::"+path)))
			continue
		}
		all, own = append(all, cfn.ARN("ssm", cfn.String(path))), append(own, cfn.ARN("ssm", cfn.String(path)))
	}
	statements := []cfn.Statement{cfn.Allow([]string{"ssm:GetParameter"}, all...)}
	if len(own) == 0 {
		return statements
	}
	keys := []cfn.Value{cfn.ARN("kms", cfn.String("key/*"))}
	return append(statements, decryptFor(a, "ssm", "", "PARAMETER_ARN", keys, own))
}

// decryptFor allows kms:Decrypt for values that a service decrypts for the instances, and for nothing else. region "" is the
// stack's own.
func decryptFor(a appContext, service, region, context string, keys, values []cfn.Value) cfn.Statement {
	if region == "" {
		region = a.region.Region
	}
	return cfn.Allow([]string{"kms:Decrypt"}, keys...).
		When("StringEquals", "kms:ViaService", cfn.String(service+"."+region+".amazonaws.com")).
		When("StringLike", "kms:EncryptionContext:"+context, cfn.List(values))
}

// checkCircles reports references to resources that wait for the instances. The launch template holds the value of the resource, so
// the resource must exist before the template, and CloudFormation refuses a circle with a message that names no line.
func checkCircles(a appContext, whole *part, r *report.Report) {
	for _, from := range a.region.References() {
		if from.Kind != document.FromResource {
			continue
		}
		way := whole.Way(from.Name, launchTemplateID)
		if way == nil {
			continue
		}
		whole.refused = true
		r.Errorf(from.Pos, "makes a circle: the instances wait for %s, and %s", from.Name, whole.describeWay(way, a.region.Extra))
	}
}

// describeWay writes a chain of resources as "A needs B, which needs C", with the line of each one of the manifest's own.
func (p *part) describeWay(way []string, own schema.Extra) string {
	lines := map[string]string{}
	for _, resource := range own.Resources {
		lines[resource.ID] = " (" + resource.Pos.String() + ")"
	}
	text := way[0] + lines[way[0]]
	for i, id := range way[1:] {
		verb := ", which needs "
		if i == 0 {
			verb = " needs "
		}
		text += verb + id + lines[id]
	}
	return text
}
