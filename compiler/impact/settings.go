package impact

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/template"
)

// publicProperties give a resource a public address or endpoint when they are true, in every type that has them.
var publicProperties = []string{"AssignPublicIp", "AssociatePublicIpAddress", "EndpointPublicAccess", "MapPublicIpOnLaunch",
	"PublicAccess", "PubliclyAccessible", "AuthType", "AccessControl", "BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls",
	"RestrictPublicBuckets"}

// publicTypes are public by being there.
var publicTypes = map[string]string{
	"AWS::EC2::EIP":                       "public address",
	"AWS::EC2::EIPAssociation":            "public address of a resource",
	"AWS::EC2::InternetGateway":           "internet gateway",
	"AWS::EC2::NatGateway":                "NAT gateway: its subnets' way to the internet",
	"AWS::ApiGateway::RestApi":            "API endpoint",
	"AWS::ApiGatewayV2::Api":              "API endpoint",
	"AWS::AppSync::GraphQLApi":            "API endpoint",
	"AWS::AppRunner::Service":             "public service",
	"AWS::CloudFront::Distribution":       "public distribution",
	"AWS::GlobalAccelerator::Accelerator": "public addresses",
	"AWS::Transfer::Server":               "file transfer endpoint",
	"AWS::Lightsail::Instance":            "public instance",
	"AWS::OpenSearchService::Domain":      "search endpoint, public without VPCOptions",
	"AWS::Elasticsearch::Domain":          "search endpoint, public without VPCOptions",
	"AWS::Cognito::UserPoolDomain":        "sign-in page",
	"AWS::Route53::RecordSet":             "",
	"AWS::Route53::RecordSetGroup":        "",
}

// exposure are facts about what the internet can address.
func exposure(r template.Resource) []fact {
	var out []fact
	say := func(path, text string) {
		out = append(out, fact{Finding: Finding{Kind: KindPublic, Path: path, Text: text}, key: path + text})
	}
	if text := publicTypes[r.Type]; text != "" {
		say("", text)
	}
	switch r.Type {
	case "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancing::LoadBalancer":
		if a := publicBalancer(r); a != no {
			say("Scheme", "load balancer facing the internet"+unless(a == yes, ", perhaps: "+template.Shown(r.Properties["Scheme"])))
		}
	case "AWS::Lambda::Url":
		say("AuthType", "function URL, authentication "+template.Shown(r.Properties["AuthType"]))
	case "AWS::Route53::RecordSet":
		say("Name", "host name "+template.Shown(r.Properties["Name"])+" "+template.Shown(r.Properties["Type"]))
	case "AWS::Route53::RecordSetGroup":
		say("RecordSets", "host names "+template.Shown(r.Properties["RecordSets"]))
	case "AWS::S3::Bucket":
		say("PublicAccessBlockConfiguration", bucketAccess(r))
	}
	leaves(nil, r.Properties, func(p template.Path, v any) {
		names := p.Names()
		if len(names) > 0 && slices.Contains(publicProperties, names[len(names)-1]) && truth(v) != no && r.Type != "AWS::S3::Bucket" &&
			r.Type != "AWS::Lambda::Url" {
			text := p.String() + " is " + template.Shown(v)
			if names[len(names)-1] == "AssociatePublicIpAddress" && truth(v) == yes {
				text = "instances with public addresses"
			}
			say(p.String(), text)
		}
	})
	return out
}

// unless is a text when the condition does not hold.
func unless(condition bool, text string) string {
	if condition {
		return ""
	}
	return text
}

// bucketAccess is a bucket's ACL and block of public access. Since April 2023 a new bucket blocks public access by default (Amazon
// S3 User Guide, "Default settings for new S3 buckets").
func bucketAccess(r template.Resource) string {
	text := "bucket: public access "
	if block, ok := r.Properties["PublicAccessBlockConfiguration"]; ok {
		text += words(block)
	} else {
		text += "blocked by default"
	}
	if acl, ok := r.Properties["AccessControl"]; ok {
		text += ", ACL " + template.Shown(acl)
	}
	return text
}

// encryptionNames match properties that decide about encryption, at rest and in transit, and rules of database parameter groups.
var encryptionNames = regexp.MustCompile(`(?i)encrypt|kms|^sse|sse(enabled|specification|algorithm)|ssl|tls|secure_?transport|certificate`)

// retentionNames match properties that decide how long data is kept, and whether it can be deleted.
var retentionNames = regexp.MustCompile(`(?i)retention|deletionprotect|deletion_protection|deleteautomatedbackups|pointintimerecovery|` +
	`lifecycle(configuration|policy)|versioning|pendingwindow|recoverywindow|skipfinalsnapshot|objectlock`)

