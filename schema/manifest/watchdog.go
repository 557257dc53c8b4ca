package manifest

import (
	"fmt"
	gauges "runtime/metrics"
	"time"
)

// allowance limits the evaluation of one .cue manifest.
type allowance struct {
	time   time.Duration
	memory uint64 // bytes of the whole process
}

// evaluationAllowance is far more than any real manifest needs: milliseconds and a few megabytes. A few lines of
// CUE can use any amount of both.
var evaluationAllowance = allowance{10 * time.Second, 1 << 30}

// within runs an evaluation under a limit. CUE cannot be stopped, so an evaluation over the limit continues in the
// background, and the command has to end the process on this error.
func within(most allowance, name string, evaluate func() *Tree) (*Tree, error) {
	// The buffer lets the goroutine end when its result comes too late.
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
				return nil, fmt.Errorf(
					"%s: evaluating it takes more than %v; look for comprehensions and disjunctions that multiply", name, most.time)
			}
			if used := memoryInUse(); used > most.memory {
				return nil, fmt.Errorf(
					"%s: evaluating it takes more than %d MiB of memory; look for lists and text that double", name, most.memory>>20)
			}
		}
	}
}

// memoryInUse returns the process's memory in bytes.
func memoryInUse() uint64 {
	// Memory given back to the system does not count. Reading these gauges does not stop the program, unlike
	// runtime.ReadMemStats.
	samples := []gauges.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	gauges.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
