package cloud

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// explainConnection explains a call that got no answer: no route, no such host, a certificate which is not trusted, a
// time limit. It returns "" for any other error.
func explainConnection(err error) string {
	request, ok := errors.AsType[*url.Error](err)
	if !ok {
		return ""
	}
	host := request.URL
	if parsed, err := url.Parse(request.URL); err == nil {
		host = parsed.Scheme + "://" + parsed.Host
	}
	return fmt.Sprintf("cannot reach %s%s: %s", host, tries(err), why(request))
}

// why returns the cause of a failed connection and a hint. The most specific error in the chain decides: a wrong host name and
// an unknown certificate authority have fixes of their own.
func why(request *url.Error) string {
	const check = "; check the network, a proxy (HTTPS_PROXY) and the endpoint (--endpoint-url, AWS_ENDPOINT_URL)"
	var dns *net.DNSError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(request, &dns) && dns.IsNotFound:
		return "there is no such host" + check + ", and the region's name"
	case errors.As(request, &authority):
		return "its certificate is signed by an authority that this machine doesn't know; give that authority's file in AWS_CA_BUNDLE"
	case errors.As(request, &name):
		return fmt.Sprintf("its certificate is for another host (%v)%s", name, check)
	case errors.Is(request, errHung{}):
		return errHung{}.Error() + check
	case request.Timeout():
		return "no answer in time" + check
	}
	text := last(request).Error()
	if text == "EOF" || strings.Contains(text, "connection reset") {
		text = "the connection was dropped"
	}
	return text + check
}
