package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

// metadataDeadline is how long the agent waits for the metadata service. On a new machine the network may not be up yet.
const (
	metadataDeadline = 2 * time.Minute
	metadataPause    = 2 * time.Second
)

// newMetadata is a client of version 2 of the metadata service, never of version 1. An empty endpoint means the service's own.
func newMetadata(endpoint string) *imds.Client {
	return imds.New(imds.Options{Endpoint: endpoint, EnableFallback: aws.FalseTernary, ClientEnableState: imds.ClientEnabled})
}

// identify asks the metadata service which instance this is.
func identify(ctx context.Context, metadata *imds.Client) (Instance, error) {
	ctx, cancel := context.WithTimeout(ctx, metadataDeadline)
	defer cancel()
	out, err := metadata.GetInstanceIdentityDocument(ctx, nil)
	// Any error is worth another try here: without an identity the agent can do nothing, not even write a log.
	for err != nil && sleep(ctx, metadataPause) {
		out, err = metadata.GetInstanceIdentityDocument(ctx, nil)
	}
	if err != nil {
		return Instance{}, fmt.Errorf("ask the metadata service which instance this is: %w", err)
	}
	return Instance{
		ID:           out.InstanceID,
		Region:       out.Region,
		Zone:         out.AvailabilityZone,
		Type:         out.InstanceType,
		Architecture: architecture(out.Architecture),
		Launched:     out.PendingTime,
	}, nil
}

// architecture is EC2's word in Go's and Debian's.
func architecture(ec2 string) string {
	if ec2 == "x86_64" {
		return "amd64"
	}
	return ec2
}
