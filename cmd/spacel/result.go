package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/schema/report"
)

// result is what --output json prints of a command that compiles.
type result struct {
	OK       bool         `json:"ok"`
	Problems []problem    `json:"problems"` // sorted by place
	Out      string       `json:"out,omitempty"`
	Stacks   []builtStack `json:"stacks"` // none when there are mistakes
}

// finish prints the report and, when all is well, what was made. It returns err, unless printing fails.
func (c *console) finish(ctx *cli.Context, found *report.Report, out string, stacks []builtStack, err error) error {
	if err != nil && !errors.Is(err, errNo) {
		return err
	}
	if ctx.String("output") == "json" {
		if err != nil {
			out, stacks = "", []builtStack{}
		}
		return errors.Join(c.printJSON(result{err == nil, problems(found), out, stacks}), err)
	}
	printProblems(c.stderr, found, ctx.Bool("quiet"))
	return err
}
