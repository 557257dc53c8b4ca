package agent

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pebble/spacel/agent/document"
)

// checkDeadline is how long one attempt may take.
const checkDeadline = 5 * time.Second

// localHealth waits until the app answers on the machine itself.
func localHealth(ctx context.Context, b *Boot) error {
	check := b.Document.LocalHealth
	if check == nil {
		return nil
	}
	return until(ctx, b.Log, func(whole context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(whole, checkDeadline)
		defer cancel()
		err := checkLocal(ctx, check)
		if whole.Err() != nil {
			return "", whole.Err() // the reason of the last wait says more
		}
		if err != nil {
			return fmt.Sprintf("%s:%d%s on this machine: %s", check.Protocol, check.Port, check.Path, err), nil
		}
		return "", nil
	})
}

// checkLocal asks once. A certificate is not checked: it is for the name that clients use, not for this address.
func checkLocal(ctx context.Context, check *document.LocalHealth) error {
	at := address("127.0.0.1", check.Port)
	trustAny := &tls.Config{InsecureSkipVerify: true}
	switch check.Protocol {
	// For TCP and SSL a connection is enough, as for a load balancer's check of these kinds.
	case "TCP":
		return closeAfter((&net.Dialer{}).DialContext(ctx, "tcp", at))
	case "SSL":
		return closeAfter((&tls.Dialer{Config: trustAny}).DialContext(ctx, "tcp", at))
	case "HTTP":
		return ask(ctx, "http://"+at+check.Path, nil, cmp.Or(check.Codes, "200"))
	case "HTTPS":
		return ask(ctx, "https://"+at+check.Path, trustAny, cmp.Or(check.Codes, "200"))
	}
	return fmt.Errorf("the protocol must be TCP, SSL, HTTP or HTTPS, got %s", check.Protocol)
}

// closeAfter closes the connection of a check by connecting. A failed connection has nothing to close.
func closeAfter(conn net.Conn, err error) error {
	if err != nil {
		return err
	}
	return conn.Close()
}

// ask wants one of the status codes, as a load balancer does.
func ask(ctx context.Context, url string, config *tls.Config, codes string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	// Without keep-alive each attempt connects again, like a load balancer's check.
	response, err := (&http.Transport{TLSClientConfig: config, DisableKeepAlives: true}).RoundTrip(request) // which follows no redirect
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if !passes(response.StatusCode, codes) {
		return fmt.Errorf("the answer is %s, not %s", response.Status, codes)
	}
	return nil
}

// passes reports whether a status is one of the codes, which are numbers and ranges such as 200,204 or 200-399.
func passes(status int, codes string) bool {
	for part := range strings.SplitSeq(codes, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		low, err := strconv.Atoi(first)
		high, err2 := strconv.Atoi(last)
		if err == nil && err2 == nil && low <= status && status <= high {
			return true
		}
	}
	return false
}
