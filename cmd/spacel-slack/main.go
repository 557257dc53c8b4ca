// Command spacel-slack is a Lambda function. It posts the alarms that CloudWatch sends to an SNS topic to a Slack channel.
//
// It runs on provided.al2023 and takes its settings from the function's environment, as agent/document names them. The webhook
// itself is never there: it comes from SSM, Secrets Manager or an encrypted payload.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/hashicorp/go-cleanhttp"
)

func main() {
	// Lambda sends standard error to CloudWatch Logs, where JSON lines can be searched by field.
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	config := lambdaConfig()
	from, err := findSource(os.Getenv, clients{
		parameters: ssm.NewFromConfig(config),
		secrets:    secretsmanager.NewFromConfig(config),
		keys:       kms.NewFromConfig(config),
	})
	if err != nil {
		log.Error("cannot start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(notifier{hook: &hook{from: from}, slack: newSlack(cleanhttp.DefaultPooledClient()), log: log}.handle)
}

// lambdaConfig is the SDK's configuration from the environment, where Lambda puts the region and the credentials. The
// SDK's own look-up of profiles, single sign-on and instance metadata would be a fifth of the binary.
func lambdaConfig() aws.Config {
	return aws.Config{
		Region: os.Getenv("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
				SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
				SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
			}, nil
		}),
	}
}
