package cloudtest

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Faults are the faults of a proxy for the calls through it. Shares are of all calls, from 0 to 1. The seed and the order of the
// calls decide which calls they hit.
type Faults struct {
	Seed       uint64
	Throttle   float64 // refused: too many calls
	DropBefore float64 // the connection is cut, and the call never arrives
	DropAfter  float64 // the connection is cut when the call has been served
	Break      float64 // an answer of status 500; the call never arrives
	Slow       float64 // takes Delay longer
	Delay      time.Duration

	Latency     time.Duration // of every call
	Clock       time.Duration // how far AWS's clock is ahead of ours
	ExpireAfter int           // calls after which the credentials have expired; 0: never

	// StopAt is the number of the call, counted from 1, at which Stop is called, once: before it is served, or with
	// StopAfter when it was served and before it is answered.
	StopAt    int
	StopAfter bool
	Stop      func()

	// Bend says how the n-th call of an operation is answered, counted from 1; "" leaves the answer as it is. Nil: none is bent.
	Bend func(service, operation string, n int) Bend

	// Only says which calls faults hit, by service and operation; nil: all.
	Only func(service, operation string) bool
}

// Proxy stands between the SDK and a server.
// It makes AWS or the network fail on purpose: calls are refused, lost before or after they took effect, or delayed. Tests
// then check that deploy ends in the same state as without faults.
type Proxy struct {
	URL string

	target *url.URL
	client *http.Client

	mu     sync.Mutex
	faults Faults
	random *rand.Rand
	count  int
	calls  []string
	dead   bool
}

// How far AWS lets a signature's time be off: S3 further than the others.
const (
	skewLimit   = 5 * time.Minute
	skewLimitS3 = 15 * time.Minute
)

// NewProxy starts a proxy until the test ends.
func NewProxy(t testing.TB, target string, faults Faults) *Proxy {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{target: u, faults: faults, random: rand.New(rand.NewPCG(faults.Seed, 0)), client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
		// The SDK must see S3's redirects itself, so the proxy does not follow them.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	server := httptest.NewServer(p)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		p.client.CloseIdleConnections()
	})
	p.URL = server.URL
	return p
}

// Calls are the calls that came, as service:operation, in order.
func (p *Proxy) Calls() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.calls...)
}

// Kill cuts every connection from now on: as if the caller's process were gone.
func (p *Proxy) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
}

// fate is the treatment of one call.
type fate int

const (
	pass fate = iota
	throttle
	dropBefore
	dropAfter
	breakDown
	slow
	expired
	skewed
	stop
	denied
)

// ServeHTTP passes a call on, refuses it, or cuts its connection. The body is read first, since it may name the operation.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	service, operation := about(r, body)
	// Only an undisturbed answer is bent: other faults come first.
	fate := p.decide(r, service, operation)
	if bend := p.bend(service, operation); bend != "" && fate == pass {
		p.serveBent(w, r, body, bend)
		return
	}
	time.Sleep(p.faults.Latency)
	// The SDK learns from this header how far its own clock is off, and signs later calls with AWS's time.
	if p.faults.Clock != 0 {
		w.Header().Set("Date", p.now().UTC().Format(http.TimeFormat))
	}
	switch fate {
	case throttle, breakDown, expired, skewed:
		refuseAs(w, r, service, fate)
	case dropBefore:
		cut(w)
	// The call takes effect, but the caller only sees a broken connection. This is the hardest fault: a repetition must not do
	// the work twice, which is the purpose of the client tokens.
	case dropAfter:
		p.serve(httptest.NewRecorder(), r, body)
		cut(w)
	case stop:
		p.stop(w, r, body)
	case slow:
		time.Sleep(p.faults.Delay)
		fallthrough
	default:
		p.serve(w, r, body)
	}
}

// stop calls Stop in the middle of a call, before or after the server has served it, and never answers.
func (p *Proxy) stop(w http.ResponseWriter, r *http.Request, body []byte) {
	if p.faults.StopAfter {
		p.serve(httptest.NewRecorder(), r, body)
	}
	p.faults.Stop()
	cut(w)
}

// now is AWS's time.
func (p *Proxy) now() time.Time { return time.Now().Add(p.faults.Clock) }

// bend returns the way of answering the call which was counted last.
func (p *Proxy) bend(service, operation string) Bend {
	if p.faults.Bend == nil {
		return ""
	}
	p.mu.Lock()
	n := 0
	for _, call := range p.calls {
		if call == service+":"+operation {
			n++
		}
	}
	p.mu.Unlock()
	return p.faults.Bend(service, operation, n)
}

