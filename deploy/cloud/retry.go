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
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"golang.org/x/time/rate"
)

// attempts is how often a call is made before its failure is the world's. With the delays between them this outlasts a
// throttled minute.
const attempts = 12

// Delays between attempts grow from the first to the longest.
const (
	firstDelay   = 500 * time.Millisecond
	longestDelay = 20 * time.Second
)

// Calls a second that one service in one region gets. Its limits are not known beforehand, and others use them up too.
const (
	maxRate = 50
	minRate = 3
)

// retryer is one service's in one region. All calls share its rate limit, which falls when AWS throttles and recovers with
// every success; there is no quota of retries, for giving up in the middle of a deployment helps nobody.
type retryer struct {
	aws.RetryerV2
	throttles retry.IsErrorThrottles

	calls *rate.Limiter
	mu    sync.Mutex
	fell  time.Time // when the limit fell last
}

func newRetryer() *retryer {
	standard := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.RateLimiter = ratelimit.None
		o.Backoff = retry.BackoffDelayerFunc(delay)
		o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(isTruncated), retry.RetryableErrorCode{Codes: clockErrorCodes})
	})
	return &retryer{RetryerV2: standard, throttles: retry.DefaultThrottles, calls: rate.NewLimiter(maxRate, maxRate)}
}

// clockErrorCodes is what EC2 says of a clock that is off. The next attempt is signed with the time that the answer came with; the SDK
// knows the other services' codes itself.
var clockErrorCodes = map[string]struct{}{"RequestExpired": {}}

// isTruncated tells an answer whose end is missing, which the SDK takes for a wrong one.
func isTruncated(err error) aws.Ternary {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// delay is random, so that calls which failed together don't come again together.
func delay(attempt int, _ error) (time.Duration, error) {
	longest := min(longestDelay, firstDelay<<min(attempt-1, 16))
	return rand.N(longest), nil
}

// GetAttemptToken waits until the service may be called.
func (r *retryer) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	if err := r.calls.Wait(ctx); err != nil {
		return nil, err
	}
	return r.adjustRate, nil
}

// adjustRate has the rate follow an attempt's outcome. Calls that were under way together are one reason to slow down, not many.
func (r *retryer) adjustRate(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !r.throttles.IsErrorThrottle(err).Bool():
		r.calls.SetLimit(min(maxRate, r.calls.Limit()+0.5))
	case time.Since(r.fell) > time.Second:
		r.calls.SetLimit(max(minRate, r.calls.Limit()/2))
		r.fell = time.Now()
	}
	return nil
}

// failFastRetryer does not try again where nothing listens: for a run's first call, so that a wrong endpoint is told at once.
type failFastRetryer struct{ aws.RetryerV2 }

func (r failFastRetryer) IsErrorRetryable(err error) bool {
	return !errors.Is(err, syscall.ECONNREFUSED) && r.RetryerV2.IsErrorRetryable(err)
}
