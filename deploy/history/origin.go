package history

import (
	"net/url"
	"regexp"
	"strings"
)

// Origin is the run of a CI system that deployed.
type Origin struct {
	Commit string `json:"commit,omitempty"` // in hex
	URL    string `json:"url,omitempty"`    // of the run
}

// system is a CI system: a variable always set in its runs, the one with the commit, and the run's address, in which $NAME stands for a
// variable.
type system struct{ mark, commit, url string }

// systems are the CI systems with the names of their variables, as each documents them:
//
//	https://docs.github.com/en/actions/reference/workflows-and-actions/variables
//	https://docs.gitlab.com/ci/variables/predefined_variables/
//	https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/
//	https://circleci.com/docs/reference/variables/
//	https://buildkite.com/docs/pipelines/configure/environment-variables
//	https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables
//	https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
//	https://docs.travis-ci.com/user/environment-variables/
//	https://www.jenkins.io/doc/book/pipeline/jenkinsfile/ and https://plugins.jenkins.io/git/
var systems = []system{
	{"GITHUB_ACTIONS", "GITHUB_SHA", "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"},
	{"GITLAB_CI", "CI_COMMIT_SHA", "$CI_JOB_URL"},
	{"BITBUCKET_BUILD_NUMBER", "BITBUCKET_COMMIT", "$BITBUCKET_GIT_HTTP_ORIGIN/pipelines/results/$BITBUCKET_BUILD_NUMBER"},
	{"CIRCLECI", "CIRCLE_SHA1", "$CIRCLE_BUILD_URL"},
	{"BUILDKITE", "BUILDKITE_COMMIT", "$BUILDKITE_BUILD_URL"},
	{"TF_BUILD", "BUILD_SOURCEVERSION", "$SYSTEM_COLLECTIONURI$SYSTEM_TEAMPROJECT/_build/results?buildId=$BUILD_BUILDID"},
	{"CODEBUILD_BUILD_ID", "CODEBUILD_RESOLVED_SOURCE_VERSION", "$CODEBUILD_BUILD_URL"},
	{"TRAVIS", "TRAVIS_COMMIT", "$TRAVIS_BUILD_WEB_URL"},
	{"JENKINS_URL", "GIT_COMMIT", "$BUILD_URL"},
}

var (
	commitForm   = regexp.MustCompile(`^[0-9a-f]{7,64}$`)
	variableForm = regexp.MustCompile(`\$[A-Z0-9_]+`)
)

// A commit is letters and digits, and an address is parsed and written again, so neither can carry control characters into a
// terminal or a login into the table. Whatever else a variable holds is left out.

// OriginOf returns the commit and the run named by the environment, nil outside of a CI system. Lookup is os.LookupEnv.
func OriginOf(lookup func(string) (string, bool)) *Origin {
	if lookup == nil {
		return nil
	}
	for _, s := range systems {
		if mark, _ := lookup(s.mark); mark == "" || mark == "false" {
			continue
		}
		o := &Origin{URL: address(s.url, lookup)}
		if commit, _ := lookup(s.commit); commitForm.MatchString(strings.ToLower(commit)) {
			o.Commit = strings.ToLower(commit)
		}
		if *o == (Origin{}) {
			return nil
		}
		return o
	}
	return nil
}

// maxAddress is the longest address of a run, in bytes. A longer one is left out.
const maxAddress = 500

// address fills a run's address in, "" if a variable is missing or the result is no address. A login in the address is removed,
// because the list of releases shows it.
func address(form string, lookup func(string) (string, bool)) string {
	complete := true
	text := variableForm.ReplaceAllStringFunc(form, func(name string) string {
		value, _ := lookup(name[1:])
		complete = complete && value != ""
		return value
	})
	u, err := url.Parse(text)
	if err != nil || !complete || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	u.User = nil
	if text = u.String(); len(text) > maxAddress {
		return ""
	}
	return text
}
