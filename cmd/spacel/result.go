package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/schema/report"
)

// result is what --output json prints of a command that compiles.
type result struct {
	OK       bool      `json:"ok"`
	Problems []problem `json:"problems"` // sorted by place
	Out      string    `json:"out,omitempty"`
	Stacks   []made    `json:"stacks"` // none when there are mistakes
}

// finish prints the report and, when all is well, what was made. It returns err, unless printing fails.
func (c *console) finish(ctx *cli.Context, report *report.Report, out string, stacks []made, err error) error {
	if err != nil && !errors.Is(err, errNo) {
		return err
	}
	if ctx.String("output") == "json" {
		if err != nil {
			out, stacks = "", []made{}
		}
		return errors.Join(c.json(result{err == nil, problems(report), out, stacks}), err)
	}
	c.say(report, ctx.Bool("quiet"))
	return err
}
