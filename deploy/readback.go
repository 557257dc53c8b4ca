package deploy

import (
	"bytes"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/hexdigest"
)

// verifyTemplate reads a change set's template back and compares it with the artifact's, before anybody sees the plan or executes it.
// CloudFormation fetches an uploaded template after CreateChangeSet, so an object exchanged in the bucket meanwhile would be deployed.
// A redeploy changes no template, nor does a run that reverts drift.
//
// GetTemplate returns the template as it was submitted (TemplateStage Original), for a change set when ChangeSetName is given:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplate.html
func (s changeSets) verifyTemplate(ctx context.Context, made *changeSet) error {
	if s.options.Redeploy || s.options.RevertDrift {
		return nil
	}
	stack, set := made.address()
	out, err := s.client().GetTemplate(ctx, &cloudformation.GetTemplateInput{
		StackName: stack, ChangeSetName: set, TemplateStage: types.TemplateStageOriginal,
	})
	switch {
	case live.IsOvertaken(err):
		return overtaken(err)
	case err != nil:
		return s.failed("read the template of change set "+made.name+" back", err)
	}
	body := []byte(aws.ToString(out.TemplateBody))
	if len(bytes.TrimSpace(body)) == 0 {
		return s.failed("read the template of change set "+made.name+" back",
			cloud.Incomplete("cloudformation:GetTemplate", "an empty template"))
	}
	same, err := s.template.equals(body)
	if err != nil || same {
		return err
	}
	from := "sent with the call"
	if made.template.URL != "" {
		from = "fetched from " + made.template.URL
	}
	return refuse("%s: the change set's template is not the artifact's: CloudFormation has one with the sha256 %s, %s, and the artifact's "+
		"is %s: somebody else may write to the bucket; nothing was changed: find out who put it there, then run spacel %s again",
		s.ref(), hexdigest.SHA256(body), from, s.spec.Digest, s.verb())
}
