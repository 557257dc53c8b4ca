package agent

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// The pauses between two questions to AWS: the first answer is often yes, and some waits are for minutes.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 15 * time.Second
)

// until calls ask again and again, with growing pauses, until there is nothing left to wait for. ask returns the reason
// to wait, or "". An error from ask ends the wait. Each new reason is logged, and the last one is in the error when ctx
// is over.
func until(ctx context.Context, log *slog.Logger, ask func(context.Context) (waiting string, err error)) error {
	said := ""
	for pause := firstPause; ; pause = min(pause*3/2, lastPause) {
		waiting, err := ask(ctx)
		switch {
		case err != nil && ctx.Err() != nil && said != "":
			return fmt.Errorf("out of time: %s: %w", said, err)
		case err != nil || waiting == "":
			return err
		case waiting != said:
			log.Info("waiting: " + waiting)
			said = waiting
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("out of time: %s: %w", said, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}
