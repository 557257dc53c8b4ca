package values

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/assembly"
)

func output(region, stack, name string, optional bool) assembly.ValueFrom {
	return assembly.ValueFrom{Output: &assembly.Output{Region: region, Stack: stack, Output: name, Optional: optional}}
}

func TestLiteralAndNothing(t *testing.T) {
	a := newAWSEnv(t)
	a.wantValue(assembly.ValueFrom{Literal: new("x")}, nil, Value{Text: "x"})
	a.wantError(assembly.ValueFrom{}, "parameter P: the artifact doesn't say")
}

func TestOutputs(t *testing.T) {
	a := newAWSEnv(t)
	a.put(there, "production-vpc", map[string]string{"VpcId": "vpc-1"})
	a.wantValue(output(there, "production-vpc", "VpcId", false), nil, Value{Text: "vpc-1"})
	a.wantValue(output(there, "production-vpc", "VpcId", true), nil, Value{Text: "vpc-1"})
	a.wantValue(output(here, "production-vpc", "VpcId", false), nil, Value{
		Pending: assembly.StackRef{Region: here, Name: "production-vpc"},
		Missing: "stack us-east-1/production-vpc is not deployed; deploy that stack first"})
	a.wantValue(output(there, "production-vpc", "New", false), nil, Value{
		Pending: assembly.StackRef{Region: there, Name: "production-vpc"},
		Missing: "stack eu-west-1/production-vpc as it is deployed has no output New; " +
			"the orbit is older than this app: build and deploy the orbit's own stacks with this spacel first"})
	const leftOut = "the rules and settings that need P are left out until a later deploy finds the output"
	a.wantValue(output(here, "production-belka", "Nat", true), nil, Value{
		Missing: "stack us-east-1/production-belka is not deployed; " + leftOut})
	a.putOf("production", here, "production-bare", types.StackStatusCreateComplete, map[string]string{})
	a.wantValue(output(here, "production-bare", "Nat", false), nil, Value{
		Pending: assembly.StackRef{Region: here, Name: "production-bare"},
		Missing: "stack us-east-1/production-bare is CREATE_COMPLETE, and its deployed template has no outputs, so not Nat either; " +
			"deploy that stack again, from a directory whose template has the output"})
	a.putOf("production", here, "production-strelka", types.StackStatusRollbackComplete, nil)
	a.wantValue(output(here, "production-strelka", "Nat", true), nil, Value{
		Missing: "stack us-east-1/production-strelka has no outputs, in state ROLLBACK_COMPLETE; " + leftOut})
}

func TestOutputsOfForeignStacks(t *testing.T) {
	a := newAWSEnv(t)
	a.putOf("test", here, "production-vpc", types.StackStatusCreateComplete, map[string]string{"VpcId": "vpc-1"})
	a.putOf("", here, "production-x", types.StackStatusCreateComplete, map[string]string{"VpcId": "vpc-1"})
	a.wantError(output(here, "production-vpc", "VpcId", true),
		"stack us-east-1/production-vpc does not belong to orbit production: its tag spacel:orbit says test")
	a.wantError(output(here, "production-x", "VpcId", false), "does not belong to orbit production")
}

func TestVersion(t *testing.T) {
	a := newAWSEnv(t)
	s := assembly.ValueFrom{Version: &assembly.Version{Default: "latest"}}
	a.wantValue(s, nil, Value{Text: "latest"})
	a.wantValue(s, deployed(map[string]string{"P": "1.2"}), Value{Text: "1.2", Keep: true})
	a.wantValue(s, deployed(map[string]string{"Q": "1.2"}), Value{Text: "latest"})
	a.settings.Version = "1.3"
	a.wantValue(s, deployed(map[string]string{"P": "1.2"}), Value{Text: "1.3"})
}

func TestToken(t *testing.T) {
	a := newAWSEnv(t)
	s := assembly.ValueFrom{Token: &assembly.Token{}}
	a.wantValue(s, nil, Value{})
	a.wantValue(s, deployed(map[string]string{"Q": "old"}), Value{})
	a.wantValue(s, deployed(map[string]string{"P": "old"}), Value{Text: "old", Keep: true})
	a.settings.Force = true
	r := a.resolver()
	var tokens []string
	for range 2 {
		values, err := r.Resolve(t.Context(), app(map[string]assembly.ValueFrom{"P": s}), deployed(map[string]string{"P": "old"}))
		if err != nil || values["P"].Keep || len(values["P"].Text) < 10 {
			t.Errorf("got %+v, %v", values, err)
		}
		tokens = append(tokens, values["P"].Text)
	}
	if tokens[0] != tokens[1] || tokens[0] == a.resolver().settings.Token {
		t.Errorf("tokens %q: one for a run, another for the next", tokens)
	}
	a.settings.Token = "mine"
	a.wantValue(s, deployed(map[string]string{"P": "old"}), Value{Text: "mine"})
}

// A stack's mistakes come together; what several parameters say alike comes once.
func TestAllProblemsAtOnce(t *testing.T) {
	a := newAWSEnv(t)
	a.bucket = ""
	bucket := func(part string) assembly.ValueFrom {
		return assembly.ValueFrom{Binary: &assembly.Binary{Name: "agent", Architecture: "arm64", Part: part}}
	}
	_, err := a.resolver().Resolve(t.Context(), app(map[string]assembly.ValueFrom{
		"Bucket": bucket("bucket"), "Key": bucket("key"),
		"Zone":  {HostedZone: &assembly.HostedZone{Hostname: "a.example.com"}},
		"Image": {Image: &assembly.Image{Debian: "13", Architecture: "arm64"}},
	}), nil)
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 3 {
		t.Fatalf("got %v", err)
	}
	for i, want := range []string{"parameter Bucket: there is no bucket", "parameter Image: there is no image",
		"parameter Zone: no public hosted zone"} {
		if got := joined.Unwrap()[i].Error(); !strings.HasPrefix(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestInterrupted(t *testing.T) {
	a := newAWSEnv(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := a.resolver().Resolve(ctx, app(map[string]assembly.ValueFrom{"P": output(here, "x", "y", false),
		"Q": output(here, "z", "y", false)}), nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
