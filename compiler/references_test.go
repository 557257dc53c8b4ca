package compiler

import (
	"testing"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/content"
	"github.com/pebble/spacel/schema/units"
)

// extraQueue is a queue in the manifest's own resources.
func extraQueue(body map[string]schema.Any) schema.Extra {
	body["Type"] = schema.Any{Value: "AWS::SQS::Queue"}
	return schema.Extra{Resources: []schema.ExtraPart{{ID: "Queue", Body: schema.Any{Value: body}}}}
}

// The value of a resource is known at deploy only, so it stays in user data when the rest of the document goes to an asset.
func TestResourceValuesStayInUserData(t *testing.T) {
	v := lower(t, func(app *schema.AppRegion) {
		app.Extra = extraQueue(map[string]schema.Any{})
		app.Services = []units.Service{{Name: "web.service", Image: "web", Environment: []content.Variable{
			{Name: "QUEUE_URL", From: &content.Reference{Kind: document.FromResource, Name: "Queue"}},
			{Name: "QUEUE_ARN", From: &content.Reference{Kind: document.FromResource, Name: "Queue", Field: "Arn"}},
		}}}
		app.Files = []schema.File{{Name: "big", Mode: "0644", Text: content.Text{Body: noise(30_000)}}}
	})
	d := v.document()
	if d.Asset == nil || len(d.Environments) > 0 {
		t.Fatal("the document did not go to an asset")
	}
	if d.Resources["Queue"] != "base64 of ${Queue}" || d.Resources["Queue.Arn"] != "base64 of ${Queue.Arn}" {
		t.Errorf("user data holds the values %v", d.Resources)
	}
}

// Containers reach the metadata service, and so the role's rights, whoever grants them; and only then.
func TestHopsForGrantedRights(t *testing.T) {
	ref := func(function string, argument any) schema.Any {
		return schema.Any{Value: map[string]schema.Any{function: {Value: argument}}}
	}
	withResource := func(property schema.Any) appChange {
		return func(app *schema.AppRegion) { app.Extra = extraQueue(map[string]schema.Any{"Properties": property}) }
	}
	withPatch := func(id, path string, value *schema.Any) appChange {
		return func(app *schema.AppRegion) { app.Patches = []schema.Patch{{ID: id, Path: path, Value: value}} }
	}
	list := &schema.Any{Value: []schema.Any{{Value: "arn:aws:iam::aws:policy/ReadOnlyAccess"}}}
	for name, test := range map[string]struct {
		change appChange
		hops   string
	}{
		"nothing": {func(*schema.AppRegion) {}, "1"},
		"permissions": {func(app *schema.AppRegion) {
			app.Permissions = []schema.Permission{{Effect: "Allow", Actions: []string{"s3:GetObject"}, Resources: []string{"*"}}}
		}, "2"},
		"Ref":            {withResource(ref("Ref", "Role")), "2"},
		"GetAtt":         {withResource(ref("Fn::GetAtt", []schema.Any{{Value: "Role"}, {Value: "Arn"}})), "2"},
		"Sub":            {withResource(ref("Fn::Sub", "arn:${Role}")), "2"},
		"profile":        {withResource(ref("Ref", "InstanceProfile")), "2"},
		"other resource": {withResource(ref("Ref", "Sg")), "1"},
		"DependsOn": {func(app *schema.AppRegion) {
			app.Extra = extraQueue(map[string]schema.Any{"DependsOn": {Value: "Role"}})
		}, "1"},
		"managed policy": {withPatch("Role", "Properties.ManagedPolicyArns", list), "2"},
		"role's name":    {withPatch("Role", "Properties.RoleName", &schema.Any{Value: "shop"}), "1"},
	} {
		v := lower(t, test.change)
		got := v.get("Resources", "LaunchTemplate", "Properties", "LaunchTemplateData", "MetadataOptions", "HttpPutResponseHopLimit")
		if got != test.hops {
			t.Errorf("%s: the hop limit is %s, want %s", name, got, test.hops)
		}
	}
}
