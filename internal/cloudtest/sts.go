package cloudtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// stsCalls answers the calls of STS. The user's name is invented.
type stsCalls struct{ *CloudFormation }

// serve reads a call in the query protocol. The session token, which the SDK sends with the credentials of a role, says which role
// signed the call.
func (c stsCalls) serve(w http.ResponseWriter, r *http.Request) {
	form, err := readForm(r)
	if err != nil {
		answer(w, nil, refuse("MalformedQueryString", "%s", err))
		return
	}
	c.count("sts", form.Get("Action"))
	who := "arn:aws:iam::" + c.engine.account + ":user/test"
	if token := r.Header.Get("X-Amz-Security-Token"); token != "" {
		who = token
	}
	switch form.Get("Action") {
	case "GetCallerIdentity":
		answer(w, identity(who), nil)
	case "AssumeRole":
		out, err := c.assume(who, form.Get("RoleArn"), form.Get("RoleSessionName"))
		answer(w, out, err)
	default:
		answer(w, nil, refuse("InvalidAction", "this test has no sts:%s", form.Get("Action")))
	}
}

// assume answers AssumeRole. A role that does not exist is refused with the words of one that does not trust the caller
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
func (c stsCalls) assume(who, role, session string) ([]byte, error) {
	if !slices.Contains(c.Roles, role) {
		return nil, &refusal{http.StatusForbidden, "AccessDenied",
			fmt.Sprintf("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", who, role)}
	}
	account := strings.Split(role, ":")[4]
	// The session's ARN has the last part of the role's name, without its path (IAM User Guide, "IAM identifiers").
	name := role[strings.LastIndex(role, "/")+1:]
	arn := fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", account, name, session)
	return fmt.Appendf(nil, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>`+
		`<AssumedRoleUser><Arn>%[1]s</Arn><AssumedRoleId>AROA:%[2]s</AssumedRoleId></AssumedRoleUser><Credentials>`+
		`<AccessKeyId>ASIATEST</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>%[1]s</SessionToken>`+
		`<Expiration>%[3]s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
		arn, session, time.Now().Add(15*time.Minute).UTC().Format(time.RFC3339)), nil
}

// identity answers GetCallerIdentity.
func identity(arn string) []byte {
	account := strings.Split(arn, ":")[4]
	return fmt.Appendf(nil, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">`+
		`<GetCallerIdentityResult><Arn>%s</Arn><UserId>AIDA%[2]s</UserId>`+
		`<Account>%[2]s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, arn, account)
}