// decide draws a call's fate.
func (p *Proxy) decide(r *http.Request, service, operation string) fate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return dropBefore
	}
	p.count++
	p.calls = append(p.calls, service+":"+operation)
	if p.faults.StopAt == p.count {
		return stop
	}
	if p.faults.ExpireAfter > 0 && p.count > p.faults.ExpireAfter {
		return expired
	}
	if p.isSkewed(r, service) {
		return skewed
	}
	// The number is drawn even if Only excludes the call, so the same seed gives the same faults for the rest.
	drawn := p.random.Float64()
	if p.faults.Only != nil && !p.faults.Only(service, operation) {
		return pass
	}
	for _, each := range []struct {
		share float64
		fate  fate
	}{
		{p.faults.Throttle, throttle}, {p.faults.DropBefore, dropBefore}, {p.faults.DropAfter, dropAfter},
		{p.faults.Break, breakDown}, {p.faults.Slow, slow},
	} {
		if drawn -= each.share; drawn < 0 {
			return each.fate
		}
	}
	return pass
}

// isSkewed reports whether AWS would refuse the signature because of its time. Calls without X-Amz-Date are unsigned.
func (p *Proxy) isSkewed(r *http.Request, service string) bool {
	limit := skewLimit
	if service == "s3" {
		limit = skewLimitS3
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	return p.faults.Clock != 0 && err == nil && p.now().Sub(at).Abs() > limit
}

// about returns the service and the operation of a call. JSON protocols name the operation in X-Amz-Target, the query protocols of
// CloudFormation and EC2 in the form field Action, and S3 by method, path and query.
func about(r *http.Request, body []byte) (service, operation string) {
	service = "unsigned"
	if m := scopePattern.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		service = m[3]
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return service, target[strings.LastIndex(target, ".")+1:]
	}
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") != "" {
		return service, form.Get("Action")
	}
	if service == "s3" {
		_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		return service, s3Operation(r, key)
	}
	return service, r.Method + " " + r.URL.Path
}

// serve passes a call to the real server with the caller's headers, which the signature covers, and copies the answer.
func (p *Proxy) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	out, err := http.NewRequest(r.Method, p.target.String()+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		cut(w)
		return
	}
	out.Header = r.Header.Clone()
	out.Host = r.Host
	out.ContentLength = int64(len(body))
	answer, err := p.client.Do(out)
	if err != nil {
		cut(w)
		return
	}
	defer answer.Body.Close()
	for name, values := range answer.Header {
		// Date is set before, by the fault's clock.
		if name != "Date" || p.faults.Clock == 0 {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body)
}

// cut drops the connection without an answer. A ResponseRecorder is no Hijacker and needs no cut.
func cut(w http.ResponseWriter) {
	if hijacker, ok := w.(http.Hijacker); ok {
		if conn, _, err := hijacker.Hijack(); err == nil {
			_ = conn.Close()
		}
	}
}

// refuseAs answers with an error in the service's protocol. The SDK takes the code from another place in each: a JSON field, S3's
// XML, EC2's XML, or the XML of the query protocol.
func refuseAs(w http.ResponseWriter, r *http.Request, service string, fate fate) {
	status, code, message := wording(service, fate)
	w.Header().Set("X-Amzn-Requestid", requestID)
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"__type":%s,"message":%s}`, strconv.Quote(code), strconv.Quote(message))
	case service == "s3":
		s3Refuse(w, r, status, code, message)
	case service == "ec2":
		w.WriteHeader(status)
		fmt.Fprintf(w, "<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>%s</RequestID></Response>",
			code, message, requestID)
	default:
		w.WriteHeader(status)
		_, _ = w.Write((&refusal{status, code, message}).xml())
	}
}

// wording returns the status, code and text of a service for a fault:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html and
// the like of S3 and EC2.
func wording(service string, fate fate) (status int, code, message string) {
	switch fate {
	case breakDown:
		if service == "s3" {
			return 500, "InternalError", "We encountered an internal error. Please try again."
		}
		return 500, "InternalFailure", "The request processing has failed because of an unknown error, exception or failure."
	case expired:
		if service == "ec2" {
			return 400, "RequestExpired", "Request has expired."
		}
		if service == "s3" || service == "cloudformation" || service == "sts" || service == "route53" {
			return 403, "ExpiredToken", "The security token included in the request is expired"
		}
		return 400, "ExpiredTokenException", "The security token included in the request is expired"
	case denied:
		if r := "AccessDenied"; service == "cloudformation" || service == "s3" {
			return 403, r, "User is not authorized to perform this action"
		}
		return 400, "AccessDeniedException", "User is not authorized to perform this action"
	case skewed:
		switch service {
		case "s3":
			return 403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."
		case "ec2":
			return 400, "RequestExpired", "Request has expired."
		}
		return 403, "SignatureDoesNotMatch", "Signature expired: it is now earlier than the current time less 5 min."
	}
	switch service {
	case "s3":
		return 503, "SlowDown", "Please reduce your request rate."
	case "ec2":
		return 503, "RequestLimitExceeded", "Request limit exceeded."
	case "dynamodb", "ssm", "logs", "secretsmanager", "kms", "acm":
		return 400, "ThrottlingException", "Rate exceeded"
	}
	return 400, "Throttling", "Rate exceeded"
}
