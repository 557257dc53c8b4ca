package schedule

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
)

// All regions are worked on side by side, each with its own limit.
func TestEachLimitsRegions(t *testing.T) {
	const regions = 3
	var mu sync.Mutex
	active, most, calls := map[string]int{}, map[string]int{}, 0
	regionOf := func(i int) string { return fmt.Sprint("r", i%regions) }
	full := make(chan struct{}) // closed when every region has as many calls as its limit
	reached := 0
	err := Each(t.Context(), 60, 0, regionOf, func(_ context.Context, i int) error {
		mu.Lock()
		calls++
		region := regionOf(i)
		active[region]++
		most[region] = max(most[region], active[region])
		if active[region] == DefaultConcurrency {
			if reached++; reached == regions {
				close(full)
			}
		}
		mu.Unlock()
		<-full
		mu.Lock()
		active[region]--
		mu.Unlock()
		return nil
	})
	if err != nil || calls != 60 {
		t.Errorf("%d calls, %v", calls, err)
	}
	for region, n := range most {
		if n != DefaultConcurrency {
			t.Errorf("%s had %d calls at a time", region, n)
		}
	}
}

func TestEachReturnsTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	err := Each(t.Context(), 4, 0, func(i int) string { return fmt.Sprint(i % 2) }, func(ctx context.Context, i int) error {
		if i == 2 {
			return broken
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
