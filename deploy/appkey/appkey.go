// Package appkey creates the KMS key that encrypts an app's secrets. Its alias is alias/<orbit>-<app>. The key is the
// only resource that spacel creates outside CloudFormation: a user encrypts a secret before the app is deployed for
// the first time.
package appkey

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/secrets"
	"github.com/pebble/spacel/deploy/cloud"
)

// pendingDays is the waiting period in days before KMS deletes a key that no alias points to. Seven is the minimum
// that KMS accepts. https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
const pendingDays = 7

// Ensure creates an app's key in a region unless there is one, and reports whether it did. KMS rotates the key once a
// year.
//
// Two runs can find no key at the same time and both create one. Only one of them gets the alias; the other schedules
// the deletion of its own key and succeeds.
func Ensure(ctx context.Context, region *cloud.Region, orbit, app string) (made bool, err error) {
	client, alias := region.KMS(), secrets.Context{Orbit: orbit, App: app}.Alias()
	found, err := client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &alias})
	if err == nil {
		return false, explain("use", alias, region, owned(ctx, client, found, orbit, app))
	}
	if _, missing := errors.AsType[*types.NotFoundException](err); !missing {
		return false, explain("look for", alias, region, err)
	}
	key, err := create(ctx, client, orbit, app)
	if err != nil {
		return false, explain("make", alias, region, err)
	}
	_, err = client.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &alias, TargetKeyId: &key})
	if _, lost := errors.AsType[*types.AlreadyExistsException](err); lost {
		return false, explain("remove the second", alias, region, discard(ctx, client, key))
	}
	return err == nil, explain("name", alias, region, err)
}

// owned returns an error if a key belongs to another orbit or app. Orbit prod with app eu-web and orbit prod-eu with app web have one
// alias, so only the key's tags tell them apart. A key with neither tag is the 2016 tool's, and is used.
func owned(ctx context.Context, client *kms.Client, found *kms.DescribeKeyOutput, orbit, app string) error {
	if found.KeyMetadata == nil || aws.ToString(found.KeyMetadata.KeyId) == "" {
		return cloud.Incomplete("kms:DescribeKey", "no KeyMetadata with a KeyId")
	}
	tags := map[string]string{}
	pages := kms.NewListResourceTagsPaginator(client, &kms.ListResourceTagsInput{KeyId: found.KeyMetadata.KeyId})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		// AWS sends an empty list for a key without tags. Without a list nothing is known about the owner.
		if page.Tags == nil {
			return cloud.Incomplete("kms:ListResourceTags", "no Tags")
		}
		for _, t := range page.Tags {
			tags[aws.ToString(t.TagKey)] = aws.ToString(t.TagValue)
		}
	}
	itsOrbit, itsApp := tags[document.TagOrbit], tags[document.TagApp]
	if itsOrbit == "" && itsApp == "" || itsOrbit == orbit && itsApp == app {
		return nil
	}
	return fmt.Errorf("the key belongs to app %q in orbit %q by its tags, and this is app %q in orbit %q: rename one of the two, "+
		"since their keys have the same name", itsApp, itsOrbit, app, orbit)
}

// create makes a key, turns its yearly rotation on and returns its id. The alias comes later, in a call of its own.
func create(ctx context.Context, client *kms.Client, orbit, app string) (id string, err error) {
	out, err := client.CreateKey(ctx, &kms.CreateKeyInput{
		Description: aws.String(fmt.Sprintf("Secrets of app %s in orbit %s, made by spacel secret.", app, orbit)),
		Tags: []types.Tag{
			{TagKey: aws.String(document.TagOrbit), TagValue: &orbit},
			{TagKey: aws.String(document.TagApp), TagValue: &app},
		},
	})
	if err != nil {
		return "", err
	}
	if out.KeyMetadata == nil || aws.ToString(out.KeyMetadata.KeyId) == "" {
		return "", cloud.Incomplete("kms:CreateKey", "no KeyMetadata with a KeyId")
	}
	id = aws.ToString(out.KeyMetadata.KeyId)
	_, err = client.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: &id})
	return id, err
}

// discard schedules the deletion of a key that nothing was encrypted under.
func discard(ctx context.Context, client *kms.Client, key string) error {
	_, err := client.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &key, PendingWindowInDays: aws.Int32(pendingDays)})
	return err
}

// explain wraps an error with the call, the alias and the region. It returns nil for nil.
func explain(doing, alias string, region *cloud.Region, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s the KMS key %s in %s: %w", doing, alias, region.Name, cloud.Explain(err))
}
