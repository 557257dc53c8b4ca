package cloudtest

import (
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
