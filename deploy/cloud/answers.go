package cloud

import (
	"sync"

	"golang.org/x/sync/singleflight"
)

// Answers caches AWS's answer to each question of a run, so that many stacks ask only once. It does not cache an
// error. The zero value is ready to use, and Answers is safe for concurrent use.
type Answers[V any] struct {
	asking singleflight.Group
	mu     sync.Mutex
	known  map[string]V
}

// To returns the answer to a question, and calls ask if nobody asked it before. A caller with a question that another
// goroutine is asking right now waits for that answer.
func (a *Answers[V]) To(question string, ask func() (V, error)) (V, error) {
	if answer, ok := a.find(question); ok {
		return answer, nil
	}
	answer, err, _ := a.asking.Do(question, func() (any, error) {
		if answer, ok := a.find(question); ok {
			return answer, nil
		}
		answer, err := ask()
		if err == nil {
			a.remember(question, answer)
		}
		return answer, err
	})
	return answer.(V), err
}

// Forget drops an answer, so the next To asks again.
func (a *Answers[V]) Forget(question string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.known, question)
}

// find returns a cached answer.
func (a *Answers[V]) find(question string) (V, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer, ok := a.known[question]
	return answer, ok
}

// remember caches an answer.
func (a *Answers[V]) remember(question string, answer V) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil {
		a.known = map[string]V{}
	}
	a.known[question] = answer
}
