package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/schema/report"
)

// result is the output of --output json of a command that compiles.
type result struct {
	OK       bool         `json:"ok"`
	Problems []problem    `json:"problems"` // sorted by place
	Out      string       `json:"out,omitempty"`
	Stacks   []builtStack `json:"stacks"`            // none when there are mistakes
	Kept     []string     `json:"kept,omitempty"`    // stacks of an earlier build that stay in Out, as region/name
	LeftOut  []string     `json:"leftOut,omitempty"` // stacks that this build removed from Out, as region/name
}

// finish ends a command that compiles: it prints the problems, as text or with the result as JSON. It returns err, or the
// error of printing. After an err other than errNo the report is incomplete, and err is returned without printing.
func (c *console) finish(ctx *cli.Context, found *report.Report, out string, stacks []builtStack, err error) error {
	if err != nil && !errors.Is(err, errNo) {
		return err
	}
	if form := ctx.String("output"); annotates(form) {
		all := problemAnnotations(found, ctx.Bool("quiet"))
		return errors.Join(c.printAnnotations(form, all, problemSummary(ctx.Command.HelpName, all)), err)
	}
	if ctx.String("output") == "json" {
		if err != nil {
			out, stacks = "", []builtStack{}
		}
		return errors.Join(c.printJSON(result{OK: err == nil, Problems: problems(found), Out: out, Stacks: stacks}), err)
	}
	printProblems(c.stderr, found, ctx.Bool("quiet"))
	return err
}
