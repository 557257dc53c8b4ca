package agent

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// Clients are the services an instance speaks to, all in its own region.
type Clients struct {
	AutoScaling    *autoscaling.Client
	CloudFormation *cloudformation.Client
	CloudWatch     *cloudwatch.Client
	DynamoDB       *dynamodb.Client
	EC2            *ec2.Client
	ECR            *ecr.Client // of each image's own region
	ELB            *elasticloadbalancingv2.Client
	KMS            *kms.Client
	Logs           *cloudwatchlogs.Client
	S3             *s3.Client
	Secrets        *secretsmanager.Client
	SSM            *ssm.Client
}

// NewClients makes the clients; they connect when they are first used.
func NewClients(config aws.Config) *Clients {
	return &Clients{
		AutoScaling:    autoscaling.NewFromConfig(config),
		CloudFormation: cloudformation.NewFromConfig(config),
		CloudWatch:     cloudwatch.NewFromConfig(config),
		DynamoDB:       dynamodb.NewFromConfig(config),
		EC2:            ec2.NewFromConfig(config),
		ECR:            ecr.NewFromConfig(config),
		ELB:            elasticloadbalancingv2.NewFromConfig(config),
		KMS:            kms.NewFromConfig(config),
		Logs:           cloudwatchlogs.NewFromConfig(config),
		S3: s3.NewFromConfig(config, func(o *s3.Options) {
			o.UsePathStyle = config.BaseEndpoint != nil // an endpoint of one's own has no name per bucket
		}),
		Secrets: secretsmanager.NewFromConfig(config),
		SSM:     ssm.NewFromConfig(config),
	}
}

// roleConfig is the SDK's configuration with the rights of the instance's role. The SDK's package config is not used: it
// would add single sign-on and other sources of credentials to the binary, which an instance never uses. A non-empty
// endpoint stands in for AWS's own, in tests.
func roleConfig(region string, metadata *imds.Client, endpoint string) aws.Config {
	config := aws.Config{
		Region:      region,
		Credentials: aws.NewCredentialsCache(ec2rolecreds.New(func(o *ec2rolecreds.Options) { o.Client = metadata })),
		HTTPClient:  awshttp.NewBuildableClient().WithTimeout(30 * time.Second),
		Retryer:     patience,
	}
	if endpoint != "" {
		config.BaseEndpoint = aws.String(endpoint)
	}
	return config
}

// patience retries a call for about 20 seconds, even after an answer of access denied: IAM takes some seconds to spread
// the rights of a new role (IAM User Guide, "Changes that I make are not always immediately visible").
func patience() aws.Retryer {
	standard := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 7
		o.MaxBackoff = 8 * time.Second
	})
	return retry.AddWithErrorCodes(standard, "AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
}
