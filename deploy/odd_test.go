package deploy

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
)

// notFinding is a connection to an AWS that does not find change sets, for the first calls of DescribeChangeSet.
func (b *deployEnv) notFinding(calls int) string {
	target, _ := url.Parse(b.cf.URL)
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action, forward := formAction(r)
		if action == "DescribeChangeSet" && calls > 0 {
			calls--
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`<ErrorResponse><Error><Type>Sender</Type><Code>ChangeSetNotFound</Code>` +
				`<Message>ChangeSet [lost] does not exist</Message></Error></ErrorResponse>`))
			return
		}
		proxy.ServeHTTP(w, forward)
	}))
	b.Cleanup(server.Close)
	return server.URL
}

// A new change set that is not found at first is looked for again. One that stays lost fails after few looks, with CloudFormation's
// words and not with a guess about other operations.
func TestFreshChangeSetIsNotFound(t *testing.T) {
	b := newEnv(t)
	stack := testStack(east, "test-web", topics("A"))
	cfg := b.cf.Config(t, "")
	cfg.BaseEndpoint = aws.String(b.notFinding(2))
	d, err := Prepare(t.Context(), cloud.New(cfg, cloud.Access{}), b.artifact(stack), b.options, b.listen)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Plan.Stacks[0].Changes) != 1 || b.cf.Calls()["cloudformation:CreateChangeSet"] != 1 {
		t.Errorf("got %+v after %v", d.Plan, b.cf.Calls())
	}
	b.says(sprint(b.told(activity.Waiting)), "ChangeSet [lost] does not exist")

	b = newEnvNow(t)
	cfg = b.cf.Config(t, "")
	cfg.BaseEndpoint = aws.String(b.notFinding(1000))
	_, err = Prepare(t.Context(), cloud.New(cfg, cloud.Access{}), b.artifact(stack), b.options, b.listen)
	if err == nil || !strings.Contains(err.Error(), "does not find it: ChangeSet [lost] does not exist") {
		t.Errorf("got %v", err)
	}
	if n := b.cf.Calls()["cloudformation:CreateChangeSet"]; n != 1 {
		t.Errorf("%d change sets were made", n)
	}
}

// Plans that other operations overtake are made again after a pause.
func TestOvertakenPlansPause(t *testing.T) {
	b := newEnv(t)
	s := &stack{session: newSession(cloud.New(b.cf.Config(t, ""), cloud.Access{}), b.artifact(testStack(east, "test-web", topics("A"))),
		Options{Poll: 30 * time.Millisecond}, b.listen)}
	began := time.Now()
	if err := s.pauseOvertaken(t.Context(), errOvertaken); err != nil || time.Since(began) < 20*time.Millisecond {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

// CloudFormation leaves out values, and says what happens nevertheless.
func TestPropertyWithoutValuesIsAChange(t *testing.T) {
	for want, target := range map[string]*types.ResourceTargetDefinition{
		"Modify": {},
		"Add":    {AfterValue: aws.String("x")},
		"Remove": {BeforeValue: aws.String("x")},
	} {
		if got := changeOf(target); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := changeOf(&types.ResourceTargetDefinition{AttributeChangeType: types.AttributeChangeTypeAdd}); got != "Add" {
		t.Errorf("got %s", got)
	}
	merged := appendProperty(nil, PropertyChange{Path: "P", Change: "Modify"})
	merged = appendProperty(merged, PropertyChange{Path: "P", Change: "Add", After: "x"})
	if len(merged) != 1 || merged[0].Change != "Add" || merged[0].After != "x" {
		t.Errorf("got %+v", merged)
	}
}
