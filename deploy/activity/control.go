package activity

import "sync"

// Control stops a run from outside. Its methods may be called from any goroutine, at any time and more than once.
type Control struct {
	stop, cancel, detach signal
}

// NewControl returns the control of one run.
func NewControl() *Control {
	return &Control{stop: newSignal(), cancel: newSignal(), detach: newSignal()}
}

// Stop keeps further stacks from starting. Running operations are followed to their end.
func (c *Control) Stop() { c.stop.raise() }

// Cancel stops, rolls back running updates, and deletes stacks in creation.
func (c *Control) Cancel() {
	c.Stop()
	c.cancel.raise()
}

// Detach stops, and no longer follows running operations: they go on in CloudFormation, and the next run picks them up.
func (c *Control) Detach() {
	c.Stop()
	c.detach.raise()
}

// Stopped is closed when nothing more may start.
func (c *Control) Stopped() <-chan struct{} { return c.stop.raised }

// Cancelled is closed when running operations are to be undone.
func (c *Control) Cancelled() <-chan struct{} { return c.cancel.raised }

// Detached is closed when running operations are no longer to be followed.
func (c *Control) Detached() <-chan struct{} { return c.detach.raised }

// IsStopped reports whether nothing more may start.
func (c *Control) IsStopped() bool { return c.stop.isRaised() }

// IsDetached reports whether running operations are no longer to be followed.
func (c *Control) IsDetached() bool { return c.detach.isRaised() }

// signal is raised once, and seen by any number of goroutines: raising it closes the channel.
type signal struct {
	once   *sync.Once
	raised chan struct{}
}

// A signal shares its Once between copies, because Control hands signals around by value.
func newSignal() signal { return signal{&sync.Once{}, make(chan struct{})} }

// raise closes the channel. Closing it twice would panic, so only the first call does it.
func (s signal) raise() { s.once.Do(func() { close(s.raised) }) }

func (s signal) isRaised() bool {
	select {
	case <-s.raised:
		return true
	default:
		return false
	}
}
