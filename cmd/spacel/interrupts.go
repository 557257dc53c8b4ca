package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// grace is how long an interrupted command may take to clean up.
const grace = 2 * time.Second

// interrupts are the signals that ask the process to end. The first cancels the context, and ends the process after a
// grace; the second ends it at once. A command that changes what runs in AWS says itself what they mean: see takeOver.
type interrupts struct {
	stderr io.Writer
	exit   func(code int)

	mu     sync.Mutex
	count  int
	handle func(n int) // of the command that took over
}

type interruptsKey struct{}

// catchInterrupts lets the context end with the first signal.
func catchInterrupts(ctx context.Context, stderr io.Writer) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	in := &interrupts{stderr: stderr, exit: os.Exit}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for range signals {
			in.arrived(cancel)
		}
	}()
	return context.WithValue(ctx, interruptsKey{}, in)
}

func (in *interrupts) arrived(cancel func()) {
	in.mu.Lock()
	in.count++
	n, handle := in.count, in.handle
	in.mu.Unlock()
	switch {
	case handle != nil:
		handle(n)
	case n == 1:
		cancel()
		time.AfterFunc(grace, func() { in.end() })
	default:
		in.end()
	}
}

// end is for a command that does not end by itself.
func (in *interrupts) end() {
	in.mu.Lock()
	taken := in.handle != nil
	in.mu.Unlock()
	if !taken {
		fmt.Fprintln(in.stderr, interrupted)
		in.exit(exitInterrupted)
	}
}

// takeOver gives a command the interrupts: handle is called with 1, 2 and so on, and the context it returns ends only with
// the returned function. Where no signals are caught, in a test, the end of the context is the first.
func takeOver(ctx context.Context, handle func(n int)) (context.Context, context.CancelFunc) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	in, ok := ctx.Value(interruptsKey{}).(*interrupts)
	if !ok {
		stop := context.AfterFunc(ctx, func() { handle(1) })
		return own, func() { stop(); cancel() }
	}
	in.mu.Lock()
	in.handle = handle
	missed := in.count
	in.mu.Unlock()
	for n := range missed {
		handle(n + 1)
	}
	return own, func() {
		in.mu.Lock()
		in.handle = func(int) { in.exit(exitInterrupted) } // what there is to say was said
		in.mu.Unlock()
		cancel()
	}
}

// interruption ends a command with exitInterrupted and says how things stand.
type interruption string

func (i interruption) Error() string { return string(i) }
