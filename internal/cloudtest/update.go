package cloudtest

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// updateStack updates a stack without a change set of the caller's: it creates one and executes it at once.
func (c *call) updateStack(in *cloudformation.UpdateStackInput) (*cloudformation.UpdateStackOutput, error) {
	// spacel itself never calls UpdateStack. Tests use it to play another program that changes a stack while deploy works.
	// The name of the change set is not visible to anybody: it is not added to the stack's list.
	create := &cloudformation.CreateChangeSetInput{
		StackName: in.StackName, ChangeSetName: aws.String("update"), ChangeSetType: types.ChangeSetTypeUpdate,
		TemplateBody: in.TemplateBody, TemplateURL: in.TemplateURL, UsePreviousTemplate: in.UsePreviousTemplate,
		Parameters: in.Parameters, Tags: in.Tags, Capabilities: in.Capabilities, RoleARN: in.RoleARN,
	}
	s := c.find(in.StackName)
	if err := c.mayChange(s, create); err != nil {
		return nil, err
	}
	next, err := c.nextInputs(s, create)
	if err != nil {
		return nil, err
	}
	set := c.newChangeSet(s, create, next)
	// A direct update without changes is a ValidationError with this text, while a change set without changes is created and
	// then fails. Programs that offer both ways have to know both texts.
	if set.failure == c.NoChanges {
		return nil, invalid(NoChangesUpdates)
	}
	if set.failure != "" {
		return nil, invalid("%s", set.failure)
	}
	c.accept(s, func(at time.Time) {
		if s.updatable() {
			c.execute(s, set, &cloudformation.ExecuteChangeSetInput{ClientRequestToken: in.ClientRequestToken}, at)
		}
	})
	return &cloudformation.UpdateStackOutput{StackId: &s.id}, nil
}

// ChangeUnseen gives a stack another template, and moves neither its time nor its status, nor adds an operation or an event. It stands
// for any operation of which AWS documents no effect on these, such as a stack refactor (ExecuteStackRefactor).
func ChangeUnseen(c *CloudFormation, t testing.TB, region, name, template string) {
	t.Helper()
	parsed, err := parseTemplate(template)
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.engine.stacks {
		if s.region == region && s.name == name && s.deleted.IsZero() {
			s.inputs.body, s.inputs.template = template, parsed
		}
	}
}

// SetUpdated sets a stack's LastUpdatedTime back. It stands for an operation whose effect on the time AWS does not document, such as a
// rollback.
func SetUpdated(c *CloudFormation, region, name string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.engine.stacks {
		if s.region == region && s.name == name && s.deleted.IsZero() {
			s.updated = at
		}
	}
}
