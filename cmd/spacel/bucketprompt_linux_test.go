package main

import (
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pebble/spacel/internal/cloudtest"
)

// On a terminal deploy asks for the bucket before it makes one. Without a yes there is none, and nothing is deployed. The plan comes
// after the answer, and declining it keeps the bucket, which the next run needs.
func TestTerminalAsksForTheBucket(t *testing.T) {
	moto := cloudtest.Moto(t)
	for _, setting := range append(cloudtest.Environment(t, moto), "SPACEL_ORBIT=", "LAMBDA_BUCKET=", "AWS_PROFILE=") {
		name, value, _ := strings.Cut(setting, "=")
		t.Setenv(name, value)
	}
	t.Chdir(t.TempDir())
	// Subnets in six zones make a template that is too large for a call.
	orbit := `{"name": "test", "regions": ["us-east-1"], "all": {"bastion_instance_count": 0, "nat": "per-az"},
  "us-east-1": {"azs": ["use1-az1", "use1-az2", "use1-az3", "use1-az4", "use1-az5", "use1-az6"]}}`
	if err := os.WriteFile("orbit.json", []byte(orbit), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &account{T: t}
	a.must("build", "--orbit", "orbit.json", "--with-orbit", "--out", "build")
	client := s3.NewFromConfig(cloudtest.Config(t, moto, east), func(o *s3.Options) { o.UsePathStyle = true })
	buckets := func() int {
		out, err := client.ListBuckets(t.Context(), &s3.ListBucketsInput{})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Buckets)
	}
	before := buckets()
	for _, answer := range []string{"n", "", "maybe"} {
		term := newTerminal(t)
		code := a.at(t.Context(), term, "deploy", "build")
		term.expect("make spacel-")
		term.expect("-us-east-1? [y/N]")
		term.enter(answer)
		term.expect("is needed for uploads: not confirmed: nothing was changed")
		a.ends(code, exitNo)
		if n := buckets(); n != before {
			t.Errorf("the answer %q: %d buckets, want %d", answer, n, before)
		}
	}
	term := newTerminal(t)
	code := a.at(t.Context(), term, "deploy", "build")
	term.expect("-us-east-1? [y/N]")
	term.enter("y")
	term.expect("Go ahead? [y/N]")
	term.enter("n")
	a.ends(code, exitNo)
	if n := buckets(); n != before+1 {
		t.Errorf("after a yes: %d buckets, want %d", n, before+1)
	}
	again := newTerminal(t)
	code = a.at(t.Context(), again, "deploy", "build")
	again.expect("Go ahead? [y/N]")
	again.enter("n")
	a.ends(code, exitNo)
	if strings.Contains(again.text(), "make spacel-") {
		t.Error("asked for a bucket that is there")
	}
}
