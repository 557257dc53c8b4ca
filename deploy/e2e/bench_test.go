package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/internal/cloudtest"
)

// latency is that of an AWS API in another continent.
const latency = 50 * time.Millisecond

// alarmed has a parameter that CloudFormation does not give back.
const alarmed = `{
  "name": "alarmed",
  "all": {"services": {"alarmed": {"image": "nginx"}}, "alarms": {
    "endpoints": {"page": {"type": "pagerduty", "url": "ssm:/hooks/page"}},
    "triggers": {"busy": {"metric": "cpu", "threshold": ">95", "endpoints": ["page"]}}}}
}`

// An unchanged stack costs no more than 4 calls, one with secrets too.
func TestCallsPerUnchangedStack(t *testing.T) {
	t.Parallel()
	for name, app := range map[string]string{"plain": web, "with a secret": alarmed} {
		t.Run(name, func(t *testing.T) {
			w, cf := newFakeEnv(t)
			cf.Parameter("eu-west-1", "/hooks/page", "https://events.pagerduty.com/integration/hunter2/enqueue")
			dir := build(t, map[string]string{"orbit.json": small["orbit.json"], "app.json": app})
			w.mustDeploy(dir)
			cf.ResetCalls()
			w.wantOutcome(w.mustDeploy(dir), activity.WasUnchanged, 3)
			calls := 0
			for call, n := range cf.Calls() {
				if strings.HasPrefix(call, "cloudformation:") {
					calls += n
				}
			}
			if most := map[string]int{"plain": 3 * 2, "with a secret": 2*2 + 4}[name]; calls > most {
				t.Errorf("%d calls of CloudFormation for 3 stacks, want at most %d: %v", calls, most, cf.Calls())
			}
		})
	}
}

// 60 stacks to which nothing happens.
func BenchmarkUnchanged60(b *testing.B) {
	manifests := map[string]string{"orbit.json": small["orbit.json"]}
	for i := range 58 {
		name := fmt.Sprintf("app%02d", i)
		manifests[name+".json"] = written(web, `"web"`, `"`+name+`"`)
	}
	w, cf := newFakeEnv(b)
	dir := build(b, manifests)
	w.mustDeploy(dir)
	cf.Latency = latency
	cf.ResetCalls()
	for b.Loop() {
		w.wantOutcome(w.mustDeploy(dir), activity.WasUnchanged, 60)
	}
	total := 0
	for _, n := range cf.Calls() {
		total += n
	}
	b.ReportMetric(float64(total)/float64(60*b.N), "calls/stack")
}

// Three regions and one, each call with the same latency, each resource as slow: how long three take for each second of
// one.
func BenchmarkThreeRegions(b *testing.B) {
	one := build(b, map[string]string{"orbit.json": written(threeRegions, `"us-east-1", "us-west-2", `, ""), "web.json": web})
	three := build(b, map[string]string{"orbit.json": threeRegions, "web.json": web})
	var alone, together time.Duration
	for b.Loop() {
		alone += fromNothing(b, one)
		together += fromNothing(b, three)
	}
	b.ReportMetric(together.Seconds()/alone.Seconds(), "times")
	b.ReportMetric(together.Seconds()/float64(b.N), "s/three")
}

// fromNothing is how long a directory takes into an empty account.
func fromNothing(b *testing.B, dir string) time.Duration {
	b.Helper()
	cf := cloudtest.NewCloudFormation(b)
	w := fakeEnvOf(b, cf)
	w.options = func(o *deploy.Options) { o.Poll = 200 * time.Millisecond }
	cf.Latency, cf.Step = latency, 50*time.Millisecond
	begun := time.Now()
	w.mustDeploy(dir)
	return time.Since(begun)
}
