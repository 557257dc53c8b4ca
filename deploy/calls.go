package deploy

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

func (j *job) cloudFormation() *cloudformation.Client {
	return j.cloud.Region(j.stack.Region).CloudFormation()
}

// refusedError is what stands in one stack's way. It is that stack's failure, and not the world's.
type refusedError struct{ text string }

func (e *refusedError) Error() string { return e.text }

func refuse(format string, args ...any) error { return &refusedError{fmt.Sprintf(format, args...)} }

// failed wraps the error of a call with what was being done, and to what.
func (j *job) failed(doing string, err error) error {
	if live.IsRefusal(err) {
		return refuse("%s: %s: %s", j.ref(), doing, j.mask(strings.Join(strings.Fields(live.Message(err)), " ")))
	}
	return fmt.Errorf("%s: %s: %w", j.ref(), doing, cloud.Explain(err))
}

// asFailure makes a refusal of AWS the stack's own failure.
func (j *job) asFailure(err error) error {
	if live.IsRefusal(err) {
		return refuse("%s: %s", j.ref(), j.mask(err.Error()))
	}
	return err
}
