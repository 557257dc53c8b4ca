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

// until asks again and again, with growing pauses, until there is nothing left to wait for. ask says what it waits for, "" when
// that is there; an error ends the wait. Each new thing waited for is logged, and the last is in the error when time is up.
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
