package cloud

import (
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Region makes the clients of one region. Each client is made on first use and then shared, together with its rate
// limit.
type Region struct {
	Name string

	cloud   *Cloud
	config  aws.Config
	mu      sync.Mutex
	clients map[string]any
}

// Region returns the clients of a region. It makes no call, so an unknown region only fails later.
func (c *Cloud) Region(name string) *Region {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r, ok := c.regions[name]; ok {
		return r
	}
	r := &Region{Name: name, cloud: c, config: c.config.Copy(), clients: map[string]any{}}
	r.config.Region = name
	c.regions[name] = r
	return r
}

// client makes a service's client once. AWS counts requests per account, region and service, so each client has a
// rate limit of its own.
func client[C any](r *Region, service string, make func(aws.Config) C) C {
	r.mu.Lock()
	defer r.mu.Unlock()
	if made, ok := r.clients[service]; ok {
		return made.(C)
	}
	cfg := r.config.Copy()
	shared := newRetryer(r.cloud)
	cfg.Retryer = func() aws.Retryer { return shared }
	made := make(cfg)
	r.clients[service] = made
	return made
}

// ACM returns the client of Certificate Manager.
func (r *Region) ACM() *acm.Client {
	return client(r, "acm", func(c aws.Config) *acm.Client { return acm.NewFromConfig(c) })
}

// AutoScaling returns the client of EC2 Auto Scaling.
func (r *Region) AutoScaling() *autoscaling.Client {
	return client(r, "autoscaling", func(c aws.Config) *autoscaling.Client { return autoscaling.NewFromConfig(c) })
}

// CloudFormation returns the client of CloudFormation.
func (r *Region) CloudFormation() *cloudformation.Client {
	return client(r, "cloudformation", func(c aws.Config) *cloudformation.Client { return cloudformation.NewFromConfig(c) })
}

// CloudWatch returns the client for alarms.
func (r *Region) CloudWatch() *cloudwatch.Client {
	return client(r, "cloudwatch", func(c aws.Config) *cloudwatch.Client { return cloudwatch.NewFromConfig(c) })
}

// DynamoDB returns the client for the orbit's tables.
func (r *Region) DynamoDB() *dynamodb.Client {
	return client(r, "dynamodb", func(c aws.Config) *dynamodb.Client { return dynamodb.NewFromConfig(c) })
}

// EC2 returns the client for instances, images and addresses.
func (r *Region) EC2() *ec2.Client {
	return client(r, "ec2", func(c aws.Config) *ec2.Client { return ec2.NewFromConfig(c) })
}

// ELB returns the client for load balancers and target groups.
func (r *Region) ELB() *elasticloadbalancingv2.Client {
	return client(r, "elb", func(c aws.Config) *elasticloadbalancingv2.Client { return elasticloadbalancingv2.NewFromConfig(c) })
}

// ECR returns the client of the Elastic Container Registry.
func (r *Region) ECR() *ecr.Client {
	return client(r, "ecr", func(c aws.Config) *ecr.Client { return ecr.NewFromConfig(c) })
}

// IAM returns the client of IAM, which is global: its one endpoint is found from any region.
func (r *Region) IAM() *iam.Client {
	return client(r, "iam", func(c aws.Config) *iam.Client { return iam.NewFromConfig(c) })
}

// KMS returns the client for the apps' keys.
func (r *Region) KMS() *kms.Client {
	return client(r, "kms", func(c aws.Config) *kms.Client { return kms.NewFromConfig(c) })
}

// Logs returns the client of CloudWatch Logs.
func (r *Region) Logs() *cloudwatchlogs.Client {
	return client(r, "logs", func(c aws.Config) *cloudwatchlogs.Client { return cloudwatchlogs.NewFromConfig(c) })
}

// Route53 returns the client for DNS. Route 53 is global: it answers the same in every region.
func (r *Region) Route53() *route53.Client {
	return client(r, "route53", func(c aws.Config) *route53.Client { return route53.NewFromConfig(c) })
}

// S3 returns the client for templates and assets. With an endpoint of the user's own, the bucket goes into the path
// instead of the host name: emulators have no DNS name per bucket.
func (r *Region) S3() *s3.Client {
	return client(r, "s3", func(c aws.Config) *s3.Client {
		return s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil })
	})
}

// SecretsManager returns the client of Secrets Manager.
func (r *Region) SecretsManager() *secretsmanager.Client {
	return client(r, "secretsmanager", func(c aws.Config) *secretsmanager.Client { return secretsmanager.NewFromConfig(c) })
}

// Scheduler returns the client of EventBridge Scheduler.
func (r *Region) Scheduler() *scheduler.Client {
	return client(r, "scheduler", func(c aws.Config) *scheduler.Client { return scheduler.NewFromConfig(c) })
}

// ServiceQuotas returns the client that reads an account's limits.
func (r *Region) ServiceQuotas() *servicequotas.Client {
	return client(r, "servicequotas", func(c aws.Config) *servicequotas.Client { return servicequotas.NewFromConfig(c) })
}

// SSM returns the client of the parameter store.
func (r *Region) SSM() *ssm.Client {
	return client(r, "ssm", func(c aws.Config) *ssm.Client { return ssm.NewFromConfig(c) })
}

// STS returns the client that says which account the credentials belong to.
func (r *Region) STS() *sts.Client {
	return client(r, "sts", func(c aws.Config) *sts.Client { return sts.NewFromConfig(c) })
}
