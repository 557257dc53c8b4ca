package cloud

import (
	"context"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// readAttempts is how often an object is read whose body stops in its middle.
const readAttempts = 3

// readPause is the time between two attempts.
const readPause = 200 * time.Millisecond

// Object returns the content of an object in S3, at most so many bytes of it. The SDK repeats a call without an answer. It does not
// repeat one whose answer stops in its middle, since it hands the body over before that: Object does.
func (r *Region) Object(ctx context.Context, in *s3.GetObjectInput, most int64) ([]byte, error) {
	for attempt := 1; ; attempt++ {
		out, err := r.S3().GetObject(ctx, in)
		if err != nil {
			return nil, Explain(err)
		}
		body, err := io.ReadAll(io.LimitReader(out.Body, most))
		_ = out.Body.Close() // a body that is read needs no more
		if err == nil {
			return body, nil
		}
		if ctx.Err() != nil || attempt == readAttempts {
			return nil, Explain(err)
		}
		if err := Pause(ctx, readPause); err != nil {
			return nil, err
		}
	}
}
