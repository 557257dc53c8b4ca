package agent

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/smithy-go/encoding/cbor"
)

// Percentages arrive under the names that the alarms read.
func TestSendStats(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "proc"), 0o755); err != nil {
		t.Fatal(err)
	}
	text := "MemTotal:        2000000 kB\nMemFree:          100000 kB\nMemAvailable:     500000 kB\n"
	if err := os.WriteFile(filepath.Join(root, "proc/meminfo"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	sent := &sentMetrics{t: t}
	metrics := cloudwatch.New(cloudwatch.Options{Region: envRegion, Credentials: aws.AnonymousCredentials{}, HTTPClient: sent,
		DisableRequestCompression: true})
	if err := sendStats(t.Context(), metrics, root, "web-group", "System/Linux/test/web"); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"System/Linux/test/web MemoryUtilization AutoScalingGroupName=web-group 75 Percent",
		"System/Linux/test/web DiskSpaceUtilization AutoScalingGroupName=web-group Filesystem=- MountPath=/ ",
	}
	if len(sent.lines) != 2 || sent.lines[0] != want[0] || !strings.HasPrefix(sent.lines[1], want[1]) {
		t.Errorf("%q", sent.lines)
	}
	if use, err := diskUse(root); use < 0 || use > 100 || err != nil {
		t.Errorf("%v %v", use, err)
	}
	if err := os.WriteFile(filepath.Join(root, "proc/meminfo"), []byte("nothing"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := sendStats(t.Context(), metrics, root, "web-group", "System/Linux/test/web"); err == nil {
		t.Error("no error without a size of memory")
	}
}

// sentMetrics takes what is sent to CloudWatch, in CBOR, which moto does not read.
type sentMetrics struct {
	t     *testing.T
	lines []string
}

func (s *sentMetrics) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	value, err := cbor.Decode(body)
	if err != nil {
		return nil, err
	}
	request := value.(cbor.Map)
	for _, item := range request["MetricData"].(cbor.List) {
		datum := item.(cbor.Map)
		line := fmt.Sprint(request["Namespace"], " ", datum["MetricName"])
		for _, d := range datum["Dimensions"].(cbor.List) {
			line += fmt.Sprint(" ", d.(cbor.Map)["Name"], "=", d.(cbor.Map)["Value"])
		}
		s.lines = append(s.lines, line+fmt.Sprint(" ", datum["Value"], " ", datum["Unit"]))
	}
	header := http.Header{"Smithy-Protocol": {"rpc-v2-cbor"}, "Content-Type": {"application/cbor"}}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader("\xa0"))}, nil
}

// The timer is set up for the group that the instance is of, in which a unit's special characters stay themselves.
func TestPublishStats(t *testing.T) {
	t.Parallel()
	l := newVolumeEnv(t)
	h := l.launch("us-east-1a", nil, tagGroup+"=web 100% $group")
	h.must(publishStats(t.Context(), h.boot))
	if _, err := os.Stat(h.path("etc/systemd/system/" + statsService)); err == nil {
		t.Error("nobody asked for it")
	}
	h.boot.Document.Stats = "System/Linux/test/web"
	var ran bytes.Buffer
	h.boot.Machine.Run = func(_ context.Context, name string, args ...string) (string, error) {
		ran.WriteString(name + " " + strings.Join(args, " ") + "\n")
		return "", nil
	}
	h.must(publishStats(t.Context(), h.boot))
	unit, err := os.ReadFile(h.path("etc/systemd/system/" + statsService))
	want := `ExecStart=/usr/local/bin/spacel-agent stats "web 100%% $$group" "System/Linux/test/web"`
	if err != nil || !strings.Contains(string(unit), want+"\n") {
		t.Errorf("%v %s", err, unit)
	}
	if want := "systemctl daemon-reload\n" +
		"systemctl enable spacel-stats.timer\nsystemctl restart spacel-stats.timer\n"; ran.String() != want {
		t.Errorf("ran %s", ran.String())
	}
	if _, err := os.Stat(h.path("etc/systemd/system/" + statsTimer)); err != nil {
		t.Error(err)
	}
}
