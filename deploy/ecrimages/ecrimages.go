// Package ecrimages checks before a rollout whether the instances can run the images of containers in Amazon ECR: whether an image
// exists, and whether it has the instances' architecture.
package ecrimages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/internal/hexdigest"
)

// Unchecked is the reason why an image was not checked, such as a missing right.
type Unchecked struct{ err error }

// Error names the reason. Unwrap returns it.
func (u *Unchecked) Error() string { return u.err.Error() }
func (u *Unchecked) Unwrap() error { return u.err }

// mediaTypes are the forms of manifests to ask for: of an image, or of an image for several architectures (OCI Image Format
// Specification, "Media Types"; Docker's "Image Manifest V 2, Schema 2").
var mediaTypes = []string{
	"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json",
	"application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json",
}

const (
	configDeadline = 30 * time.Second
	largestConfig  = 4 << 20 // bytes; a config of some kilobytes is usual
)

// Check returns an error if the image does not exist or is not for the architecture, and an *Unchecked if it could not find out.
func Check(ctx context.Context, c *cloud.Cloud, image document.ECRImage, architecture string) error {
	client := c.Region(image.Region).ECR()
	id := types.ImageIdentifier{ImageTag: text(image.Tag), ImageDigest: text(image.Digest)}
	if image.Digest != "" {
		id.ImageTag = nil // Docker, too, ignores the tag beside a digest
	}
	out, err := client.BatchGetImage(ctx, &ecr.BatchGetImageInput{
		RegistryId: &image.Account, RepositoryName: &image.Repository, ImageIds: []types.ImageIdentifier{id},
		AcceptedMediaTypes: mediaTypes,
	})
	switch absent, noRepository := errors.AsType[*types.RepositoryNotFoundException](err); {
	case noRepository:
		return missing(ctx, client, image, fmt.Errorf("there is no repository %s in account %s in %s: create it and push the image, "+
			"or correct the image's name (%w)", image.Repository, image.Account, image.Region, cloud.Explain(absent)))
	case err != nil:
		return &Unchecked{cloud.Explain(err)}
	case len(out.Images) == 0 && len(out.Failures) == 0:
		return &Unchecked{errors.New("the answer of ecr:BatchGetImage holds neither the image nor a failure")}
	case len(out.Images) == 0:
		failure := out.Failures[0]
		if failure.FailureCode != types.ImageFailureCodeImageNotFound {
			return &Unchecked{fmt.Errorf("ecr:BatchGetImage: %s (%s)", aws.ToString(failure.FailureReason), failure.FailureCode)}
		}
		return missing(ctx, client, image, fmt.Errorf("the repository %s in account %s in %s has no image %s: push it, or deploy another "+
			"version", image.Repository, image.Account, image.Region, name(image)))
	}
	return fits(ctx, client, image, aws.ToString(out.Images[0].ImageManifest), architecture)
}

// text returns nil for the empty text.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// name is the image's digest or tag.
func name(image document.ECRImage) string {
	if image.Digest != "" {
		return image.Digest
	}
	return image.Tag
}

// missing returns the error for an absent image, unless a pull through cache would fetch it at the first pull (Amazon ECR User Guide,
// "Sync an upstream registry with an Amazon ECR private registry").
func missing(ctx context.Context, client *ecr.Client, image document.ECRImage, absent error) error {
	for pages := ecr.NewDescribePullThroughCacheRulesPaginator(client,
		&ecr.DescribePullThroughCacheRulesInput{RegistryId: &image.Account}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return &Unchecked{fmt.Errorf("%w; whether a pull through cache fetches it is unknown: %w", absent, cloud.Explain(err))}
		}
		for _, rule := range page.PullThroughCacheRules {
			prefix := aws.ToString(rule.EcrRepositoryPrefix)
			if prefix == "ROOT" || prefix != "" && strings.HasPrefix(image.Repository, prefix+"/") {
				return &Unchecked{errors.New("a pull through cache fetches it when an instance pulls it")}
			}
		}
	}
	return absent
}

// manifest is an image's manifest in the fields that tell the architecture. An index has manifests, an image a config, and an image
// of Docker's first schema the architecture itself.
type manifest struct {
	Manifests    []struct{ Platform platform }
	Config       struct{ Digest string }
	Architecture string
}

// platform is what an image runs on.
type platform struct{ OS, Architecture string }

// fits compares the architectures of an image with that of the instances.
func fits(ctx context.Context, client *ecr.Client, image document.ECRImage, text, architecture string) error {
	var m manifest
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return &Unchecked{fmt.Errorf("its manifest is not JSON: %w", err)}
	}
	found := []string{}
	switch {
	case len(m.Manifests) > 0:
		for _, each := range m.Manifests {
			if each.Platform.OS == "linux" { // an attestation has the platform unknown
				found = append(found, each.Platform.Architecture)
			}
		}
	case m.Config.Digest != "":
		p, err := config(ctx, client, image, m.Config.Digest)
		if err != nil {
			return &Unchecked{err}
		}
		found = append(found, p.Architecture)
	case m.Architecture != "":
		found = append(found, m.Architecture)
	}
	found = slices.DeleteFunc(found, func(a string) bool { return a == "" })
	switch {
	case len(found) == 0:
		return &Unchecked{errors.New("its manifest names no architecture")}
	case !slices.Contains(found, architecture):
		return fmt.Errorf("it is for %s, and the instances are %s: build it for linux/%s, or choose another instance_type",
			strings.Join(slices.Compact(slices.Sorted(slices.Values(found))), ", "), architecture, architecture)
	}
	return nil
}

// config reads the config of an image for one architecture, which holds the architecture. ECR gives out an address in S3 for it.
func config(ctx context.Context, client *ecr.Client, image document.ECRImage, digest string) (platform, error) {
	ctx, cancel := context.WithTimeout(ctx, configDeadline)
	defer cancel()
	out, err := client.GetDownloadUrlForLayer(ctx, &ecr.GetDownloadUrlForLayerInput{
		RegistryId: &image.Account, RepositoryName: &image.Repository, LayerDigest: &digest,
	})
	if err != nil {
		return platform{}, cloud.Explain(err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, aws.ToString(out.DownloadUrl), nil)
	if err != nil {
		return platform{}, errors.New("ecr:GetDownloadUrlForLayer gave no address of the image's config")
	}
	body, err := download(request)
	if err != nil {
		return platform{}, err
	}
	var p platform
	if "sha256:"+hexdigest.SHA256(body) != digest || json.Unmarshal(body, &p) != nil {
		return platform{}, errors.New("the image's config is not what its manifest says")
	}
	return p, nil
}

// download returns the body of an answer. An error does not show the address, which is signed.
func download(request *http.Request) ([]byte, error) {
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, errors.New("the image's config could not be read from S3")
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, largestConfig))
	if err != nil || answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the image's config could not be read from S3: %s", answer.Status)
	}
	return body, nil
}
