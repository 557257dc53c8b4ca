package deploy

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
)

// approvals remembers the user's answers. Questions come one at a time, because there is one terminal.
// Several stacks run at the same time, and each may have a question. mu is held while one is asked, so the others wait.
type approvals struct {
	consent Consent

	mu      sync.Mutex
	answers map[string]bool // by danger
}

// newApprovals begins with the dangers that --allow-replace names as agreed to. The list holds values of Danger.ID.
func newApprovals(consent Consent, allowed []string) *approvals {
	a := &approvals{consent: consent, answers: map[string]bool{}}
	for _, id := range allowed {
		a.answers[id] = true
	}
	return a
}

// dangers reports whether the user agrees to all dangers of a plan. Each is asked about once.
func (a *approvals) dangers(ctx context.Context, plan StackPlan) (bool, error) {
	if len(plan.Dangers) == 0 {
		return true, nil // without waiting for a question about another stack
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var ask []Danger
	for _, danger := range plan.Dangers {
		if _, answered := a.answers[danger.ID]; !answered {
			ask = append(ask, danger)
		}
	}
	if len(ask) > 0 {
		yes, err := a.consent.Dangers(ctx, plan, ask)
		if err != nil {
			return false, err
		}
		// One answer holds for all dangers of the question. A no is remembered, too: the user is not asked again after a new plan.
		for _, danger := range ask {
			a.answers[danger.ID] = yes
		}
	}
	return !slices.ContainsFunc(plan.Dangers, func(d Danger) bool { return !a.answers[d.ID] }), nil
}

// skip asks whether a failed rollback is continued without these resources. The answer is not remembered, since the list of
// resources is another one each time.
func (a *approvals) skip(ctx context.Context, ref assembly.StackRef, failed []live.FailedResource) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.consent.SkipResources(ctx, ref, failed)
}

// leaveBehind asks whether a failed stack is deleted while these resources stay in the account.
func (a *approvals) leaveBehind(ctx context.Context, ref assembly.StackRef, failed []live.FailedResource) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.consent.LeaveBehind(ctx, ref, failed)
}

// agree refuses a plan with dangers without the user's agreement.
func (x executor) agree(ctx context.Context, plan StackPlan) error {
	yes, err := x.approvals.dangers(ctx, plan)
	if err != nil {
		return refuse("%s: %v", x.ref(), err)
	}
	if yes {
		return nil
	}
	var lines []string
	for _, d := range plan.Dangers {
		lines = append(lines, d.What+" (--allow-replace "+d.ID+")")
	}
	return refuse("%s: not agreed to: %s", x.ref(), strings.Join(lines, "; "))
}
