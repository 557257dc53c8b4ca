package appkey

import (
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/pebble/spacel/agent/secrets"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/internal/cloudtest"
)

func TestAKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	region := cloud.New(cloudtest.Config(t, cloudtest.Moto(t), ""), cloud.Access{}).Region("eu-west-1")
	for _, want := range []bool{true, false} {
		if made, err := Ensure(t.Context(), region, "production", "laika"); made != want || err != nil {
			t.Fatalf("got %v and %v, want %v", made, err, want)
		}
	}
	out, err := region.KMS().DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: aws.String("alias/production-laika")})
	if err != nil {
		t.Fatal(err)
	}
	rotation, err := region.KMS().GetKeyRotationStatus(t.Context(), &kms.GetKeyRotationStatusInput{KeyId: out.KeyMetadata.KeyId})
	if err != nil || !rotation.KeyRotationEnabled {
		t.Errorf("rotation: %+v, %v", rotation, err)
	}
}

func TestWhoLosesTheRaceUsesTheOthersKey(t *testing.T) {
	t.Parallel()
	region := cloud.New(cloudtest.Config(t, cloudtest.Moto(t), ""), cloud.Access{}).Region("eu-west-1")
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			if _, err := Ensure(t.Context(), region, "production", "laika"); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	out, err := region.KMS().ListAliases(t.Context(), &kms.ListAliasesInput{})
	if err != nil {
		t.Fatal(err)
	}
	ours := 0
	for _, a := range out.Aliases {
		if aws.ToString(a.AliasName) == "alias/production-laika" {
			ours++
		}
	}
	if ours != 1 {
		t.Errorf("%d aliases", ours)
	}
}

// What is sealed under the keys opens in each region, and in no other place.
func TestWhatIsSealedOpensInEveryRegion(t *testing.T) {
	t.Parallel()
	c := cloud.New(cloudtest.Config(t, cloudtest.Moto(t), ""), cloud.Access{})
	regions := []string{"eu-west-1", "us-east-1"}
	for _, region := range regions {
		if _, err := Ensure(t.Context(), c.Region(region), "production", "laika"); err != nil {
			t.Fatal(err)
		}
	}
	place := secrets.Context{Orbit: "production", App: "laika", Key: "TOKEN"}
	payload, err := secrets.Seal(t.Context(), c.Region("eu-west-1").KMS(), []byte("open sesame"), place, regions)
	if err != nil {
		t.Fatal(err)
	}
	for _, region := range regions {
		p := payload
		if key, ok := p.Keys[region]; ok {
			p.KeyRegion, p.Key = region, key
		}
		got, err := secrets.Open(t.Context(), c.Region(region).KMS(), p, place)
		if err != nil || string(got) != "open sesame" {
			t.Errorf("%s: got %q and %v", region, got, err)
		}
		for _, other := range []secrets.Context{{Orbit: "production", App: "laika", Key: "OTHER"},
			{Orbit: "test", App: "laika", Key: "TOKEN"}} {
			if _, err := secrets.Open(t.Context(), c.Region(region).KMS(), p, other); err == nil {
				t.Errorf("%s opens as %s", region, other)
			}
		}
	}
}

// Orbit prod with app eu-web and orbit prod-eu with app web have one alias. The second one is refused, and a key without tags is not.
func TestAKeyOfAnotherAppIsRefused(t *testing.T) {
	t.Parallel()
	region := cloud.New(cloudtest.Config(t, cloudtest.Moto(t), ""), cloud.Access{}).Region("eu-west-1")
	if made, err := Ensure(t.Context(), region, "prod", "eu-web"); !made || err != nil {
		t.Fatal(made, err)
	}
	_, err := Ensure(t.Context(), region, "prod-eu", "web")
	if want := `belongs to app "eu-web" in orbit "prod"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	key, err := region.KMS().CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = region.KMS().CreateAlias(t.Context(), &kms.CreateAliasInput{
		AliasName: aws.String("alias/prod-old"), TargetKeyId: key.KeyMetadata.KeyId,
	})
	if err != nil {
		t.Fatal(err)
	}
	if made, err := Ensure(t.Context(), region, "prod", "old"); made || err != nil {
		t.Errorf("a key without tags: %v, %v", made, err)
	}
}
