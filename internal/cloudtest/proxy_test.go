package cloudtest

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// through reaches an account through a proxy, and tries a call only once.
func through(t *testing.T, faults Faults) (*Proxy, *CloudFormation, aws.Config) {
	t.Parallel()
	cf := NewCloudFormation(t)
	p := NewProxy(t, cf.URL, faults)
	cfg := Config(t, p.URL, region)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return p, cf, cfg
}

func list(t *testing.T, cfg aws.Config) error {
	_, err := cloudformation.NewFromConfig(cfg).ListStacks(t.Context(), &cloudformation.ListStacksInput{})
	return err
}

func TestProxyHitsItsShare(t *testing.T) {
	_, cf, cfg := through(t, Faults{Seed: 1, Throttle: 0.3, Break: 0.1})
	said := map[string]int{}
	for range 200 {
		err := list(t, cfg)
		switch {
		case err == nil:
			said["good"]++
		case strings.Contains(err.Error(), "Throttling"):
			said["throttled"]++
		case strings.Contains(err.Error(), "InternalFailure"):
			said["broken"]++
		default:
			t.Fatal(err)
		}
	}
	if said["throttled"] < 45 || said["throttled"] > 75 || said["broken"] < 10 || said["broken"] > 30 {
		t.Errorf("of 200 calls %v", said)
	}
	if n := cf.Calls()["cloudformation:ListStacks"]; n != said["good"] {
		t.Errorf("%d calls arrived", n)
	}
}

func TestProxyDrops(t *testing.T) {
	for name, c := range map[string]struct {
		faults  Faults
		arrived int
	}{
		"before": {Faults{DropBefore: 1}, 0},
		"after":  {Faults{DropAfter: 1}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			_, cf, cfg := through(t, c.faults)
			if err := list(t, cfg); err == nil {
				t.Error("the call came back")
			}
			if n := cf.Calls()["cloudformation:ListStacks"]; n != c.arrived {
				t.Errorf("%d calls arrived, want %d", n, c.arrived)
			}
		})
	}
}

// The SDK learns AWS's time from a refusal, and signs the next call with it.
func TestProxyClock(t *testing.T) {
	for _, clock := range []time.Duration{16 * time.Minute, -16 * time.Minute} {
		t.Run(clock.String(), func(t *testing.T) {
			p, cf, cfg := through(t, Faults{Clock: clock})
			cfg.Retryer = nil
			if err := list(t, cfg); err != nil {
				t.Error(err)
			}
			name := cf.Bucket(t, region)
			store := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
			if _, err := store.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: aws.String("k"),
				Body: strings.NewReader("v")}); err != nil {
				t.Error(err)
			}
			if calls := p.Calls(); len(calls) != 4 {
				t.Errorf("calls were %v", calls)
			}
		})
	}
}

func TestProxyStops(t *testing.T) {
	stopped := 0
	p, cf, cfg := through(t, Faults{StopAt: 2, StopAfter: true})
	p.faults.Stop = func() { stopped++; p.Kill() }
	for i, want := range []bool{true, false, false} {
		if got := list(t, cfg) == nil; got != want {
			t.Errorf("call %d comes back: %v", i+1, got)
		}
	}
	if n := cf.Calls()["cloudformation:ListStacks"]; n != 2 || stopped != 1 {
		t.Errorf("%d calls arrived, stopped %d times", n, stopped)
	}
}

func TestProxyExpires(t *testing.T) {
	_, _, cfg := through(t, Faults{ExpireAfter: 1})
	if err := list(t, cfg); err != nil {
		t.Error(err)
	}
	if err := list(t, cfg); err == nil || !strings.Contains(err.Error(), "ExpiredToken") {
		t.Errorf("got %v", err)
	}
}
