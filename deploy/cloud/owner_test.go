package cloud

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	ownAccount = "123456789012"
	deployRole = "arn:aws:iam::123456789012:role/ci/deploy"
)

// assumed is an answer of AssumeRole.
func assumed(arn, key, expiry string) string {
	return fmt.Sprintf(`<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser><Arn>%s</Arn></AssumedRoleUser><Credentials>`+
		`<AccessKeyId>%s</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration>`+
		`</Credentials></AssumeRoleResult></AssumeRoleResponse>`, arn, key, expiry)
}

// caller is an answer of GetCallerIdentity.
func caller(account, arn string) string {
	return fmt.Sprintf(`<GetCallerIdentityResponse><GetCallerIdentityResult><Account>%s</Account><Arn>%s</Arn>`+
		`</GetCallerIdentityResult></GetCallerIdentityResponse>`, account, arn)
}

// Empty answers of STS, and answers about somebody else, are refused with their cause.
func TestOddAnswersOfSTS(t *testing.T) {
	environment(t, "", strings.Fields(keys)...)
	soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	session := "arn:aws:sts::123456789012:assumed-role/deploy/x"
	good := caller(ownAccount, userARN("KEY"))
	for name, c := range map[string]struct{ identity, role, want string }{
		"no account":        {caller("", userARN("KEY")), "", "it has no Account or no Arn"},
		"words":             {caller("none", "nobody"), "", `it has the Account "none" and the Arn "nobody"`},
		"two accounts":      {caller("210987654321", userARN("KEY")), "", `it has the Account "210987654321" and the Arn`},
		"empty identity":    {"<GetCallerIdentityResponse/>", "", "sts:GetCallerIdentity"},
		"nothing":           {good, "<AssumeRoleResponse/>", "sts:AssumeRole"},
		"no credentials":    {good, "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>", "it has no Credentials"},
		"an empty key":      {good, assumed(session, "", soon), "it has no Credentials"},
		"expired":           {good, assumed(session, "ROLE", "2020-01-01T00:00:00Z"), "it has no Expiration in the future"},
		"another role":      {good, assumed("arn:aws:sts::123456789012:assumed-role/other/x", "ROLE", soon), "it has a session of"},
		"another account":   {good, assumed("arn:aws:sts::210987654321:assumed-role/deploy/x", "ROLE", soon), "it has a session of"},
		"a page of a proxy": {good, "<html>log in</html>", "HTML page"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.before = func(_ int, w http.ResponseWriter, r request) bool {
				answer := c.identity
				if r.action == "AssumeRole" {
					answer = c.role
				}
				fmt.Fprint(w, answer)
				return true
			}
			owner := Owner{Orbit: "test", Account: ownAccount, Role: deployRole, At: "orbit.yaml:2:1"}
			_, err := connect(t, Access{Endpoint: s.URL, Timing: quick}).Enter(t.Context(), "eu-west-1", owner, true)
			explains(t, err, c.want)
		})
	}
}

// The session's name has the orbit and the caller, in the characters and the length that STS takes.
func TestSessionName(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:iam::1:user/ada":                            "spacel-prod-ada",
		"arn:aws:iam::1:root":                                "spacel-prod-root",
		"arn:aws:sts::1:assumed-role/x/ada lovelace+1@a.com": "spacel-prod-ada-lovelace-1@a.com",
		"arn:aws:iam::1:user/" + strings.Repeat("x", 64):     "spacel-prod-" + strings.Repeat("x", 52),
	} {
		if got := sessionName("prod", Identity{ARN: arn}); got != want {
			t.Errorf("%s: got %s", arn, got)
		}
	}
}

// Assumed credentials are renewed before they end, for as long as the caller's own are valid.
func TestRoleIsRenewed(t *testing.T) {
	environment(t, "", strings.Fields(keys)...)
	s := newServer(t)
	roles := 0
	s.before = func(_ int, w http.ResponseWriter, r request) bool {
		if r.action != "AssumeRole" {
			return false
		}
		roles++
		// The first credentials end within the minute before which they are renewed.
		expiry := time.Now().Add([]time.Duration{30 * time.Second, time.Hour}[min(roles-1, 1)])
		fmt.Fprint(w, assumed("arn:aws:sts::123456789012:assumed-role/deploy/x", "ROLE", expiry.UTC().Format(time.RFC3339)))
		return true
	}
	owner := Owner{Orbit: "test", Account: ownAccount, Role: deployRole, At: "orbit.yaml:2:1"}
	c, err := connect(t, Access{Endpoint: s.URL, Timing: quick}).Enter(t.Context(), "eu-west-1", owner, true)
	if err != nil {
		t.Fatal(err)
	}
	if got := identity(t, c); got.ARN != userARN("ROLE") || roles != 2 {
		t.Errorf("called as %s after %d roles", got.ARN, roles)
	}
	if _, known := c.Expires(t.Context()); known {
		t.Error("somebody must log in again")
	}
}
