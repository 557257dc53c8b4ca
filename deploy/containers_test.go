package deploy

import (
	"strings"
	"testing"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/internal/cloudtest"
)

// The images of a release are looked at before anything changes: those that are not there, or are for other instances, end the run,
// and those that cannot be looked at are warnings.
func TestContainersAreChecked(t *testing.T) {
	const account, host = "123456789012", "123456789012.dkr.ecr.us-east-1.amazonaws.com/"
	const index = `{"manifests":[{"platform":{"os":"linux","architecture":"amd64"}},` +
		`{"platform":{"os":"unknown","architecture":"unknown"}},{"platform":{"os":"linux","architecture":"arm64"}}]}`
	const altered, cached = "not what its manifest says", "pull through cache fetches it"
	const denied = "not authorized to perform: ecr:BatchGetImage"
	for name, test := range map[string]struct {
		image   string
		prepare func(*cloudtest.ECR)
		problem string // of the run
		warning string
	}{
		"there":              {image: "team/shop:__VERSION__"},
		"by digest":          {image: "team/shop@DIGEST"},
		"for several":        {image: "team/index:1"},
		"no such version":    {image: "team/shop:v8", problem: "has no image v8: push it, or deploy another version"},
		"no such digest":     {image: "team/shop@sha256:ab", problem: "has no image sha256:ab"},
		"no such repository": {image: "team/shpo:__VERSION__", problem: "there is no repository team/shpo in account " + account},
		"other architecture": {image: "team/arm:1", problem: "it is for arm64, and the instances are amd64: build it for linux/amd64"},
		"no linux":           {image: "team/windows:1", warning: "its manifest names no architecture"},
		"no JSON":            {image: "team/odd:1", warning: "its manifest is not JSON"},
		"denied":             {image: "team/shop:v7", prepare: withoutRight("BatchGetImage"), warning: denied},
		"config denied":      {image: "team/shop:v7", prepare: withoutRight("GetDownloadUrlForLayer"), warning: "ecr:GetDownload"},
		"config altered":     {image: "team/shop:v7", prepare: tamper, warning: altered},
		"cached":             {image: "hub/redis:8", prepare: cache("ghcr", "hub"), warning: cached},
		"other cache":        {image: "hub/redis:8", prepare: cache("hu"), problem: "no repository hub/redis"},
		"cache unknown":      {image: "hub/redis:8", prepare: withoutRight("DescribePullThroughCacheRules"), warning: "no repository"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newEnv(t)
			e := cloudtest.NewECR(t, account)
			digest := e.PushFor("team/shop", "v7", "amd64")
			e.PushFor("team/arm", "1", "arm64")
			e.Push("team/index", "1", index)
			e.Push("team/windows", "1", `{"manifests":[{"platform":{"os":"windows","architecture":"amd64"}}]}`)
			e.Push("team/odd", "1", `<html>`)
			if test.prepare != nil {
				test.prepare(e)
			}
			b.cf.Forward(e.URL)
			b.options.Values.Version = "v7"
			d, err := b.prepare(testStack(east, "test-web",
				`{"Parameters": {"Version": {"Type": "String"}}, "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}`,
				func(s *assembly.Stack) {
					s.Parameters[document.ParameterVersion] = assembly.ValueFrom{Version: &assembly.Version{Default: "latest"}}
					image := host + strings.ReplaceAll(test.image, "DIGEST", digest)
					s.Images = []assembly.ContainerImage{{Image: image, Architecture: "amd64"}}
				}))
			if test.problem != "" {
				if err == nil || !strings.Contains(err.Error(), "cannot be deployed") || !strings.Contains(err.Error(), test.problem) {
					t.Errorf("got %v, want %s", err, test.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			warnings := strings.Join(d.Plan.Warnings, "\n")
			if test.warning == "" && warnings != "" || !strings.Contains(warnings, test.warning) {
				t.Errorf("warnings %q, want %q", warnings, test.warning)
			}
		})
	}
}

// withoutRight takes a right away.
func withoutRight(operation string) func(*cloudtest.ECR) {
	return func(e *cloudtest.ECR) { e.Refused[operation] = true }
}

func tamper(e *cloudtest.ECR) { e.Tampered = true }

// cache fills repositories by pull through caches.
func cache(prefixes ...string) func(*cloudtest.ECR) {
	return func(e *cloudtest.ECR) { e.Rules = prefixes }
}
