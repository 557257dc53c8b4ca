package cloudtest

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func TestMotoGivesEachTestAnAccount(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range []string{"one", "two"} {
		t.Run(name, func(t *testing.T) {
			cfg := Config(t, Moto(t), "eu-west-1")
			who, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			if err != nil {
				t.Fatal(err)
			}
			if *who.Account != Account(t) || seen[*who.Account] {
				t.Fatalf("the account is %s, want %s, not seen in %v", *who.Account, Account(t), seen)
			}
			seen[*who.Account] = true

			client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
			before, err := client.ListBuckets(t.Context(), &s3.ListBucketsInput{})
			if err != nil || len(before.Buckets) != 0 {
				t.Fatalf("a fresh account has buckets %v, %v", before, err)
			}
			if _, err := client.CreateBucket(t.Context(),
				&s3.CreateBucketInput{Bucket: aws.String("own-" + Account(t)), CreateBucketConfiguration: euWest1()}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func euWest1() *types.CreateBucketConfiguration {
	return &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraintEuWest1}
}
