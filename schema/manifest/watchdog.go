package manifest

import (
	"cmp"
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

// Within runs an evaluation of CUE other than a manifest, such as policies or tests, under the limits for a manifest. The name is
// the file or directory to blame. A panic of CUE is an error.
func Within[T any](name string, evaluate func() T) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	out, err := within(evaluationAllowance, name, func() (out outcome) {
		defer func() {
			if p := recover(); p != nil {
				out.err = fmt.Errorf("%s: cannot evaluate it: %s", name, shorten(fmt.Sprint(p), 60))
			}
		}()
		out.value = evaluate()
		return out
	})
	return out.value, cmp.Or(err, out.err)
}

// within runs an evaluation under a limit. CUE cannot be stopped, so an evaluation over the limit continues in the
// background, and the command has to end the process on this error.
func within[T any](most allowance, name string, evaluate func() T) (none T, err error) {
	// The buffer lets the goroutine end when its result comes too late.
	done := make(chan T, 1)
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
				return none, fmt.Errorf(
					"%s: evaluating it takes more than %v; look for comprehensions and disjunctions that multiply", name, most.time)
			}
			if used := memoryInUse(); used > most.memory {
				return none, fmt.Errorf(
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
