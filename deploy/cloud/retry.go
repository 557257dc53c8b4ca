package cloud

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// attempts is the number of times a call is made before it counts as failed. With the delays between them, the
// attempts outlast a minute of throttling.
const attempts = 12

// Fewer attempts are made where more would only keep the cause from the user.
const (
	answerAttempts  = 3 // after a page of a proxy with a status of 500 or more, or an empty answer
	silentAttempts  = 2 // when no answer came in time, each of which took Timing.Answer
	refusedAttempts = 6 // when the connection is refused by an endpoint that answered before in this run
	firstAttempts   = 4 // when the connection breaks, and nothing answered before in this run
)

// longestDelay is how many times longer than Timing.Delay the delay between two attempts becomes.
const longestDelay = 40

// retryer retries the calls of one service in one region, each operation at its own pace. Unlike the SDK's standard retryer it
// has no quota of retries: giving up in the middle of a deployment would only leave more to repeat.
type retryer struct {
	aws.RetryerV2
	cloud     *Cloud
	throttles retry.IsErrorThrottles

	mu    sync.Mutex
	paces map[string]*pace // by operation
}

// newRetryer makes the retryer for one service in one region. ratelimit.None turns the SDK's quota of retries off. The standard
// retryer still decides which errors are worth another attempt.
func newRetryer(c *Cloud) *retryer {
	standard := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.RateLimiter = ratelimit.None
		o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(isBetterLater)}, o.Retryables...)
		o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(isTruncated), retry.RetryableErrorCode{Codes: clockErrorCodes})
	})
	return &retryer{RetryerV2: standard, cloud: c, throttles: retry.DefaultThrottles, paces: map[string]*pace{}}
}

// clockErrorCodes are EC2's codes for a wrong clock on this machine. The SDK measures the difference from the Date
// header of the answer and signs the next attempt with the corrected time, but it does not know that EC2's code is
// worth another attempt.
var clockErrorCodes = map[string]struct{}{"RequestExpired": {}}

// isTruncated tells the SDK to retry after an answer whose end is missing. The SDK would report such an answer as
// malformed XML or JSON.
func isTruncated(err error) aws.Ternary {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// isBetterLater decides about answers that AWS did not write.
func isBetterLater(err error) aws.Ternary {
	if answer, ok := errors.AsType[*AnswerError](err); ok {
		return aws.BoolTernary(answer.mayPass())
	}
	return aws.UnknownTernary
}

// RetryDelay returns a random delay (full jitter), so that calls which failed together do not come again together.
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
// The SDK calls it before each further attempt, and makes none after an error.
func (r *retryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	switch most := r.mostAttempts(err); {
	// One attempt was enough to know the cause. The error itself is returned, without a count of attempts.
	case most == 1:
		return 0, err
	case attempt >= most:
		return 0, &retry.MaxAttemptsError{Attempt: attempt, Err: err}
	}
	first := r.cloud.timing.delay()
	return rand.N(min(longestDelay*first, first<<min(attempt-1, 16))), nil
}

// mostAttempts is the one policy for failing connections and useless answers. A dead endpoint is reported at once
// when nothing answered before. In the middle of a run there is more patience.
func (r *retryer) mostAttempts(err error) int {
	var timeout interface{ Timeout() bool }
	answered := r.cloud.answered.Load()
	_, useless := errors.AsType[*AnswerError](err)
	switch {
	case useless:
		return answerAttempts
	case errors.Is(err, syscall.ECONNREFUSED) && !answered:
		return 1
	case errors.Is(err, syscall.ECONNREFUSED):
		return refusedAttempts
	case isUnreachable(err) && errors.As(err, &timeout) && timeout.Timeout():
		return silentAttempts
	case isUnreachable(err) && !answered:
		return firstAttempts
	}
	return attempts
}

// GetAttemptToken waits until the operation's pace allows another call. The SDK calls it before each attempt, and the function
// which it returns afterwards, with the attempt's error.
func (r *retryer) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	p := r.pace(middleware.GetOperationName(ctx))
	if err := p.wait(ctx); err != nil {
		return nil, err
	}
	return func(err error) error {
		if r.throttles.IsErrorThrottle(err).Bool() {
			p.throttled()
		} else {
			p.took()
		}
		return nil
	}, nil
}

// pace returns the pace of an operation. A refused DescribeStacks does not slow CreateChangeSet down.
func (r *retryer) pace(operation string) *pace {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.paces[operation] == nil {
		r.paces[operation] = newPace()
	}
	return r.paces[operation]
}
