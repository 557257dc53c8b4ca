// Package cloud is an AWS account as deploy reaches it: credentials, one client per service and region, and what AWS's errors
// mean.
package cloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
)

// fallbackRegion is the region of calls that no region is special to.
const fallbackRegion = "us-east-1"

// headerTimeout is how long AWS may take to begin its answer. The SDK would wait for ever on a connection that has died.
const headerTimeout = time.Minute

// Access says how to reach AWS. What is empty is left to the SDK's own environment and files.
type Access struct {
	Profile  string // of the shared configuration
	RoleARN  string // assumed for every call
	Endpoint string // an URL instead of AWS's own, for all services: an emulator's

	MFA func() (string, error) // asks for the code that a profile's mfa_serial wants; nil if there is no terminal
}

// Cloud gives clients. It is safe for concurrent use.
type Cloud struct {
	config aws.Config

	mu       sync.Mutex
	regions  map[string]*Region
	identity Identity // once it is known
}

// Connect reads the configuration. It calls AWS only when a client is used.
func Connect(ctx context.Context, access Access) (*Cloud, error) {
	cfg, err := config.LoadDefaultConfig(ctx, options(access)...)
	if err != nil {
		return nil, explainConfiguration(err)
	}
	if access.Endpoint != "" {
		cfg.ConfigSources = nil // where AWS_ENDPOINT_URL_<SERVICE> would come from, and win
	}
	if access.RoleARN != "" {
		role := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), access.RoleARN, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "spacel"
		})
		cfg.Credentials = aws.NewCredentialsCache(role)
	}
	return New(cfg), nil
}

func options(access Access) []func(*config.LoadOptions) error {
	chosen := []func(*config.LoadOptions) error{config.WithAppID("spacel"), config.WithDefaultRegion(fallbackRegion)}
	if access.Profile != "" {
		chosen = append(chosen, config.WithSharedConfigProfile(access.Profile))
	}
	if access.Endpoint != "" {
		chosen = append(chosen, config.WithBaseEndpoint(access.Endpoint))
	}
	if access.MFA != nil {
		chosen = append(chosen, config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) { o.TokenProvider = access.MFA }))
	}
	return chosen
}

func explainConfiguration(err error) error {
	var absent config.SharedConfigProfileNotExistError
	var code config.AssumeRoleTokenProviderNotSetError
	switch {
	case errors.As(err, &absent):
		return fmt.Errorf("there is no AWS profile %s: name one that aws configure list-profiles shows", absent.Profile)
	case errors.As(err, &code):
		return errors.New("the AWS profile wants an MFA code, and there is no terminal to ask for it: use credentials that have none, such as aws sso login's or a role's")
	}
	return fmt.Errorf("read the AWS configuration: %w", err)
}

// New is a cloud of a configuration whose region does not matter.
func New(cfg aws.Config) *Cloud {
	client, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	if ok || cfg.HTTPClient == nil {
		if client == nil {
			client = awshttp.NewBuildableClient()
		}
		cfg.HTTPClient = client.WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = headerTimeout })
	}
	cfg.Logger = logging.Nop{} // only cmd prints
	return &Cloud{config: cfg, regions: map[string]*Region{}}
}

// Default is the region of the configuration, else us-east-1: for calls that no region is special to.
func (c *Cloud) Default() *Region { return c.Region(cmp.Or(c.config.Region, fallbackRegion)) }

// Identity is whose credentials these are.
type Identity struct {
	Account string // 12 digits
	ARN     string // of the user or the role's session
}

// Identity asks who calls, in a region that is in use anyway. It asks AWS once.
func (c *Cloud) Identity(ctx context.Context, region string) (Identity, error) {
	c.mu.Lock()
	known := c.identity
	c.mu.Unlock()
	if known != (Identity{}) {
		return known, nil
	}
	out, err := c.Region(region).STS().GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}, func(o *sts.Options) {
		o.Retryer = failFastRetryer{newRetryer()}
	})
	if err != nil {
		return Identity{}, fmt.Errorf("find out whose AWS credentials these are: %w", Explain(err))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.identity = Identity{Account: aws.ToString(out.Account), ARN: aws.ToString(out.Arn)}
	return c.identity, nil
}
