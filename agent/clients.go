package agent

import (
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Clients are the services an instance speaks to, all in its own region.
type Clients struct {
	CloudFormation *cloudformation.Client
	CloudWatch     *cloudwatch.Client
	DynamoDB       *dynamodb.Client
	EC2            *ec2.Client
	ELB            *elasticloadbalancingv2.Client
	KMS            *kms.Client
	Logs           *cloudwatchlogs.Client
	S3             *s3.Client
	Secrets        *secretsmanager.Client
}

// NewClients makes the clients; they connect when they are first used.
func NewClients(config aws.Config) *Clients {
	return &Clients{
		CloudFormation: cloudformation.NewFromConfig(config),
		CloudWatch:     cloudwatch.NewFromConfig(config),
		DynamoDB:       dynamodb.NewFromConfig(config),
		EC2:            ec2.NewFromConfig(config),
		ELB:            elasticloadbalancingv2.NewFromConfig(config),
		KMS:            kms.NewFromConfig(config),
		Logs:           cloudwatchlogs.NewFromConfig(config),
		S3:             s3.NewFromConfig(config),
		Secrets:        secretsmanager.NewFromConfig(config),
	}
}