// unencrypted are types that store data unencrypted unless a property says otherwise (each type's page in the Template Reference).
var unencrypted = map[string][]string{
	"AWS::EC2::Volume":                   {"Encrypted"},
	"AWS::EFS::FileSystem":               {"Encrypted"},
	"AWS::RDS::DBInstance":               {"StorageEncrypted"},
	"AWS::RDS::DBCluster":                {"StorageEncrypted"},
	"AWS::DocDB::DBCluster":              {"StorageEncrypted"},
	"AWS::Neptune::DBCluster":            {"StorageEncrypted"},
	"AWS::Redshift::Cluster":             {"Encrypted"},
	"AWS::ElastiCache::ReplicationGroup": {"AtRestEncryptionEnabled", "TransitEncryptionEnabled"},
	"AWS::SNS::Topic":                    {"KmsMasterKeyId"},
}

// protection are facts about instance metadata, encryption and retention. Each has a value, so that a change shows both.
func protection(r template.Resource) []fact {
	var out []fact
	say := func(kind Kind, path string, v any) {
		out = append(out, fact{Finding: Finding{Kind: kind, Path: path, Text: path}, key: path, value: template.Shown(v)})
	}
	leaves(nil, r.Properties, func(p template.Path, v any) {
		if kind := settingKind(r, p); kind != "" {
			say(kind, p.String(), v)
		}
	})
	for _, name := range unencrypted[r.Type] {
		if _, given := r.Properties[name]; !given && (r.Type != "AWS::RDS::DBInstance" || r.Properties["DBClusterIdentifier"] == nil) {
			say(KindEncryption, name, "(none)")
		}
	}
	for _, name := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
		if v, given := r.Attributes[name]; given {
			say(KindRetention, name, v)
		}
	}
	data := template.Section(r.Properties, "LaunchTemplateData")
	if r.Type == "AWS::EC2::LaunchTemplate" && data["MetadataOptions"] == nil {
		say(KindMetadata, "LaunchTemplateData.MetadataOptions", "(none): the account's and the image's defaults hold")
	}
	return out
}

// otherTexts are properties whose members may have any name, and say nothing about protection.
var otherTexts = []string{"AssumeRolePolicyDocument", "Dimensions", "KeyPolicy", "Policies", "PolicyDocument", "ResourcePolicy",
	"SetIdentifier", "TagSpecifications", "Tags", "UserData"}

// settingKind tells a property that protects from others. Tags, policy documents and user data are texts of other kinds.
func settingKind(r template.Resource, p template.Path) Kind {
	names := p.Names()
	if len(names) == 0 || slices.Contains(otherTexts, names[0]) || slices.Contains(names, "UserData") ||
		slices.Contains(names, "TagSpecifications") || r.Type == "AWS::CertificateManager::Certificate" {
		return ""
	}
	switch {
	case slices.Contains(names, "MetadataOptions"):
		return KindMetadata
	case slices.ContainsFunc(names, retentionNames.MatchString):
		return KindRetention
	case slices.ContainsFunc(names, encryptionNames.MatchString), strings.HasPrefix(r.Type, "AWS::KMS::") && names[0] != "Description",
		strings.HasSuffix(r.Type, "::Listener") && names[0] == "Protocol":
		return KindEncryption
	}
	return ""
}

// dynamicReferences are the references that CloudFormation resolves to values of Secrets Manager and the parameter store, wherever
// they stand in a resource, also when functions put them together.
func dynamicReferences(r template.Resource) []fact {
	var out []fact
	for _, part := range []map[string]any{r.Properties, r.Attributes} {
		for _, name := range slices.Sorted(maps.Keys(part)) {
			out = append(out, resolvesIn(template.Path{}.Property(name), part[name])...)
		}
	}
	return out
}

// resolvesIn are the facts about dynamic references below a value.
func resolvesIn(p template.Path, v any) []fact {
	var out []fact
	leaves(p, v, func(p template.Path, leaf any) {
		text, ok := template.Text(leaf)
		if !ok {
			return
		}
		for _, reference := range resolves(text) {
			out = append(out, fact{Finding: Finding{Kind: KindReference, Path: p.String(), Text: p.String() + " uses " + reference},
				key: p.String() + reference})
		}
	})
	return out
}

// resolves lists the dynamic references in a text. A ${…} inside one is skipped as a whole, since its brace is not the end.
func resolves(text string) []string {
	const begin = "{{resolve:"
	var out []string
	for {
		i := strings.Index(text, begin)
		if i < 0 {
			return out
		}
		text = text[i:]
		end := len(begin)
		for end < len(text) && !strings.HasPrefix(text[end:], "}}") {
			if strings.HasPrefix(text[end:], "${") {
				end += max(strings.IndexByte(text[end:], '}'), 0)
			}
			end++
		}
		end = min(end+len("}}"), len(text))
		out = append(out, text[:end])
		text = text[end:]
	}
}
