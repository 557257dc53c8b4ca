package live

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/deploy/cloud"
)

// Template is the part of a template that deploy and destroy read, and its text.
type Template struct {
	Body       []byte `json:"-"`
	Parameters map[string]TemplateParameter
	Resources  map[string]TemplateResource
}

// TemplateParameter is a parameter in a template.
type TemplateParameter struct {
	Default any
	NoEcho  any // true, or "true"
}

// Hidden reports whether CloudFormation hides the parameter's value.
func (p TemplateParameter) Hidden() bool { return fmt.Sprint(p.NoEcho) == "true" }

// TemplateResource is a resource in a template.
type TemplateResource struct {
	Type                                string
	DeletionPolicy, UpdateReplacePolicy string
	Properties                          map[string]any

	// Of an Outline, in place of the properties.
	defaultPolicy string
	protected     bool
}

// ParseTemplate reads a template in JSON.
func ParseTemplate(body []byte) (*Template, error) {
	t := &Template{Body: body}
	if err := json.Unmarshal(body, t); err != nil {
		return nil, err
	}
	return t, nil
}

// DeletionPolicy returns the policy that decides about a resource when its stack is deleted: its own, or CloudFormation's
// default for its type.
func (t *Template) DeletionPolicy(id, kind string) string {
	r := t.Resources[id]
	return cmp.Or(r.DeletionPolicy, r.defaultPolicy, diff.DefaultDeletionPolicy(kind, r.Properties))
}

// Outline returns the template without its text and its properties, which take most of the memory. The answers of its methods stay
// the same.
func (t *Template) Outline() *Template {
	out := &Template{Parameters: t.Parameters, Resources: make(map[string]TemplateResource, len(t.Resources))}
	for id, r := range t.Resources {
		out.Resources[id] = TemplateResource{
			Type: r.Type, DeletionPolicy: r.DeletionPolicy, UpdateReplacePolicy: r.UpdateReplacePolicy,
			defaultPolicy: diff.DefaultDeletionPolicy(r.Type, r.Properties), protected: t.Protects(id),
		}
	}
	return out
}

// Retains reports whether a resource stays when its stack is deleted. A new stack may then find it: CloudFormation only
// imports resources with such a policy (User Guide, "Import AWS resources into a CloudFormation stack").
func (t *Template) Retains() bool {
	for _, r := range t.Resources {
		if strings.HasPrefix(r.DeletionPolicy, "Retain") {
			return true
		}
	}
	return false
}

// TemplateText returns a stack's template as it was sent last, before CloudFormation processed transforms.
func (s *Stacks) TemplateText(ctx context.Context, stack *Stack) ([]byte, error) {
	out, err := s.client(stack.Region).GetTemplate(ctx, &cloudformation.GetTemplateInput{
		StackName: &stack.ID, TemplateStage: types.TemplateStageOriginal,
	})
	if err != nil {
		return nil, fmt.Errorf("read the deployed template of %s: %w", stack.StackRef, cloud.Explain(err))
	}
	body := aws.ToString(out.TemplateBody)
	if strings.TrimSpace(body) == "" {
		return nil, fmt.Errorf("read the deployed template of %s, which is %s: %w", stack.StackRef, stack.Status,
			cloud.Incomplete("cloudformation:GetTemplate", "an empty template"))
	}
	return []byte(body), nil
}

// Template reads and parses a stack's template. A template in YAML is an error: spacel deploys JSON only.
func (s *Stacks) Template(ctx context.Context, stack *Stack) (*Template, error) {
	body, err := s.TemplateText(ctx, stack)
	if err != nil {
		return nil, err
	}
	t, err := ParseTemplate(body)
	if err != nil {
		return nil, fmt.Errorf("read the deployed template of %s: it is not one that spacel deploys: %w", stack.StackRef, err)
	}
	return t, nil
}
