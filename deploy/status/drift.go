package status

import (
	"strings"

	"github.com/pebble/spacel/deploy/drift"
)

// Drifted is the state of a stack whose deployed template AWS does not have any more: somebody changed it outside of CloudFormation.
const Drifted State = "drifted"

// Uncompared is the state of a stack whose comparison failed. It may have drifted or not, so it is not called good.
const Uncompared State = "not compared"

// AddDrift adds the comparison of the deployed templates with AWS. A stack with a difference is not good any more.
func (r *Report) AddDrift(d *drift.Report) {
	// A stack with a failed operation keeps that state, and gets the differences as further reasons: see need.
	r.Drift = d
	for i := range r.Stacks {
		stack := &r.Stacks[i]
		for _, f := range d.Of(stack.StackRef) {
			stack.need(Drifted, strings.TrimSpace(f.From+" "+f.Resource+": "+f.Text))
		}
	}
	for _, u := range d.Unchecked {
		for i := range r.Stacks {
			if stack := &r.Stacks[i]; u.Failed && stack.StackRef == u.StackRef && stack.State == Good {
				stack.State = Uncompared
			}
		}
	}
	r.OK = r.OK && d.OK
}

// Compared explains the state good in this report.
func (r *Report) Compared(withDirectory bool) string {
	text := "CloudFormation's last operation succeeded"
	if withDirectory {
		text += "; the template, tags and parameters are the directory's"
	}
	if r.Drift == nil {
		return text + "; AWS itself was not compared (--drift does)"
	}
	return text + "; AWS has what the deployed template says, as far as it was compared"
}
