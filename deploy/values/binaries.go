package values

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/staging"
)

// program is a program of this release.
type program struct {
	body   []byte
	digest string
}

// binary returns the bucket, key or digest of a program. A stack keeps all parts of its deployed program or none,
// because a key means nothing in another bucket.
func (r *Resolver) binary(ctx context.Context, q question, s assembly.Binary) (Value, error) {
	if bucket, ok := deployedBucket(q, s.Name); ok && !r.settings.UpgradeAgent {
		if err := r.checkKeptProgram(ctx, q, s.Name, bucket); err != nil {
			return Value{}, err
		}
		v, _ := q.kept()
		return v, nil
	}
	p, err := r.program(s.Name, s.Architecture)
	if err != nil {
		return Value{}, err
	}
	if s.Part == assembly.PartDigest {
		return Value{Text: p.digest}, nil
	}
	object, err := r.uploadProgram(ctx, q.stack.Region, p)
	if err != nil {
		return Value{}, err
	}
	if err := r.checkRegion(ctx, q.stack.Region, s.Name, object.Bucket); err != nil {
		return Value{}, err
	}
	return Value{Text: part(object, s.Part)}, nil
}

// part returns the bucket or the key of an object, by the part's name in the artifact.
func part(o staging.Object, name string) string {
	if name == assembly.PartBucket {
		return o.Bucket
	}
	return o.Key
}

// deployedBucket returns the bucket of a stack's deployed program, false if one of the program's parameters has no
// deployed value.
func deployedBucket(q question, name string) (bucket string, ok bool) {
	if q.deployed == nil {
		return "", false
	}
	for parameter, source := range q.stack.Parameters {
		if source.Binary == nil || source.Binary.Name != name {
			continue
		}
		value := q.deployed.Parameters[parameter]
		if value == "" {
			return "", false
		}
		if source.Binary.Part == assembly.PartBucket {
			bucket = value
		}
	}
	return bucket, bucket != ""
}

// checkKeptProgram reports an error if the program which a stack would keep is gone from S3: instances that start
// later could not load it. It first tries to upload the program again, which works when this release carries the same
// one.
func (r *Resolver) checkKeptProgram(ctx context.Context, q question, name, bucket string) error {
	for _, parameter := range slices.Sorted(maps.Keys(q.stack.Parameters)) {
		s := q.stack.Parameters[parameter].Binary
		if s == nil || s.Name != name || s.Part != assembly.PartKey {
			continue
		}
		key := q.deployed.Parameters[parameter]
		held, err := r.stage.Exists(ctx, bucket, key)
		if err != nil {
			return fmt.Errorf("%w; --upgrade agent deploys this release's %s from your own bucket", err, name)
		}
		if !held && !r.restoreProgram(ctx, q.stack.Region, *s, bucket, key) {
			return fmt.Errorf("the deployed %s, s3://%s/%s, is gone, so nothing new could start: bring it back, or deploy this release's "+
				"with --upgrade agent", name, bucket, key)
		}
	}
	return nil
}

// restoreProgram uploads a deployed program again and reports whether it could. The key holds the digest, so an equal
// key means an equal program.
func (r *Resolver) restoreProgram(ctx context.Context, region string, s assembly.Binary, bucket, key string) bool {
	p, err := r.program(s.Name, s.Architecture)
	if err != nil {
		return false
	}
	at, err := r.stage.AssetAt(ctx, region, p.digest)
	if err != nil || at.Bucket != bucket || at.Key != key {
		return false
	}
	_, err = r.uploadProgram(ctx, region, p)
	return err == nil
}

// uploadProgram uploads a program, or in a dry run only returns its future place.
func (r *Resolver) uploadProgram(ctx context.Context, region string, p program) (staging.Object, error) {
	if r.settings.DryRun {
		return r.stage.AssetAt(ctx, region, p.digest)
	}
	return r.stage.Asset(ctx, region, p.digest, p.body)
}

// checkRegion checks a rule of Lambda: the bucket of a function's code must be in the region of the function. Instances
// may read from any region. https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCode.html
func (r *Resolver) checkRegion(ctx context.Context, region, name, bucket string) error {
	if name != assembly.BinarySlack {
		return nil
	}
	at, err := r.stage.AssetRegion(ctx, region)
	if err == nil && at != region {
		return fmt.Errorf("bucket %s is in %s, and the function that posts to Slack is in %s, where Lambda must find its code: name a "+
			"bucket of each region, with {region} in --lambda-bucket or LAMBDA_BUCKET", bucket, at, region)
	}
	return err
}

// program returns a program of this release. It is read and digested once in a run, since many stacks need the same one.
func (r *Resolver) program(name, architecture string) (program, error) {
	return r.programs.To(name+" "+architecture, func() (program, error) {
		body, digest, err := r.binaries.Read(name, architecture)
		return program{body, digest}, err
	})
}

// asset uploads an asset of the artifact and returns its bucket or key.
func (r *Resolver) asset(ctx context.Context, q question, s assembly.AssetPart) (Value, error) {
	if r.settings.DryRun {
		object, err := r.stage.AssetAt(ctx, q.stack.Region, s.Digest)
		return Value{Text: part(object, s.Part)}, err
	}
	if r.settings.Asset == nil {
		return Value{}, errors.New("no artifact directory to take it from")
	}
	body, err := r.settings.Asset(s.Digest)
	if err != nil {
		return Value{}, err
	}
	object, err := r.stage.Asset(ctx, q.stack.Region, s.Digest, body)
	return Value{Text: part(object, s.Part)}, err
}
