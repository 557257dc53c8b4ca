package schedule

import (
	"context"
	"fmt"
	"math/rand"
	"slices"
	"sync"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
)

// recorded is what a run did: the turns in the order of their beginnings, and the reasons of skipped stacks.
type recorded struct {
	sync.Mutex
	began, ended []int
	most         map[string]int // by region: stacks in progress at a time
	skipped      map[int]Reason
}

// run runs a random graph whose failing stacks are given.
func run(t *testing.T, stacks []assembly.StackRef, needs [][]int, fails map[int]bool, limit int) *recorded {
	r := &recorded{most: map[string]int{}, skipped: map[int]Reason{}}
	active := map[string]int{}
	Run(t.Context(), Graph{
		Stacks: stacks, Limit: limit, Stopped: func() bool { return false },
		Needs: func(i int) []assembly.StackRef {
			out := []assembly.StackRef{{Region: "elsewhere", Name: "not-in-the-graph"}}
			for _, j := range needs[i] {
				out = append(out, stacks[j])
			}
			return out
		},
		Do: func(_ context.Context, i int) bool {
			r.Lock()
			r.began = append(r.began, i)
			active[stacks[i].Region]++
			r.most[stacks[i].Region] = max(r.most[stacks[i].Region], active[stacks[i].Region])
			r.Unlock()
			r.Lock()
			defer r.Unlock()
			active[stacks[i].Region]--
			r.ended = append(r.ended, i)
			return !fails[i]
		},
		Skip: func(i int, why Reason) { r.skipped[i] = why },
	})
	return r
}

// For random graphs: each stack has one turn or is skipped, a turn comes after the turns of all needs, a stack is skipped exactly
// when a need was not done or when needs form a circle, and no region has more stacks in progress than its limit.
func TestRandomGraphs(t *testing.T) {
	for seed := range int64(300) {
		random := rand.New(rand.NewSource(seed))
		n := 1 + random.Intn(40)
		stacks, needs, fails := make([]assembly.StackRef, n), make([][]int, n), map[int]bool{}
		for i := range n {
			stacks[i] = assembly.StackRef{Region: fmt.Sprintf("r%d", random.Intn(3)), Name: fmt.Sprintf("s%d", i)}
			fails[i] = random.Intn(8) == 0
			for range random.Intn(4) {
				if j := random.Intn(n); j < i || random.Intn(20) == 0 {
					needs[i] = append(needs[i], j)
				}
			}
		}
		limit := 1 + random.Intn(4)
		r := run(t, stacks, needs, fails, limit)
		done := expectedTurns(needs, fails)
		for i := range n {
			turns := len(slices.DeleteFunc(slices.Clone(r.began), func(j int) bool { return j != i }))
			why, skipped := r.skipped[i]
			switch {
			case done[i] != (turns == 1) || skipped == (turns == 1):
				t.Fatalf("seed %d: stack %d had %d turns, skipped: %v", seed, i, turns, skipped)
			case skipped && why.BlockedBy == nil && len(why.Cycle) == 0:
				t.Fatalf("seed %d: stack %d was skipped without a reason", seed, i)
			}
			for _, j := range needs[i] {
				if turns == 1 && slices.Index(r.ended, j) > slices.Index(r.ended, i) {
					t.Fatalf("seed %d: stack %d ended before %d, which it needs", seed, i, j)
				}
			}
		}
		for region, most := range r.most {
			if most > limit {
				t.Fatalf("seed %d: %d stacks of %s at a time, limit %d", seed, most, region, limit)
			}
		}
	}
}

// expectedTurns returns the stacks that get a turn, by the simplest algorithm: repeat until nothing changes.
func expectedTurns(needs [][]int, fails map[int]bool) map[int]bool {
	turn := map[int]bool{}
	for again := true; again; {
		again = false
		for i := range needs {
			if !turn[i] && !slices.ContainsFunc(needs[i], func(j int) bool { return !turn[j] || fails[j] }) {
				turn[i], again = true, true
			}
		}
	}
	return turn
}

// A stopped run skips all stacks that did not begin, without a reason.
func TestStopped(t *testing.T) {
	stopped := false
	skipped := 0
	stacks := []assembly.StackRef{{Region: "r", Name: "a"}, {Region: "r", Name: "b"}, {Region: "r", Name: "c"}}
	Run(t.Context(), Graph{
		Stacks: stacks, Limit: 1, Stopped: func() bool { return stopped },
		Needs: func(int) []assembly.StackRef { return nil },
		Do:    func(context.Context, int) bool { stopped = true; return true },
		Skip: func(_ int, why Reason) {
			skipped++
			if why.BlockedBy != nil || why.Cycle != nil {
				t.Errorf("the reason of a stop is %+v", why)
			}
		},
	})
	if skipped != 2 {
		t.Errorf("%d stacks were skipped, want 2", skipped)
	}
}

// Ready stacks of a region start in the graph's order.
func TestOrder(t *testing.T) {
	var stacks []assembly.StackRef
	for i := range 20 {
		stacks = append(stacks, assembly.StackRef{Region: "r", Name: fmt.Sprint(i)})
	}
	needs := make([][]int, len(stacks))
	needs[0], needs[5] = []int{19}, []int{19}
	r := run(t, stacks, needs, nil, 1)
	if want := append([]int{1, 2, 3, 4}, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 0, 5); !slices.Equal(r.began, want) {
		t.Errorf("got %v, want %v", r.began, want)
	}
}

// BenchmarkRun is a region of 4,000 apps that all need the VPC.
func BenchmarkRun(b *testing.B) {
	stacks := []assembly.StackRef{{Region: "r", Name: "vpc"}}
	for i := range 4000 {
		stacks = append(stacks, assembly.StackRef{Region: "r", Name: fmt.Sprintf("app%d", i)})
	}
	for b.Loop() {
		Run(b.Context(), Graph{
			Stacks: stacks, Limit: 10, Stopped: func() bool { return false },
			Needs: func(i int) []assembly.StackRef { return stacks[:min(i, 1)] },
			Do:    func(context.Context, int) bool { return true }, Skip: func(int, Reason) {},
		})
	}
}
