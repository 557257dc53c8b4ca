package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/pebble/spacel/agent/document"
)

// What PutLogEvents takes: bytes a call, an event counting for 26 more than its text, and events a call (CloudWatch Logs API,
// PutLogEvents). A line is cut well below the largest event.
const (
	maxBatchBytes  = 1 << 20
	maxBatchEvents = 10000
	eventOverhead  = 26
	maxLine        = 16 << 10
	maxWaiting     = 20000 // lines; the oldest go when a group cannot be reached
)

// logPause is how long a line may wait until it is sent.
const logPause = 5 * time.Second

// logStream is a stream of a log group, which the user data's script may have made already.
type logStream struct {
	client        *cloudwatchlogs.Client
	group, stream string
	complained    bool

	mu      sync.Mutex
	made    bool
	waiting []logLine
}

// add queues lines. When too many wait, the oldest are dropped, so that an unreachable log group cannot fill the memory.
func (s *logStream) add(lines ...logLine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, lines...)
	if more := len(s.waiting) - maxWaiting; more > 0 {
		s.waiting = s.waiting[more:]
	}
}

// flush sends the waiting lines. Lines that could not be sent go on waiting.
func (s *logStream) flush(ctx context.Context) error {
	for {
		batch := s.batch()
		if len(batch) == 0 {
			return nil
		}
		if err := s.put(ctx, batch); err != nil {
			return fmt.Errorf("write to log group %s: %w", s.group, err)
		}
		s.mu.Lock()
		// add may have dropped old lines while the call was under way, so fewer than the batch may be left.
		s.waiting = s.waiting[min(len(batch), len(s.waiting)):]
		s.mu.Unlock()
	}
}

// batch returns as many of the waiting lines as one call takes.
func (s *logStream) batch() []types.InputLogEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	var batch []types.InputLogEvent
	size := 0
	for _, line := range s.waiting {
		text := strings.ToValidUTF8(line.text[:min(len(line.text), maxLine)], "")
		if text == "" {
			text = " " // an event must have a text
		}
		if size += len(text) + eventOverhead; size > maxBatchBytes || len(batch) == maxBatchEvents {
			break
		}
		at := line.at.UnixMilli()
		batch = append(batch, types.InputLogEvent{Message: &text, Timestamp: &at})
	}
	return batch
}

// put sends a batch in one call.
func (s *logStream) put(ctx context.Context, batch []types.InputLogEvent) error {
	if err := s.make(ctx); err != nil {
		return err
	}
	_, err := s.client.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: &s.group, LogStreamName: &s.stream,
		LogEvents: batch})
	return err
}

// make creates the stream, once. userdata/install.sh may have created it already.
func (s *logStream) make(ctx context.Context) error {
	if s.made {
		return nil
	}
	_, err := s.client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &s.group, LogStreamName: &s.stream})
	var exists *types.ResourceAlreadyExistsException
	if err != nil && !errors.As(err, &exists) {
		return err
	}
	s.made = true
	return nil
}

// streams are where the boot's log goes beside the console: a stream of the instance's own in each group.
func (b *Boot) streams() []*logStream {
	groups := []string{b.Document.BootLog}
	if b.Document.Logging != nil {
		groups = append(groups, b.Document.Logging.Deploy)
	}
	var streams []*logStream
	for _, group := range groups {
		if group != "" {
			streams = append(streams, &logStream{client: b.AWS.Logs, group: group, stream: b.streamName()})
		}
	}
	return streams
}

// streamName is the instance's stream in the boot log. userdata/install.sh writes to the same one when it fails.
func (b *Boot) streamName() string {
	return document.BootStream(b.Document.App, b.Instance.ID)
}

// ship sends the log every few seconds in the background. The returned function ends this and sends the rest.
func (o *logOutput) ship(ctx context.Context) (stop func(context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for sleep(ctx, logPause) {
			o.flush(ctx)
		}
	}()
	return func(last context.Context) {
		cancel()
		<-ended
		o.flush(last)
	}
}
