package snapshot

import (
	"context"
	"fmt"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/hexdigest"
)

// Keep makes an assembly of deployed stacks, with their templates and values unchanged. It is for a redeploy
// (deploy.Options.Redeploy), which works without the artifact directory. The origins of resources in the manifest are
// not known.
//
// A stack without the parameter Token, which a redeploy changes, is an error. So is a stack without Version when that
// is to change.
func Keep(ctx context.Context, c *cloud.Cloud, orbit string, stacks []*live.Stack, newVersion bool) (*assembly.Assembly, error) {
	memory, reader := assembly.NewInMemory(nil, orbit), live.New(c)
	for _, deployed := range stacks {
		if err := changeable(deployed, newVersion); err != nil {
			return nil, err
		}
		body, err := reader.TemplateText(ctx, deployed)
		if err != nil {
			return nil, err
		}
		if err := memory.Stack(replaceable(deployed, body), body, nil); err != nil {
			return nil, err
		}
	}
	return memory.Assembly()
}

// Unchanged makes an assembly of deployed stacks in which nothing is new. It is for taking drift back (deploy.Options.RevertDrift). The
// places say where the resources come from in the manifests; they may be nil.
func Unchanged(ctx context.Context, c *cloud.Cloud, orbit string, stacks []*live.Stack, places assembly.SourceMap) (
	*assembly.Assembly, error,
) {
	// A parameter with NoEcho is **** here. It is never sent: deploy uses the previous value of each parameter.
	memory, reader := assembly.NewInMemory(nil, orbit), live.New(c)
	for _, deployed := range stacks {
		body, err := reader.TemplateText(ctx, deployed)
		if err != nil {
			return nil, err
		}
		if err := memory.Stack(kept(deployed, body), body, places[deployed.String()]); err != nil {
			return nil, err
		}
	}
	return memory.Assembly()
}

// changeable reports an error for a stack whose template was built without the parameters which a redeploy changes.
func changeable(deployed *live.Stack, newVersion bool) error {
	if _, ok := deployed.Parameters[document.ParameterToken]; !ok {
		return fmt.Errorf("%s: its template has no parameter %s that would replace the instances: deploy what this spacel builds once",
			deployed.StackRef, document.ParameterToken)
	}
	if _, ok := deployed.Parameters[document.ParameterVersion]; !ok && newVersion {
		return fmt.Errorf("%s: its template takes no version, because every image has a tag and no unit has __VERSION__: write the "+
			"new tag into the manifest, build and deploy", deployed.StackRef)
	}
	return nil
}

// kept describes a deployed stack as an artifact would. Every value is a literal; none is sent, because
// values.Settings.Keep makes deploy use the previous value.
func kept(deployed *live.Stack, body []byte) assembly.Stack {
	s := assembly.Stack{
		Name: deployed.Name, Region: deployed.Region, App: deployed.App(),
		Template: assembly.TemplatePath(deployed.StackRef), Digest: hexdigest.SHA256(body),
		Capabilities:          deployed.Capabilities,
		TerminationProtection: deployed.TerminationProtection,
		Tags:                  deployed.OwnTags(),
		Parameters:            map[string]assembly.ValueFrom{},
		Guard:                 deployed.Guard,
		Release:               assembly.ParseRelease(deployed.Outputs[document.OutputRelease]),
	}
	for name, value := range deployed.Parameters {
		s.Parameters[name] = literal(value) // which is never sent: sources.Settings.Keep
	}
	return s
}

// replaceable describes a deployed stack whose instances a redeploy replaces: the token is a new one, and the version may be.
func replaceable(deployed *live.Stack, body []byte) assembly.Stack {
	s := kept(deployed, body)
	s.Parameters[document.ParameterToken] = assembly.ValueFrom{Token: &assembly.Token{}}
	if value, ok := deployed.Parameters[document.ParameterVersion]; ok {
		s.Parameters[document.ParameterVersion] = assembly.ValueFrom{Version: &assembly.Version{Default: value}}
	}
	return s
}
