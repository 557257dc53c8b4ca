package cloud

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

func TestAnswersAreAskedForOnce(t *testing.T) {
	var a Answers[int]
	var asked atomic.Int32
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			if got, err := a.To("question", func() (int, error) { asked.Add(1); return 7, nil }); got != 7 || err != nil {
				t.Errorf("got %d, %v", got, err)
			}
		})
	}
	wait.Wait()
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
	a.Forget("question")
	if got, _ := a.To("question", func() (int, error) { return 8, nil }); got != 8 {
		t.Errorf("got %d after it was forgotten", got)
	}
}

func TestAnswersForgetFailures(t *testing.T) {
	var a Answers[int]
	failure := errors.New("failure")
	if _, err := a.To("question", func() (int, error) { return 0, failure }); err != failure {
		t.Errorf("got %v", err)
	}
	if got, err := a.To("question", func() (int, error) { return 7, nil }); got != 7 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
}
