package cloudtest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Bend is a way in which an answer differs from the one that AWS gives. Emulators, proxies and load balancers give such answers,
// and AWS itself gives late ones.
type Bend string

// The bends.
const (
	Late          Bend = "late"           // the call is served at once, and answered after Faults.Delay
	Empty         Bend = "empty"          // status 200 without a body; the call never arrives
	Bare          Bend = "bare"           // status 200 without any of its elements; the call never arrives
	OtherStack    Bend = "other stack"    // the true answer, with the names and ids of another stack
	UnknownStatus Bend = "unknown status" // the true answer, with statuses that AWS does not have
	NoStatus      Bend = "no status"      // the true answer, without statuses
	Page          Bend = "page"           // status 500 with an HTML page; the call never arrives
	Silent        Bend = "silent"         // no answer, until the caller gives up
	Cut           Bend = "cut"            // the connection is closed without an answer; the call never arrives
	Hangs         Bend = "hangs"          // the call is served, and the first half of its answer comes, then nothing more
)

// Denied is AWS's answer to a caller without the right for the call. It is no odd answer, so it is not one of Bends.
const Denied Bend = "denied"

// Bends are all of them.
var Bends = []Bend{Late, Empty, Bare, OtherStack, UnknownStatus, NoStatus, Page, Silent, Cut, Hangs}

// serveBent answers a call in another way than AWS.
func (p *Proxy) serveBent(w http.ResponseWriter, r *http.Request, body []byte, bend Bend) {
	switch bend {
	case Late, OtherStack, UnknownStatus, NoStatus:
		answer := httptest.NewRecorder()
		p.serve(answer, r, body)
		if bend == Late {
			time.Sleep(p.faults.Delay)
		}
		rewritten(w, answer.Result(), bend)
	case Denied:
		service, _ := about(r, body)
		refuseAs(w, r, service, denied)
	case Empty:
		w.WriteHeader(http.StatusOK)
	case Bare:
		_, operation := about(r, body)
		if r.Header.Get("X-Amz-Target") != "" {
			fmt.Fprint(w, "{}")
			return
		}
		fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult></%[1]sResult></%[1]sResponse>", operation)
	case Page:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, "<html>\n<head><title>500 Proxy Error</title></head>\n<body><p>Try later</body></html>\n")
	case Silent:
		<-r.Context().Done()
	case Hangs:
		p.serveHalf(w, r, body)
	case Cut:
		cut(w)
	}
}

// serveHalf sends the headers and the first half of the true answer, and waits until the caller gives up. An answer without a body,
// as to HEAD, is whole with its headers.
func (p *Proxy) serveHalf(w http.ResponseWriter, r *http.Request, body []byte) {
	answer := httptest.NewRecorder()
	p.serve(answer, r, body)
	copyHeaders(w, answer.Result())
	text := answer.Body.Bytes()
	if len(text) == 0 || r.Method == http.MethodHead {
		w.WriteHeader(answer.Code)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(answer.Code)
	_, _ = w.Write(text[:len(text)/2])
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// copyHeaders copies an answer's headers, without the length of its body.
func copyHeaders(w http.ResponseWriter, answer *http.Response) {
	for name, values := range answer.Header {
		if !strings.EqualFold(name, "Content-Length") {
			w.Header()[name] = values
		}
	}
}

var (
	statusElement = regexp.MustCompile(`<((?:Stack|Execution|Resource)?Status)>[^<]*</(?:Stack|Execution|Resource)?Status>`)
	// The names of stacks in tests begin with "test-".
	stackNames = regexp.MustCompile(`(<StackName>|:stack/|:changeSet/)(test-|spacel-)`)
)

// rewritten passes an answer on with other names or statuses in it.
func rewritten(w http.ResponseWriter, answer *http.Response, bend Bend) {
	text, _ := io.ReadAll(answer.Body)
	switch bend {
	case OtherStack:
		text = stackNames.ReplaceAll(text, []byte("${1}other-${2}"))
	case UnknownStatus:
		text = statusElement.ReplaceAll(text, []byte("<$1>UPDATE_DREAMT</$1>"))
	case NoStatus:
		text = statusElement.ReplaceAll(text, nil)
	}
	copyHeaders(w, answer)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, bytes.NewReader(text))
}
