package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/internal/hexdigest"
)

// assetCache keeps the asset for later boots, which need no S3 then. It may hold what only root may read.
const assetCache = "var/lib/spacel/asset.json"

// fetchAsset completes a document that did not fit into user data. It reads the bulk from S3, checks its digest and its
// owner, and puts it back into the document.
func fetchAsset(ctx context.Context, b *Boot) error {
	asset := b.Document.Asset
	if asset == nil {
		return nil
	}
	data, err := b.asset(ctx, asset)
	if err != nil {
		return err
	}
	// The digest proves the content. Orbit, app and region are compared all the same: a wrong key in the template would else boot
	// another app on this instance.
	rest, err := parse(data)
	if err != nil {
		return fmt.Errorf("read s3://%s/%s: %w", asset.Bucket, asset.Key, err)
	}
	d := b.Document
	if rest.Orbit != d.Orbit || rest.App != d.App || rest.Region != d.Region {
		return fmt.Errorf("s3://%s/%s is of app %s in orbit %s in %s, not of this instance's", asset.Bucket, asset.Key, rest.App,
			rest.Orbit, rest.Region)
	}
	d.TakeBulk(rest)
	return nil
}

// asset returns the bytes of the asset. It prefers the copy on disk when the digest matches.
func (b *Boot) asset(ctx context.Context, asset *document.Asset[string]) ([]byte, error) {
	if kept, err := b.Machine.readFile(assetCache); err == nil && hexdigest.SHA256(kept) == asset.Digest {
		return kept, nil
	}
	data, err := b.fetch(ctx, asset.Bucket, asset.Key)
	if err != nil {
		return nil, fmt.Errorf("fetch s3://%s/%s: %w", asset.Bucket, asset.Key, err)
	}
	if got := hexdigest.SHA256(data); got != asset.Digest {
		return nil, fmt.Errorf("s3://%s/%s has the sha256 %s, not %s: refused", asset.Bucket, asset.Key, got, asset.Digest)
	}
	return data, b.Machine.writeFile(assetCache, data, 0o600)
}

// fetch reads an object, also from a bucket in another region, which S3 names when it turns the call away.
func (b *Boot) fetch(ctx context.Context, bucket, key string) ([]byte, error) {
	in := &s3.GetObjectInput{Bucket: &bucket, Key: &key}
	out, err := b.AWS.S3.GetObject(ctx, in)
	if region := elsewhere(err); region != "" {
		out, err = b.AWS.S3.GetObject(ctx, in, func(o *s3.Options) { o.Region = region })
	}
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	return io.ReadAll(io.LimitReader(out.Body, maxDocument))
}

// elsewhere returns the region of a bucket when S3 answered with another region than this one, else "".
func elsewhere(err error) string {
	var refused *smithyhttp.ResponseError
	if !errors.As(err, &refused) || refused.Response == nil {
		return ""
	}
	// S3 answers 301 (PermanentRedirect), or 400 for a signature of the wrong region (AuthorizationHeaderMalformed).
	if status := refused.HTTPStatusCode(); status != http.StatusMovedPermanently && status != http.StatusBadRequest {
		return ""
	}
	return refused.Response.Header.Get("X-Amz-Bucket-Region")
}
