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

// grace is the time allowed for an interrupted command to clean up temporary files before the process ends.
const grace = 2 * time.Second

// interrupts counts the signals SIGINT and SIGTERM. The first one cancels the context and ends the process after a grace
// period. The second one ends it at once. A command that changes stacks in AWS handles them itself: see takeOver.
type interrupts struct {
	stderr io.Writer
	exit   func(code int)

	mu     sync.Mutex
	count  int
	handle func(n int) // of the command that took over
}

// interruptsKey is the key of *interrupts in the context.
type interruptsKey struct{}

// catchInterrupts returns a context that ends with the first signal. The interrupts travel in the context, because only the
// command, which runs deep inside the cli library, knows whether to take them over.
func catchInterrupts(ctx context.Context, stderr io.Writer) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	in := &interrupts{stderr: stderr, exit: os.Exit}
	// signal.Notify drops a signal if the channel is full, so there is room for an impatient user's signals.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for range signals {
			in.arrived(cancel)
		}
	}()
	return context.WithValue(ctx, interruptsKey{}, in)
}

// arrived handles a signal. Only the first one cancels: after a second one the user does not want to wait.
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

// end ends a command that did not return within the grace period. A command that took over in the meantime is left alone.
func (in *interrupts) end() {
	in.mu.Lock()
	taken := in.handle != nil
	in.mu.Unlock()
	if !taken {
		fmt.Fprintln(in.stderr, interrupted)
		in.exit(exitInterrupted)
	}
}

// takeOver makes a command handle interrupts itself: handle is called with 1 for the first signal, 2 for the second and so
// on, also for signals that arrived before. The returned context does not end with a signal, only with the returned
// function. In a test, where no signals are caught, the end of ctx counts as the first signal.
func takeOver(ctx context.Context, handle func(n int)) (context.Context, context.CancelFunc) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	in, ok := ctx.Value(interruptsKey{}).(*interrupts)
	if !ok {
		stop := context.AfterFunc(ctx, func() { handle(1) })
		return own, func() { stop(); cancel() }
	}
	in.mu.Lock()
	in.handle = handle
	// Signals that arrived before the command took over must count: the user has already asked to stop.
	missed := in.count
	in.mu.Unlock()
	for n := range missed {
		handle(n + 1)
	}
	return own, func() {
		in.mu.Lock()
		in.handle = func(int) { in.exit(exitInterrupted) } // the result was printed
		in.mu.Unlock()
		cancel()
	}
}

// interruption is the error of an interrupted command. It ends with exitInterrupted, and its text tells whether anything was changed.
type interruption string

// Error returns the text.
func (i interruption) Error() string { return string(i) }
