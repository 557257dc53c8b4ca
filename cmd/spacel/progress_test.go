package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
)

// After the run one line for each stack stays, and each warning. The reason of a failure is left to the explanation. The time of a
// question before the first drawing does not count.
func TestPictureLeavesItsLastState(t *testing.T) {
	var out strings.Builder
	refs := []assembly.StackRef{{Region: east, Name: "test-vpc"}, {Region: east, Name: "test-web"}, {Region: west, Name: "test-web"}}
	p := &picture{out: &out, tree: newTree(false, time.Now().Add(-time.Hour), "deployed", refs)}
	p.begin()
	if waited := time.Since(p.tree.began); waited > time.Minute {
		t.Errorf("the run counts %s from before its beginning", waited)
	}
	for _, e := range []activity.Event{
		{Kind: activity.Started, Region: east, Stack: "test-vpc", Status: "create"},
		{Kind: activity.Done, Region: east, Stack: "test-vpc"},
		{Kind: activity.Started, Region: east, Stack: "test-web", Status: "update"},
		{Kind: activity.LaunchFailed, Region: east, Stack: "test-web", Reason: "no vCPU"},
		{Kind: activity.Resource, Region: east, Stack: "test-web", Resource: "Asg", Status: "UPDATE_FAILED", Reason: "the reason"},
		{Kind: activity.Failed, Region: east, Stack: "test-web", Reason: "the reason"},
		{Kind: activity.Skipped, Region: west, Stack: "test-web", Reason: "comes in a wave after us-east-1/test-web, which failed"},
		{Kind: activity.Warning, Region: east, Stack: "test-vpc", Reason: "a warning"},
	} {
		p.listen(e)
	}
	out.Reset()
	p.end()
	got := ansi.Strip(out.String())
	if i := strings.Index(got, west+"\n"); i > 0 {
		got = got[i:] // bubbletea clears its drawing before
	}
	for _, want := range []string{"✓ test-vpc  deployed", "✗ test-web  failed", "- test-web  skipped: comes in a wave after", "a warning"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q is in it %d times:\n%s", want, strings.Count(got, want), got)
		}
	}
	for _, twice := range []string{"the reason", "no vCPU"} {
		if strings.Contains(got, twice) {
			t.Errorf("%s is explained at the end, and here, too:\n%s", twice, got)
		}
	}
}

// A question that is given up when the run has ended must not bring the tree back.
func TestPictureStaysOver(t *testing.T) {
	p := &picture{out: io.Discard, tree: newTree(false, time.Now(), "deployed", nil)}
	p.begin()
	release := p.hold()
	p.end()
	release()
	if p.program != nil {
		t.Error("it draws again after its end")
		p.stop()
	}
}
