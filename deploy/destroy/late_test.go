package destroy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/cloudtest"
)

// A deletion that begins after its call was acknowledged is followed to its end, and nothing is skipped. The same holds for the
// updates that unbind other stacks.
func TestDeletionsThatBeginLate(t *testing.T) {
	b := newEnv(t)
	b.orbit(east)
	p := b.plan(Scope{})
	b.cf.BeginsLate = 40 * time.Millisecond
	if r := b.done(p); !r.OK() {
		t.Errorf("got %+v", r.Stacks)
	}
	for _, name := range []string{"test-vpc", "test-tables", "test-left", "test-right"} {
		if seen := b.cf.Seen(east, name); seen != nil {
			t.Errorf("%s is still there: %+v", name, seen)
		}
	}
}

func TestUnbindingThatBeginsLate(t *testing.T) {
	b := newEnv(t)
	b.orbit(east)
	p := b.plan(Scope{Apps: []string{"left"}})
	if len(p.Unbind) != 1 {
		t.Fatalf("got %+v", p.Unbind)
	}
	b.cf.BeginsLate = 30 * time.Millisecond
	if r := b.done(p); !r.OK() || b.cf.Seen(east, "test-right").Parameters["Other"] != "" {
		t.Errorf("got %+v", r.Stacks)
	}
}

// A deletion that never begins is a failure with its cause, and the stack is protected as before.
func TestDeletionThatNeverBegins(t *testing.T) {
	b := newEnv(t)
	b.put(east, "test-left", "left", appTemplate, map[string]string{"VpcId": "vpc-1"}, func(s *cloudtest.Stack) { s.Protected = true })
	p := b.plan(Scope{})
	b.cf.BeginsLate = time.Hour
	r, err := p.Execute(t.Context(), b.cloud, live.New(b.cloud), Options{Poll: time.Millisecond, Patience: 60 * time.Millisecond}, b,
		activity.NewControl(), b.listen)
	if err != nil {
		t.Fatal(err)
	}
	why := ""
	for _, s := range r.Stacks {
		why += s.Why + "\n"
	}
	if r.OK() || !strings.Contains(why, "did not begin within 60ms: the stack is still CREATE_COMPLETE") {
		t.Errorf("got %s", why)
	}
	if !b.cf.Seen(east, "test-left").Protected {
		t.Errorf("the termination protection stays off; told %s", fmt.Sprint(b.events))
	}
}
