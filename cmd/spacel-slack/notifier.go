package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// margin is the part of the function's timeout kept back for logging why a run failed.
const margin = time.Second

// notifier posts the records of an SNS topic to Slack.
type notifier struct {
	hook  *hook
	slack slack
	log   *slog.Logger
}

// handle posts every record of an event. It tries all of them; an error makes Lambda run the whole event again, later.
func (n notifier) handle(ctx context.Context, event events.SNSEvent) error {
	if len(event.Records) == 0 {
		err := errors.New("not an event of an SNS topic: it has no records")
		n.log.Error("cannot read", "error", err.Error())
		return err
	}
	var failures []error
	for i, record := range event.Records {
		if err := n.notify(ctx, record.SNS, len(event.Records)-i); err != nil {
			n.log.Error("not posted", "message", record.SNS.MessageID, "topic", record.SNS.TopicArn, "error", err.Error())
			failures = append(failures, fmt.Errorf("message %s: %w", record.SNS.MessageID, err))
		}
	}
	return errors.Join(failures...)
}

// notify posts one record. left is the number of records not yet posted, this one included: each gets an equal share of
// the remaining time.
func (n notifier) notify(ctx context.Context, record events.SNSEntity, left int) error {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, (time.Until(deadline)-margin)/time.Duration(left))
		defer cancel()
	}
	to, err := n.hook.open(ctx)
	if err != nil {
		return err
	}
	m := read(record)
	if err := n.slack.post(ctx, to, m); err != nil {
		// Slack may have revoked the webhook. A new one in SSM or Secrets Manager is then used without a restart of the function.
		if errors.Is(err, errRefused) {
			n.hook.forget()
			return fmt.Errorf("%w; the webhook is that of %s", err, n.hook.from.name)
		}
		return err
	}
	n.log.Info("posted", "message", record.MessageID, "topic", record.TopicArn)
	return nil
}
