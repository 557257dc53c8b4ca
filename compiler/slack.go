package compiler

import (
	"encoding/json"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
)

// The function that posts to Slack waits for nothing but one answer, a few times over.
const (
	slackTimeout      = 60 // seconds
	slackMemory       = 128
	slackLogRetention = 14 // days
)

// slack makes a Lambda function that posts an endpoint's alarms to Slack. Each endpoint has its own function and role,
// so a function can read only one webhook.
func slack(a appContext, p *part, e schema.Endpoint, topic *cfn.Topic) *cfn.Function {
	id := idPart(e.Name)
	logs := add(p, e.Pos, "SlackLogGroup"+id, &cfn.LogGroup{RetentionInDays: slackLogRetention, Tags: a.nameTag()})
	role := add(p, e.Pos, "SlackRole"+id, &cfn.Role{AssumeRolePolicyDocument: cfn.AssumedBy("lambda.amazonaws.com"), Tags: a.nameTag()})
	hook := slackWebhook(a, p, e)
	policy := add(p, e.Pos, "SlackPolicy"+id, &cfn.IAMPolicy{
		PolicyName: "Slack",
		PolicyDocument: cfn.Policies(append([]cfn.Statement{
			cfn.Allow([]string{"logs:CreateLogStream", "logs:PutLogEvents"}, logs.Arn()),
		}, hook.statements...)...),
		Roles: []cfn.Value{role.Ref()},
	})
	code := slackCode(p)
	function := add(p, e.Pos, "SlackFunction"+id, &cfn.Function{
		Attributes:    cfn.Attributes{DependsOn: []cfn.Resource{policy}},
		Description:   "Posts alarms of " + a.stackName() + " to Slack.",
		Architectures: []string{"arm64"},
		Runtime:       "provided.al2023",
		Handler:       "bootstrap",
		Code:          code,
		Role:          role.Arn(),
		Environment: cfn.FunctionEnvironment{Variables: map[string]cfn.Value{
			document.SlackOrbit: cfn.String(a.net.orbit.Name),
			document.SlackApp:   cfn.String(a.app.Name),
			hook.variable:       hook.value,
		}},
		LoggingConfig: cfn.FunctionLogging{LogFormat: "JSON", LogGroup: logs.Ref()},
		MemorySize:    slackMemory,
		Timeout:       slackTimeout,
		Tags:          a.nameTag(),
	})
	add(p, e.Pos, "SlackPermission"+id, &cfn.Permission{
		Action:       "lambda:InvokeFunction",
		FunctionName: function.Arn(),
		Principal:    "sns.amazonaws.com",
		SourceArn:    topic.Ref(),
	})
	return function
}

// slackCode returns the place of the function's code. Deploy uploads the zip and fills the two parameters.
func slackCode(p *part) cfn.FunctionCode {
	declare := func(id, part, pattern, description string) cfn.Value {
		return p.parameter(id, cfn.Parameter{Type: "String", AllowedPattern: pattern, Description: description},
			assembly.ValueFrom{Binary: &assembly.Binary{Name: assembly.BinarySlack, Architecture: "arm64", Part: part}}).Ref()
	}
	return cfn.FunctionCode{
		S3Bucket: declare("Slack"+document.BucketParameter, assembly.PartBucket, `[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]`,
			"The bucket, in this region, that holds the function that posts to Slack."),
		S3Key: declare("SlackKey", assembly.PartKey, `[A-Za-z0-9][A-Za-z0-9/._-]*`,
			"The key, in its bucket, of the function that posts to Slack."),
	}
}

// slackHook is the function's access to its webhook: an environment variable with its name or its encrypted text, and the right to
// read it.
type slackHook struct {
	variable   string
	value      cfn.Value
	statements []cfn.Statement
}

// slackWebhook chooses by the form of the url: an encrypted payload, a parameter of SSM, or a secret. Otherwise deploy
// puts the url into a new secret.
func slackWebhook(a appContext, p *part, e schema.Endpoint) slackHook {
	source := webhookSource(a, e)
	switch {
	case source.Payload != nil:
		return payloadHook(a, source.Payload)
	case source.SSM != "":
		arn := cfn.ARN("ssm", cfn.String("parameter/"+strings.TrimPrefix(source.SSM, "/")))
		return slackHook{document.SlackSSM, cfn.String(source.SSM), []cfn.Statement{
			cfn.Allow([]string{"ssm:GetParameter"}, arn),
			decryptThrough(a, "ssm"),
		}}
	case source.SecretsManager != "":
		// Secrets Manager adds a dash and six characters to the name.
		arn := cfn.ARN("secretsmanager", cfn.String("secret:"+source.SecretsManager+"-??????"))
		return slackHook{document.SlackSecret, cfn.String(source.SecretsManager), []cfn.Statement{
			cfn.Allow([]string{"secretsmanager:GetSecretValue"}, arn),
			decryptThrough(a, "secretsmanager"),
		}}
	}
	secret := add(p, e.Pos, "SlackWebhook"+idPart(e.Name), &cfn.Secret{
		Description:  "The Slack webhook of " + e.Name + ".",
		SecretString: webhookParameter(p, e, assembly.ValueFrom{Secret: source}),
	})
	return slackHook{document.SlackSecret, secret.Ref(), []cfn.Statement{reading(secret.Ref())}}
}

// payloadHook passes the encrypted payload to the function, which decrypts it itself.
func payloadHook(a appContext, hook *document.Payload) slackHook {
	text, err := json.Marshal(hook)
	if err != nil {
		panic(err) // strings and a number always marshal
	}
	decrypt := decryptStatement(a, map[string]bool{hook.KeyRegion: true})
	if hook.Version > 0 {
		decrypt = withContext(decrypt, encryptionContext{a.net.orbit.Name, a.app.Name, document.WebhookKey})
	}
	return slackHook{document.SlackPayload, cfn.String(text), []cfn.Statement{decrypt}}
}

// decryptThrough allows a service to decrypt a value under the app's own key, on behalf of the function. A value under
// AWS's managed key needs no such right.
func decryptThrough(a appContext, service string) cfn.Statement {
	return decryptStatement(a, map[string]bool{a.region.Region: true}).
		When("StringEquals", "kms:ViaService", cfn.String(service+"."+a.region.Region+".amazonaws.com"))
}
