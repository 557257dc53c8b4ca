package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/history"
	"github.com/pebble/spacel/internal/cloudtest"
	"github.com/pebble/spacel/internal/stride"
)

// third is the region of the third wave.
const third = "us-west-2"

// waveRegions are the regions of the waves, in their order.
var waveRegions = []string{east, west, third}

// wavesAccount is an account with an app in three regions, and directories with its releases v1, v2 and v3, each in three waves.
type wavesAccount struct {
	*account
	bucket string
}

func newWavesAccount(t *testing.T, dirs string) *wavesAccount {
	t.Helper()
	a := &wavesAccount{account: &account{T: t, cf: cloudtest.NewCloudFormation(t), dir: dirs}}
	for _, region := range waveRegions {
		a.cf.Put(t, cloudtest.Stack{Region: region, Name: "test-tables", Status: "CREATE_COMPLETE", Template: oddTables,
			Tags: map[string]string{"spacel:orbit": "test"}})
	}
	a.bucket = a.cf.Bucket(t, east)
	return a
}

// writeWaves writes the directory of a release.
func writeWaves(t *testing.T, dir, version string) {
	t.Helper()
	w, err := assembly.NewWriter(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for i, region := range waveRegions {
		body := `{"Parameters": {"Version": {"Type": "String", "Default": "latest"}},
			"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "` + version + `"}}}}`
		s := entry(assembly.StackRef{Region: region, Name: "test-web"}, "web", body)
		s.Parameters = map[string]assembly.ValueFrom{"Version": {Version: &assembly.Version{Default: "latest"}}}
		s.Release = &assembly.Release{Wave: i + 1, Waves: len(waveRegions)}
		if err := w.Stack(s, []byte(body), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// release returns the arguments that deploy a version.
func (a *wavesAccount) release(endpoint, version string) []string {
	return []string{"deploy", filepath.Join(a.dir, version), "--version", version, "--yes", "--lambda-bucket", a.bucket, "--endpoint-url",
		endpoint}
}

// versions are the versions of the three regions, with a mark for an operation that has not ended well.
func (a *wavesAccount) versions() (out []string) {
	for _, region := range waveRegions {
		s := a.cf.Seen(region, "test-web")
		version := s.Parameters["Version"]
		if !strings.HasSuffix(string(s.Status), "_COMPLETE") {
			version += " " + string(s.Status)
		}
		out = append(out, version)
	}
	return out
}

// outcomes are the outcomes of the newest records of the regions.
func (a *wavesAccount) outcomes() (out []string) {
	c := cloud.New(a.cf.Config(a.T, ""), cloud.Access{})
	for _, region := range waveRegions {
		list, err := history.Open(c, "test", region).List(a.Context(), "web", 1)
		if err != nil || len(list) != 1 || !list[0].Trusted() {
			a.Fatalf("%s: %+v %v", region, list, err)
		}
		out = append(out, fmt.Sprintf("%s %s", list[0].Outcome, list[0].Version))
	}
	return out
}

// A process that is killed for good (SIGKILL) at any call of a release in three waves leaves no wave before its turn. The same command
// goes on, and CloudFormation updates each region once over both runs. The next release ends the records of the killed one, so that a
// rollback finds it in all regions.
func TestWavesOfAKilledProcess(t *testing.T) {
	dirs := t.TempDir()
	for _, version := range []string{"v1", "v2", "v3"} {
		writeWaves(t, filepath.Join(dirs, version), version)
	}
	for _, setting := range append(cloudtest.Environment(t, "http://127.0.0.1:1"), "NO_COLOR=1", "SPACEL_ORBIT=", "AWS_PROFILE=") {
		name, value, _ := strings.Cut(setting, "=")
		t.Setenv(name, value)
	}
	clean := newWavesAccount(t, dirs)
	clean.must(clean.release(clean.cf.URL, "v1")...)
	p := cloudtest.NewProxy(t, clean.cf.URL, cloudtest.Faults{})
	clean.must(clean.release(p.URL, "v2")...)
	want, calls := clean.cf.State(), p.Calls()
	t.Run("kills", func(t *testing.T) {
		for _, at := range killMoments(calls) {
			t.Run(fmt.Sprintf("%d %s", at, calls[at-1]), func(t *testing.T) {
				t.Parallel()
				killedWaves(newWavesAccount(t, dirs), at, want)
			})
		}
	})
}

// killMoments returns numbers of calls: each one that changes something, counted from 1. Between two of these nothing happens that a
// next run could miss.
func killMoments(calls []string) (moments []int) {
	for i, call := range calls {
		if slices.Contains([]string{"dynamodb:PutItem", "cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"}, call) {
			moments = append(moments, i+1)
		}
	}
	var some []int
	for i := 0; i < len(moments); i += stride.Short(3) {
		some = append(some, moments[i])
	}
	return some
}

// killedWaves kills a run when a call was served, and checks what is there before and after the next run.
func killedWaves(a *wavesAccount, at int, want string) {
	a.must(a.release(a.cf.URL, "v1")...)
	a.cf.ResetCalls()
	args := a.release("", "v2")
	cmd := program(a.Context())
	p := cloudtest.NewProxy(a.T, a.cf.URL, cloudtest.Faults{StopAt: at, StopAfter: true, Stop: func() { _ = cmd.Process.Kill() }})
	args[len(args)-1] = p.URL
	cmd.Args = append([]string{"spacel"}, args...)
	if out, err := cmd.CombinedOutput(); err == nil {
		a.Logf("it was done before") // a run may make fewer calls than another
	} else if cmd.ProcessState.Exited() {
		a.Fatalf("it ended by itself: %v: %s", err, out)
	}
	a.wantInOrder()
	a.must(a.release(a.cf.URL, "v2")...)
	if got := a.cf.State(); got != want {
		a.Errorf("got %s\nwant %s", got, want)
	}
	if n := a.cf.Calls()["cloudformation:ExecuteChangeSet"]; n != len(waveRegions) {
		a.Errorf("%d updates of %d regions: %v", n, len(waveRegions), a.outcomes())
	}
	// The next release, and the way back from it.
	a.must(a.release(a.cf.URL, "v3")...)
	if got := a.outcomes(); fmt.Sprint(got) != "[good v3 good v3 good v3]" {
		a.Errorf("the newest records are %v", got)
	}
	a.must("rollback", "web", "--orbit", filepath.Join(a.dir, "v3"), "--yes", "--endpoint-url", a.cf.URL)
	if got := a.versions(); fmt.Sprint(got) != "[v2 v2 v2]" {
		a.Errorf("after the rollback the regions have %v", got)
	}
}

// wantInOrder fails if a wave has begun and one before it has not ended.
func (a *wavesAccount) wantInOrder() {
	a.Helper()
	began := true
	for i, version := range a.versions() {
		if strings.HasPrefix(version, "v2") && !began {
			a.Errorf("wave %d has begun: %v", i+1, a.versions())
		}
		began = version == "v2"
	}
}
