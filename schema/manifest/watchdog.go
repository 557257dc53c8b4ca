package manifest

import (
	"fmt"
	gauges "runtime/metrics"
	"time"
)

// allowance is what evaluating one .cue manifest may take.
type allowance struct {
	time   time.Duration
	memory uint64 // bytes of the whole process
}

// evaluationAllowance is what no honest manifest comes near: one takes milliseconds and a few megabytes. A few lines of CUE can
// ask for any amount of either.
var evaluationAllowance = allowance{10 * time.Second, 1 << 30}

// within runs an evaluation with an allowance. CUE cannot be stopped: past it the evaluation goes on in the background, and the
// error is for the command to end the process at once.
func within(most allowance, name string, evaluate func() *Tree) (*Tree, error) {
	done := make(chan *Tree, 1)
	go func() { done <- evaluate() }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(most.time)
	for {
		select {
		case t := <-done:
			return t, nil
		case now := <-tick.C:
			if now.After(deadline) {
				return nil, fmt.Errorf("%s: evaluating it takes more than %v; look for comprehensions and disjunctions that multiply", name, most.time)
			}
			if used := memoryInUse(); used > most.memory {
				return nil, fmt.Errorf("%s: evaluating it takes more than %d MiB of memory; look for lists and text that double", name, most.memory>>20)
			}
		}
	}
}

// memoryInUse is what the process holds of the system's memory.
func memoryInUse() uint64 {
	samples := []gauges.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	gauges.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
