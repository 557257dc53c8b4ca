package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// regionProxy passes calls on, but for a region that is down: its calls are refused. It tells a call's region by its signature.
type regionProxy struct {
	url   string
	proxy *httputil.ReverseProxy

	mu   sync.Mutex
	down string
}

func newRegionProxy(t testing.TB, target string) *regionProxy {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	f := &regionProxy{proxy: httputil.NewSingleHostReverseProxy(to)}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *regionProxy) setDown(region string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = region
}

func (f *regionProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	down := f.down
	f.mu.Unlock()
	// moto has no CloudWatch in Smithy RPC v2: the answer says in CBOR that there are no alarms.
	if strings.HasSuffix(r.URL.Path, "/operation/DescribeAlarms") {
		w.Header().Set("smithy-protocol", "rpc-v2-cbor")
		w.Header().Set("Content-Type", "application/cbor")
		fmt.Fprint(w, "\xa2\x6cMetricAlarms\x80\x6fCompositeAlarms\x80")
		return
	}
	if down == "" || !strings.Contains(r.Header.Get("Authorization"), "/"+down+"/") {
		f.proxy.ServeHTTP(w, r)
		return
	}
	// As JSON, and as XML: what the caller does not read it leaves.
	w.Header().Set("X-Amzn-Requestid", "proxy")
	w.WriteHeader(http.StatusForbidden)
	if r.Header.Get("X-Amz-Target") != "" {
		fmt.Fprint(w, `{"__type": "com.amazon.coral.service#AccessDeniedException", "message": "the region is not enabled"}`)
		return
	}
	fmt.Fprint(w,
		`<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>
<Message>the region is not enabled</Message></Error><RequestId>proxy</RequestId></ErrorResponse>`)
}
