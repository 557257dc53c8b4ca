package drift

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	autoscaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/pebble/spacel/compiler/template"
	"github.com/pebble/spacel/deploy/cloud"
)

// versions compares the content of the launch template versions that groups use. The version's number proves nothing: CloudFormation
// makes a new version at each update, and somebody else can make one too.
type versions struct{ *reading }

// A template's LaunchTemplateData is compared member by member. Texts with references, such as user data, are evaluated first. Numbers
// and truth values are texts on both sides, because CloudFormation takes both notations.

// compare compares a group's version with the template's LaunchTemplateData.
func (v versions) compare(ctx context.Context, d *deployed, id string, used *autoscaling.LaunchTemplateSpecification) {
	data, err := readVersion(ctx, v.cloud.Region(d.Region), used)
	if err != nil {
		v.fail(d, id, err)
		return
	}
	v.check(d, id)
	expected := d.launchData(id)
	// A member of the version alone is a change, too, such as a key pair. EC2 keeps the request of a version, and adds nothing at
	// the top level.
	for _, name := range slices.Sorted(maps.Keys(union(expected, data))) {
		if contains(expected[name], data[name]) {
			continue
		}
		f := Finding{Change: Changed, Property: "LaunchTemplateData." + name, Expected: shownData(name, expected[name]),
			Actual: shownData(name, data[name])}
		f.Text = fmt.Sprintf("version %s, which the group uses: %s", aws.ToString(used.Version),
			differs(launchType, f.Property, d.App() != "", f.Expected, f.Actual))
		v.add(d, id, f)
	}
}

// launchData returns the LaunchTemplateData of a template, with its user data in plain text: a gap in it has no place in base64.
func (d *deployed) launchData(id string) map[string]any {
	data, _ := d.properties(id)["LaunchTemplateData"].(map[string]any)
	raw, _ := d.template.Resources[id].Properties["LaunchTemplateData"].(map[string]any)
	if function, ok := raw["UserData"].(map[string]any); ok && function["Fn::Base64"] != nil {
		data["UserData"] = d.value(function["Fn::Base64"])
	} else if decoded, err := base64.StdEncoding.DecodeString(text(data["UserData"])); err == nil && data["UserData"] != nil {
		data["UserData"] = string(decoded)
	}
	return data
}

// union returns the keys of two objects.
func union(a, b map[string]any) map[string]bool {
	out := map[string]bool{}
	for name := range a {
		out[name] = true
	}
	for name := range b {
		out[name] = true
	}
	return out
}

// readVersion reads the content of a launch template version, in the form of a template. EC2's answer has the members of
// CloudFormation's LaunchTemplateData, under the same names (Template Reference, AWS::EC2::LaunchTemplate LaunchTemplateData; EC2 API
// Reference, ResponseLaunchTemplateData).
func readVersion(ctx context.Context, region *cloud.Region, used *autoscaling.LaunchTemplateSpecification) (map[string]any, error) {
	const call = "ec2:DescribeLaunchTemplateVersions"
	version := aws.ToString(used.Version)
	if version == "" {
		version = "$Default" // "If you do not specify a value, the default version is used" (Auto Scaling API, LaunchTemplateSpecification)
	}
	out, err := region.EC2().DescribeLaunchTemplateVersions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: used.LaunchTemplateId, Versions: []string{version},
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s %s: %w", call, *used.LaunchTemplateId, cloud.Explain(err))
	case len(out.LaunchTemplateVersions) != 1 || out.LaunchTemplateVersions[0].LaunchTemplateData == nil:
		return nil, cloud.Incomplete(call, "no version, or one without data")
	case aws.ToString(out.LaunchTemplateVersions[0].LaunchTemplateId) != *used.LaunchTemplateId:
		return nil, cloud.Incomplete(call, "another launch template")
	}
	return dataOf(out.LaunchTemplateVersions[0].LaunchTemplateData)
}

// dataOf writes the SDK's struct as plain data, without absent members.
func dataOf(data *types.ResponseLaunchTemplateData) (map[string]any, error) {
	body, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	all, err := template.Decode(body)
	if err != nil {
		return nil, err
	}
	out, _ := present(all).(map[string]any)
	if out == nil {
		out = map[string]any{}
	}
	if encoded, ok := out["UserData"].(string); ok {
		if decoded, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			out["UserData"] = string(decoded)
		}
	}
	return out, nil
}

// present returns a value without absent members, and nil for one of which nothing is left.
func present(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, item := range v {
			if item = present(item); item != nil {
				out[name] = item
			}
		}
		if len(out) > 0 {
			return out
		}
		return nil
	case []any:
		out := []any{}
		for _, item := range v {
			if item = present(item); item != nil {
				out = append(out, item)
			}
		}
		if len(out) > 0 {
			return out
		}
		return nil
	case string:
		if v == "" {
			return nil
		}
		return v
	case nil:
		return nil
	}
	return plain(v)
}

// contains reports whether a live value has everything in the template's. Members without a value there are EC2's own
// defaults, but at the top, where EC2 adds none: there compare finds each member that only one side has.
func contains(expected, actual any) bool {
	want, isObject := expected.(map[string]any)
	is, alsoObject := actual.(map[string]any)
	if isObject && alsoObject {
		for name, value := range want {
			if !contains(value, is[name]) {
				return false
			}
		}
		return true
	}
	// Lists of a launch template have no order: security groups, tags, devices.
	wantList, isList := expected.([]any)
	isItems, alsoList := actual.([]any)
	if isList && alsoList {
		if len(wantList) != len(isItems) {
			return false
		}
		left := slices.Clone(isItems)
		for _, value := range wantList {
			i := slices.IndexFunc(left, func(item any) bool { return contains(value, item) })
			if i < 0 {
				return false
			}
			left = slices.Delete(left, i, i+1)
		}
		return true
	}
	return isObject == alsoObject && isList == alsoList && fits(text(expected), text(actual))
}

// shownData is a member of a launch template for people. User data is long, and its difference says little.
func shownData(name string, v any) string {
	switch {
	case v == nil:
		return "(none)"
	case name == "UserData":
		return fmt.Sprintf("%d bytes", len(text(v)))
	}
	return shownGap(text(v))
}
