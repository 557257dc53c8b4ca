package snapshot

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
)

// maxAsset limits the bytes which are read of a deployed asset. Assets are instance documents of a few kilobytes.
const maxAsset = 8 << 20

// parameters keeps the directory's source for each parameter whose deployed value equals the value that this source
// yields now, and replaces the others by a literal, so that diff shows them as changed. A value that cannot be
// compared (a secret, or one that deploy keeps) counts as equal.
func (s *snapshot) parameters(ctx context.Context, written assembly.Stack, deployed *live.Stack) (map[string]assembly.ValueFrom, error) {
	if len(deployed.Parameters) == 0 {
		return nil, nil // reading an artifact's manifest gives nil, too
	}
	out := map[string]assembly.ValueFrom{}
	for name, value := range deployed.Parameters {
		source, known := written.Parameters[name]
		if !known {
			out[name] = literal(value)
			continue
		}
		is, err := s.valueFrom(ctx, written, source, value, deployed)
		if err != nil {
			return nil, fmt.Errorf("%s: parameter %s: %w", written.Ref(), name, err)
		}
		out[name] = is
	}
	return out, nil
}

// literal returns a source that yields this very value.
func literal(value string) assembly.ValueFrom { return assembly.ValueFrom{Literal: &value} }

// valueFrom returns the source of one deployed value: want if the value is equal or cannot be compared, else a
// literal.
func (s *snapshot) valueFrom(ctx context.Context, written assembly.Stack, want assembly.ValueFrom, value string,
	deployed *live.Stack) (assembly.ValueFrom, error) {
	switch {
	case value == live.Masked || want.Kept():
		return want, nil
	case want.Literal != nil:
		return literal(value), nil
	case want.Output != nil:
		return s.output(ctx, want, value)
	case want.Asset != nil:
		return s.asset(ctx, written, want, value, deployed)
	}
	return want, nil
}

// output compares a deployed value with the present output of the other stack.
func (s *snapshot) output(ctx context.Context, want assembly.ValueFrom, value string) (assembly.ValueFrom, error) {
	giver, err := s.stacks.Get(ctx, assembly.StackRef{Region: want.Output.Region, Name: want.Output.Stack})
	if err != nil {
		return want, err
	}
	now := ""
	if giver != nil {
		now = giver.Outputs[want.Output.Output]
	}
	if now == value {
		return want, nil
	}
	return literal(value), nil
}

// asset returns the deployed asset as a source. Its key ends in its digest; if that differs, the text is fetched, so
// that diff can compare it line by line.
func (s *snapshot) asset(ctx context.Context, written assembly.Stack, want assembly.ValueFrom, value string,
	deployed *live.Stack) (assembly.ValueFrom, error) {
	key, bucket := assetLocation(written, want.Asset.Digest, deployed)
	body, err := s.artifact.Asset(want.Asset.Digest)
	if err != nil {
		return want, err
	}
	if !strings.Contains(key, want.Asset.Digest) {
		if body, err = s.fetch(ctx, written.Region, bucket, key); err != nil {
			return literal(value), nil // deleted, or not readable: diff can only say it differs
		}
	}
	kept, err := s.memory.Asset(body)
	return assembly.ValueFrom{Asset: &assembly.AssetPart{Digest: kept.Digest, Part: want.Asset.Part}}, err
}

// assetLocation returns the deployed values of an asset's two parameters.
func assetLocation(written assembly.Stack, digest string, deployed *live.Stack) (key, bucket string) {
	for name, source := range written.Parameters {
		switch {
		case source.Asset == nil || source.Asset.Digest != digest:
		case source.Asset.Part == assembly.PartKey:
			key = deployed.Parameters[name]
		case source.Asset.Part == assembly.PartBucket:
			bucket = deployed.Parameters[name]
		}
	}
	return key, bucket
}

// fetch reads a deployed asset from S3, at most maxAsset bytes of it.
func (s *snapshot) fetch(ctx context.Context, region, bucket, key string) ([]byte, error) {
	body, err := s.cloud.Region(region).Object(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key}, maxAsset)
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", bucket, key, err)
	}
	return body, nil
}
