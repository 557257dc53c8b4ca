package cloud

import (
	"context"
	"errors"
	"io"
	"net/url"
	"time"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// An answer can begin, and its body can then stop without an end: a proxy that lost its own connection, or a NAT gateway that
// dropped the entry between the headers and the rest. The transport's limit ends with the headers, and the SDK has none.

// errHung is the cause of a body that stopped. It is a timeout, so the call is tried again as often as one without any answer.
type errHung struct{}

// Error says what happened. explainConnection prints it.
func (errHung) Error() string { return "the answer began, and its rest did not come in time" }

// Timeout makes the error one of net.Error's timeouts for the retryer.
func (errHung) Timeout() bool { return true }

// limitBodies adds the limit to each attempt. It is the innermost step, so that everything that reads a body is limited.
func (c *Cloud) limitBodies(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("spacel:LimitBody", c.limitBody), middleware.After)
}

// limitBody gives the attempt a context of its own, which ends when the body stops. The context lives until the body is closed.
func (c *Cloud) limitBody(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	middleware.DeserializeOutput, middleware.Metadata, error,
) {
	ctx, cancel := context.WithCancel(ctx)
	out, metadata, err := next.HandleDeserialize(ctx, in)
	response, ok := out.RawResponse.(*smithyhttp.Response)
	if !ok || err != nil || response.Body == nil {
		cancel()
		return out, metadata, err
	}
	address := ""
	if response.Request != nil && response.Request.URL != nil {
		address = response.Request.URL.String()
	}
	response.Body = &limitedBody{body: response.Body, limit: c.timing.answer(), address: address, cancel: cancel}
	return out, metadata, err
}

// limitedBody is a body in which no single read may take longer than the limit. A large download may take as long as it needs.
type limitedBody struct {
	body    io.ReadCloser
	limit   time.Duration
	address string // of the request, for the message
	cancel  context.CancelFunc
	err     error // of the first failed read; all later reads return it
}

// Read reads, and cancels the request when nothing comes. The transport then closes the connection and returns from the read.
func (b *limitedBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	hung := time.AfterFunc(b.limit, b.cancel)
	n, err := b.body.Read(p)
	if stopped := hung.Stop(); !stopped && err != nil && !errors.Is(err, io.EOF) {
		err = &url.Error{Op: "Read", URL: b.address, Err: errHung{}}
	}
	b.err = err
	return n, err
}

// Close closes the body and ends the context.
func (b *limitedBody) Close() error {
	defer b.cancel()
	return b.body.Close()
}
