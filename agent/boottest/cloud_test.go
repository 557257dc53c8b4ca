//go:build boot

package boottest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// cloud answers for AWS's endpoints: it records each call, takes CloudFormation's signals itself, which moto does not know,
// and hands the rest on to moto.
type cloud struct {
	moto *httputil.ReverseProxy

	mu      sync.Mutex
	calls   []string // service:operation, in order
	signals []signal
}

// signal is a call of SignalResource.
type signal struct{ stack, resource, instance, status string }

func New(t *testing.T, moto string) *cloud {
	t.Helper()
	to, err := url.Parse(moto)
	if err != nil {
		t.Fatal(err)
	}
	return &cloud{moto: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}}}
}

// certificate is for all of AWS and the registries, by the authority that the image trusts.
func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	cache := filepath.Join(imageDir, ".cache")
	authority, err := tls.LoadX509KeyPair(cache+"/ca.crt", cache+"/ca.key")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		DNSNames: []string{"*." + region + ".amazonaws.com", "*.s3." + region + ".amazonaws.com", "*.s3.amazonaws.com",
			"*.ecr." + region + ".amazonaws.com", privateRegistry, publicRegistry},
		NotBefore:   time.Now().Add(-24 * time.Hour),
		NotAfter:    time.Now().Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, authority.Leaf, key.Public(), authority.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{leaf}, PrivateKey: key}
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body))
	call := operation(r, form)
	c.record(call, form)
	if call == "cloudformation:SignalResource" {
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprint(w, `<SignalResourceResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">`+
			`<ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></SignalResourceResponse>`)
		return
	}
	c.moto.ServeHTTP(w, r)
}

// operation is the service and operation that a request calls, as IAM writes them but for S3, which has only the method.
func operation(r *http.Request, form url.Values) string {
	service, _, _ := strings.Cut(r.Host, ".")
	switch target := r.Header.Get("X-Amz-Target"); {
	case strings.Contains(r.Host, "s3."):
		return "s3:" + r.Method + " " + r.URL.Path
	case target != "":
		return service + ":" + target[strings.LastIndex(target, ".")+1:]
	case form.Get("Action") != "":
		return service + ":" + form.Get("Action")
	}
	return service + ":" + r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
}

func (c *cloud) record(call string, form url.Values) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, call)
	if call == "cloudformation:SignalResource" {
		c.signals = append(c.signals, signal{form.Get("StackName"), form.Get("LogicalResourceId"), form.Get("UniqueId"),
			form.Get("Status")})
	}
}

// signalled is the signals so far.
func (c *cloud) signalled() []signal {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.signals)
}

// count is how often calls of a prefix were made.
func (c *cloud) count(prefix string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, call := range c.calls {
		if strings.HasPrefix(call, prefix) {
			n++
		}
	}
	return n
}

// operations is what was called, sorted, each once.
func (c *cloud) operations() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.Sorted(slices.Values(c.calls))
	return slices.Compact(all)
}
