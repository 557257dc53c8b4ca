package cloud

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// simulate makes so many calls of one operation with workers in parallel, against a server that takes perSecond calls with a burst,
// and answers after 50 ms. It returns the calls that were refused, and the time for all. The clock is simulated.
func simulate(t *testing.T, calls, workers int, perSecond, burst float64) (refused int, took time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		p, began := newPace(), time.Now()
		var mu sync.Mutex
		tokens, last := burst, time.Now()
		serve := func() bool {
			mu.Lock()
			defer mu.Unlock()
			now := time.Now()
			tokens, last = min(burst, tokens+perSecond*now.Sub(last).Seconds()), now
			if tokens < 1 {
				refused++
				return false
			}
			tokens--
			return true
		}
		work := make(chan struct{}, calls)
		for range calls {
			work <- struct{}{}
		}
		close(work)
		var wait sync.WaitGroup
		for range workers {
			wait.Go(func() {
				for range work {
					for attempt := 1; ; attempt++ {
						if err := p.wait(t.Context()); err != nil {
							t.Error(err)
						}
						ok := serve()
						time.Sleep(50 * time.Millisecond)
						if ok {
							p.took()
							break
						}
						p.throttled()
						time.Sleep(rand.N(min(20*time.Second, 500*time.Millisecond<<min(attempt-1, 16))))
					}
				}
			})
		}
		wait.Wait()
		took = time.Since(began)
	})
	return refused, took
}

// At most a tenth of the calls is refused, and the whole takes at most 1.3 times the time that the rate of AWS allows.
func TestPaceLearnsTheRate(t *testing.T) {
	for _, c := range []struct {
		calls, workers   int
		perSecond, burst float64
	}{{412, 8, 5, 10}, {1000, 8, 5, 10}, {1000, 10, 2, 5}, {1000, 10, 10, 20}, {1000, 20, 5, 10}, {4000, 10, 20, 40}} {
		refused, took := simulate(t, c.calls, c.workers, c.perSecond, c.burst)
		share := float64(refused) / float64(c.calls+refused)
		floor := (float64(c.calls) - c.burst) / c.perSecond
		if share > 0.1 || took.Seconds() > 1.3*floor {
			t.Errorf("%d calls at %g/s: %.1f %% refused, %.2f times the time of the rate", c.calls, c.perSecond,
				100*share, took.Seconds()/floor)
		}
	}
}

// Where AWS refuses nothing, the rate reaches its maximum.
func TestPaceWithoutLimits(t *testing.T) {
	if refused, took := simulate(t, 4000, 20, 1000, 1000); refused > 0 || took > 100*time.Second {
		t.Errorf("%d refused, %v for 4000 calls", refused, took)
	}
}
