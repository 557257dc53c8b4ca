package deploy

import "sync"

// Control steers a deployment that runs. Its methods can be called from anywhere, at any time and more than once.
type Control struct {
	stop, cancel, detach signal
}

// NewControl gives the control of one run.
func NewControl() *Control {
	return &Control{stop: newSignal(), cancel: newSignal(), detach: newSignal()}
}

// Stop lets no more stacks start. Those that run are followed to their end.
func (c *Control) Stop() { c.stop.raise() }

// Cancel stops, rolls running updates back and deletes stacks that are being created.
func (c *Control) Cancel() {
	c.Stop()
	c.cancel.raise()
}

// Detach stops and follows nothing any more: what runs in CloudFormation goes on there, and the next run picks it up.
func (c *Control) Detach() {
	c.Stop()
	c.detach.raise()
}

// Stopped is closed when nothing more may start.
func (c *Control) Stopped() <-chan struct{} { return c.stop.raised }

// Detached is closed when nothing is to be followed any more.
func (c *Control) Detached() <-chan struct{} { return c.detach.raised }

// signal is raised once, for all who look.
type signal struct {
	once   *sync.Once
	raised chan struct{}
}

func newSignal() signal { return signal{&sync.Once{}, make(chan struct{})} }

func (s signal) raise() { s.once.Do(func() { close(s.raised) }) }

func (s signal) isRaised() bool {
	select {
	case <-s.raised:
		return true
	default:
		return false
	}
}
