package cloud

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// quick are times for tests.
var quick = Timing{Answer: 200 * time.Millisecond, Notice: 40 * time.Millisecond, Delay: 10 * time.Millisecond}

// Answers that AWS did not write are told as what they are, with the HTTP status, after few attempts.
func TestForeignAnswers(t *testing.T) {
	environment(t, "", strings.Fields(keys)...)
	for _, c := range []struct {
		status        int
		body, want    string
		attempts, ssm int
	}{
		{500, "<html><head><title>502\n Proxy</title>", `HTTP status 500 with an HTML page ("502 Proxy")`, 3, 3},
		{503, "<!DOCTYPE html>\n<body>", "HTTP status 503 with an HTML page;", 3, 3},
		{200, "\n<HTML>log in", "HTTP status 200 with an HTML page;", 1, 1},
		{403, "<html>", "HTTP status 403 with an HTML page;", 1, 1},
		{502, "Bad Gateway", `HTTP status 502 with the text "Bad Gateway"`, 3, 3},
		{200, "", "HTTP status 200 with an empty body", 3, 3},
	} {
		s := newServer(t)
		s.before = func(_ int, w http.ResponseWriter, _ request) bool {
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
			return true
		}
		region := connect(t, Access{Endpoint: s.URL, Timing: quick}).Default()
		_, err := region.CloudFormation().DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{})
		explains(t, Explain(err), c.want)
		explains(t, Explain(err), "cloudformation:DescribeStacks")
		if n := len(s.requests()); n != c.attempts {
			t.Errorf("%d %q: %d attempts", c.status, c.body, n)
		}
		_, err = region.SSM().GetParameter(t.Context(), &ssm.GetParameterInput{Name: new("x")})
		explains(t, Explain(err), c.want)
		if n := len(s.requests()) - c.attempts; n != c.ssm {
			t.Errorf("%d %q: %d attempts of ssm", c.status, c.body, n)
		}
	}
}

// A dead endpoint fails every first call at once, and in the middle of a run after some attempts.
func TestRefusedConnection(t *testing.T) {
	environment(t, "", strings.Fields(keys)...)
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port.Close()
	endpoint := "http://" + port.Addr().String()
	c := connect(t, Access{Endpoint: endpoint}) // with the times for AWS
	began := time.Now()
	_, err = c.Default().CloudFormation().DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{})
	explains(t, Explain(err), "cannot reach "+endpoint+": connection refused; check the network")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	c = connect(t, Access{Endpoint: endpoint, Timing: quick})
	c.answered.Store(true)
	_, err = c.Default().CloudFormation().DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{})
	explains(t, Explain(err), "cannot reach "+endpoint+" after 6 attempts: connection refused")
}

// A call without an answer is told of while it waits, and fails in the end.
func TestNoAnswer(t *testing.T) {
	environment(t, "", strings.Fields(keys)...)
	s := newServer(t)
	s.before = func(_ int, _ http.ResponseWriter, _ request) bool {
		time.Sleep(400 * time.Millisecond)
		return true
	}
	var mu sync.Mutex
	var told []string
	c := connect(t, Access{Endpoint: s.URL, Timing: quick, Waiting: func(line string) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, line)
	}})
	_, err := c.Default().CloudFormation().DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{})
	explains(t, Explain(err), "cannot reach "+s.URL+" after 2 attempts: no answer in time")
	mu.Lock()
	defer mu.Unlock()
	text := strings.Join(told, "\n")
	if len(told) < 3 || !strings.Contains(text, "no usable answer to cloudformation:DescribeStacks in us-east-1 after 0s") ||
		!strings.Contains(text, "(attempt 2): cannot reach "+s.URL) {
		t.Errorf("told %s", text)
	}
}

// An answer that begins and does not end is given up, as one that does not begin.
func TestHangingBody(t *testing.T) {
	environment(t, "", strings.Fields(keys)...)
	s := newServer(t)
	for _, begin := range []string{"", "<DescribeStacksResponse>", strings.Repeat(" ", 4*sniffed) + "<Describe"} {
		s.before = func(_ int, w http.ResponseWriter, r request) bool {
			// An answer within microseconds meets the client while it still writes the request. net/http then closes the connection,
			// which is one attempt more.
			time.Sleep(10 * time.Millisecond)
			w.Header().Set("Content-Length", "100000")
			w.WriteHeader(http.StatusOK)
			fmt.Fprint(w, begin)
			_ = http.NewResponseController(w).Flush()
			time.Sleep(500 * time.Millisecond)
			return true
		}
		n, began := len(s.requests()), time.Now()
		c := connect(t, Access{Endpoint: s.URL, Timing: quick})
		_, err := c.Default().CloudFormation().DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{})
		explains(t, Explain(err), "cannot reach "+s.URL+" after 2 attempts: the answer began, and its rest did not come in time")
		if n = len(s.requests()) - n; n != silentAttempts || time.Since(began) > 5*time.Second {
			t.Errorf("%.20q: %d attempts in %s", begin, n, time.Since(began))
		}
	}
}

// A body that comes slowly and never stops for long is read to its end.
func TestSlowBody(t *testing.T) {
	environment(t, "", strings.Fields(keys)...)
	s := newServer(t)
	s.before = func(_ int, w http.ResponseWriter, _ request) bool {
		for _, piece := range strings.SplitAfter("<DescribeStacksResponse><DescribeStacksResult><Stacks></Stacks></DescribeStacksResult>"+
			"</DescribeStacksResponse>", ">") {
			fmt.Fprint(w, piece)
			_ = http.NewResponseController(w).Flush()
			time.Sleep(quick.Answer / 3)
		}
		return true
	}
	c := connect(t, Access{Endpoint: s.URL, Timing: quick})
	out, err := c.Default().CloudFormation().DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{})
	if err != nil || out.Stacks == nil {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestIncompleteIsItsOwnKind(t *testing.T) {
	err := Incomplete("ssm:GetParameter", "no Parameter")
	if _, ok := errors.AsType[*IncompleteError](fmt.Errorf("x: %w", err)); !ok || !strings.Contains(err.Error(), "it has no Parameter") {
		t.Errorf("got %v", err)
	}
}
