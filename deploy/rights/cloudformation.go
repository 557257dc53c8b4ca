package rights

import (
	"fmt"
	"strings"
)

// Template returns a CloudFormation template of the role, its policies and its trust. Where the directory has no account, the template
// takes its own. Without a repository it has a parameter. name is the role's path and name, "" for one that
// CloudFormation makes up.
func Template(p *Policies, orbit, account, name string, r Repository) map[string]any {
	resources := map[string]any{}
	var policies []any
	for i, d := range p.Documents {
		id := fmt.Sprintf("Policy%d", i+1)
		resources[id] = resourceOf("AWS::IAM::ManagedPolicy", map[string]any{
			"Description":    fmt.Sprintf("Rights to deploy the orbit %s, part %d of %d.", orbit, i+1, len(p.Documents)),
			"PolicyDocument": policyOf(d, account),
		})
		policies = append(policies, map[string]any{"Ref": id})
	}
	// An unknown repository is a question at the deployment of the template. Its pattern allows no wildcard.
	subject := any(r.subject())
	parameters := map[string]any{}
	if r.Name == "" {
		parameters["Repository"] = map[string]any{"Type": "String", "AllowedPattern": repositoryForm.String(),
			"Description": "The GitHub repository that deploys, OWNER/NAME."}
		subject = map[string]any{"Fn::Sub": "repo:${Repository}:environment:" + r.Environment}
	}
	provider := map[string]any{"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:oidc-provider/" + GitHub}
	role := map[string]any{
		"ManagedPolicyArns": policies,
		"AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Effect": "Allow", "Principal": map[string]any{"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
			"Condition": map[string]any{"StringEquals": map[string]any{GitHub + ":aud": "sts.amazonaws.com", GitHub + ":sub": subject}},
		}}},
	}
	// A named role needs CAPABILITY_NAMED_IAM, and is the one that commands assume.
	if name != "" {
		slash := strings.LastIndex(name, "/") + 1
		role["RoleName"] = name[slash:]
		if slash > 0 {
			role["Path"] = "/" + name[:slash]
		}
	}
	resources["Role"] = resourceOf("AWS::IAM::Role", role)
	out := map[string]any{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              "The role that deploys the orbit " + orbit + ". Made by spacel policy.",
		"Resources":                resources,
		"Outputs":                  map[string]any{"RoleArn": map[string]any{"Value": map[string]any{"Fn::GetAtt": []any{"Role", "Arn"}}}},
	}
	if len(parameters) > 0 {
		out["Parameters"] = parameters
	}
	return out
}

// resourceOf is a resource of a template.
func resourceOf(kind string, properties map[string]any) map[string]any {
	return map[string]any{"Type": kind, "Properties": properties}
}

// policyOf returns a policy in a template. Without a known account, the account of the ARNs is the template's own.
func policyOf(d Document, account string) any {
	// A known account stands in the ARNs already. An intrinsic function is needed only to find out an unknown one.
	if account != "" {
		return d
	}
	var statements []any
	for _, s := range d.Statement {
		var resources []any
		for _, arn := range s.Resource {
			resources = append(resources, ownAccount(arn))
		}
		made := map[string]any{"Effect": s.Effect, "Action": s.Action, "Resource": resources}
		if s.Sid != "" {
			made["Sid"] = s.Sid
		}
		if len(s.Condition) > 0 {
			made["Condition"] = s.Condition
		}
		statements = append(statements, made)
	}
	return map[string]any{"Version": d.Version, "Statement": statements}
}

// ownAccount puts the template's account in the place of an unknown one: the fifth part of an ARN.
func ownAccount(arn string) any {
	parts := strings.SplitN(arn, ":", 6)
	text := arn
	if len(parts) == 6 && parts[4] == "*" {
		parts[4] = "${AWS::AccountId}"
		text = strings.Join(parts, ":")
	}
	// The names of spacel's own buckets have the account in them.
	text = strings.ReplaceAll(text, ":::spacel-*-", ":::spacel-${AWS::AccountId}-")
	if text == arn {
		return arn
	}
	return map[string]any{"Fn::Sub": text}
}
