//go:build boot

package boottest

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// The guest's network: the metadata service has its address in EC2, and AWS's endpoints the one next to it, which /etc/hosts
// of the image names.
const (
	guestMAC        = "02:00:00:00:00:01"
	guestNetwork    = "172.31.0.0/20"
	guestAddress    = "172.31.0.15"
	guestHost       = "ip-172-31-0-15." + region + ".compute.internal"
	metadataAddress = "169.254.169.254:80"
	cloudAddress    = "169.254.169.253:443"
)

// machine is a guest with a disk of its own over the image's, which it keeps when it is off.
type machine interface {
	start(t *testing.T)
	stop(t *testing.T) // shuts it down in order
	running() error    // says why it is off
	dial(ctx context.Context, port int) (net.Conn, error)
	screen() string // all that its serial console, or its journal, has shown
}

// surroundings are what a guest finds around it.
type surroundings struct {
	image      string // directory
	instance   string // id
	metadata   http.Handler
	cloud      http.Handler
	cloudTrust *tls.Config
	hasAgent   bool // its disk has the agent
}

// agentPath is where the agent is on a machine.
const agentPath = "/usr/local/bin/spacel-agent"

// newMachine makes a machine of the kind that the flags name.
func newMachine(t *testing.T, s surroundings) machine {
	t.Helper()
	image, err := filepath.Abs(s.image)
	if err != nil {
		t.Fatal(err)
	}
	s.image = image
	if *engine == "nspawn" {
		return newContainer(t, s)
	}
	return newQemu(t, s)
}

// serve answers on both listeners until the test ends.
func (s surroundings) serve(t *testing.T, metadata, cloud net.Listener) {
	t.Helper()
	for listener, handler := range map[net.Listener]http.Handler{metadata: s.metadata, tls.NewListener(cloud, s.cloudTrust): s.cloud} {
		server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
		go func() { _ = server.Serve(listener) }()
		t.Cleanup(func() { server.Close() })
	}
}

// console is what the machine wrote to its serial console, over all its boots.
type console struct {
	also io.Writer // who looks on, if anybody

	mu   sync.Mutex
	text []byte
}

// newConsole writes to a file, too, when somebody wants to see it.
func newConsole(t *testing.T) *console {
	t.Helper()
	if *keep == "" {
		return &console{}
	}
	file, err := os.Create(filepath.Join(*keep, filepath.Base(t.Name())+"-"+*release+".console"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return &console{also: file}
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, p...)
	if c.also != nil {
		_, _ = c.also.Write(p)
	}
	return len(p), nil
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.text)
}

func (c *console) tail(n int) string {
	text := c.String()
	return text[max(0, len(text)-n):]
}
