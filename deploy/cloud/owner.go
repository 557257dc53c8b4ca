package cloud

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/logincreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/pebble/spacel/agent/document"
)

// Owner is the account of an orbit, and the role for changes. The zero value allows every account.
type Owner struct {
	Orbit   string
	Account string // 12 digits; "" for any
	Role    string // an ARN; "" for none
	At      string // where the account is written: file:line:col, or the path of a manifest.json
}

// Enter checks the account of the credentials, and returns the Cloud for a command that works on the orbit. For a command that changes
// something it assumes the orbit's role. A command that only reads works with the credentials as they are.
//
// A role named by the user with --role-arn is the one to use. Credentials of the orbit's role, as in CI, stay: few
// roles may assume themselves.
func (c *Cloud) Enter(ctx context.Context, region string, o Owner, changes bool) (*Cloud, error) {
	if o.Account == "" {
		return c, nil
	}
	// The answer is remembered, so a deployment that needs the account again asks only once.
	caller, err := c.Identity(ctx, region)
	if err != nil {
		return nil, err
	}
	if changes && o.Role != "" && !c.ofUser && !caller.is(o.Role) {
		return c.assume(ctx, region, o, caller)
	}
	if caller.Account != o.Account {
		return nil, o.refuse(caller)
	}
	return c, nil
}

// refuse returns the error for credentials of another account.
func (o Owner) refuse(caller Identity) error {
	instead := "choose a profile of that account with --profile or AWS_PROFILE"
	if o.Role != "" {
		instead += ", or give --role-arn " + o.Role
	}
	return fmt.Errorf("these AWS credentials are of account %s (%s), and the orbit %s is in account %s (%s): %s",
		caller.Account, caller.ARN, o.Orbit, o.Account, o.At, instead)
}

// assume returns a Cloud with the role's credentials. The first call is made here, so that a wrong role fails before
// anything else is asked.
func (c *Cloud) assume(ctx context.Context, region string, o Owner, caller Identity) (*Cloud, error) {
	credentials := roleCredentials(c.Region(region).config, o.Role, sessionName(o.Orbit, caller))
	cfg := c.given.Copy()
	cfg.Credentials = credentials
	next := New(cfg, c.access)
	next.answered.Store(c.answered.Load())
	if _, err := credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("assume the role %s of the orbit %s (%s) as %s: %w: the role's trust policy must allow it, and so must "+
			"the caller's own policies; or name another role with --role-arn", o.Role, o.Orbit, o.At, caller.ARN, Explain(err))
	}
	now, err := next.Identity(ctx, region)
	if err != nil {
		return nil, err
	}
	// STS has named the role's account already. An emulator, or a proxy with an answer of its own, may name another.
	if now.Account != o.Account {
		return nil, o.refuse(now)
	}
	return next, nil
}

// roleCredentials assumes a role when its credentials are needed, and again before they expire: for 15 minutes, the SDK's default, each
// time. So a long deployment needs only valid credentials of the caller.
func roleCredentials(cfg aws.Config, role, session string) *aws.CredentialsCache {
	provider := stscreds.NewAssumeRoleProvider(checkedRoles{sts.NewFromConfig(cfg)}, role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = session
	})
	return aws.NewCredentialsCache(provider, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = time.Minute })
}

// is reports whether the credentials are a session of this role. A session's ARN has the role's name without its path.
func (i Identity) is(role string) bool {
	parts := strings.Split(role, ":")
	name := role[strings.LastIndex(role, "/")+1:]
	return len(parts) > 5 && strings.HasPrefix(i.ARN, fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/", parts[1], parts[4], name))
}

// AWS allows these characters in the name of a session, and 64 of them
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
var unfitForSession = regexp.MustCompile(`[^A-Za-z0-9_=,.@-]+`)

const longestSession = 64

// sessionName returns the name under which CloudTrail records the calls: it has the orbit and the caller's own name.
func sessionName(orbit string, caller Identity) string {
	who := caller.ARN[strings.LastIndexAny(caller.ARN, "/:")+1:]
	name := "spacel-" + document.StackName(orbit, unfitForSession.ReplaceAllString(who, "-"))
	return name[:min(len(name), longestSession)]
}

// checkedRoles refuses an answer without usable credentials. The SDK would dereference the missing ones.
type checkedRoles struct {
	stscreds.AssumeRoleAPIClient
}

// AssumeRole returns the answer of STS. It must be about the role in question, and for some time to come.
func (c checkedRoles) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, options ...func(*sts.Options)) (
	*sts.AssumeRoleOutput, error,
) {
	out, err := c.AssumeRoleAPIClient.AssumeRole(ctx, in, options...)
	if err != nil {
		return nil, err
	}
	var given Identity
	if out.AssumedRoleUser != nil {
		given.ARN = aws.ToString(out.AssumedRoleUser.Arn)
	}
	got := out.Credentials
	switch {
	case got == nil || aws.ToString(got.AccessKeyId) == "" || aws.ToString(got.SecretAccessKey) == "" ||
		aws.ToString(got.SessionToken) == "":
		return nil, Incomplete("sts:AssumeRole", "no Credentials")
	case got.Expiration == nil || !got.Expiration.After(time.Now()):
		return nil, Incomplete("sts:AssumeRole", "no Expiration in the future")
	case !given.is(aws.ToString(in.RoleArn)):
		return nil, Incomplete("sts:AssumeRole", fmt.Sprintf("a session of %q, and not of %s", given.ARN, aws.ToString(in.RoleArn)))
	}
	return out, nil
}

// callerForm matches the ARN of a user, a role's session, a federated user or the root user
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html).
var callerForm = regexp.MustCompile(`^arn:aws[a-z-]*:(?:iam|sts)::([0-9]{12}):\S+$`)

// CheckIdentity returns an error for an answer of GetCallerIdentity that names no account, or two.
func CheckIdentity(out *sts.GetCallerIdentityOutput) error {
	account, arn := aws.ToString(out.Account), aws.ToString(out.Arn)
	if account == "" || arn == "" {
		return Incomplete("sts:GetCallerIdentity", "no Account or no Arn")
	}
	if m := callerForm.FindStringSubmatch(arn); m == nil || m[1] != account {
		return Incomplete("sts:GetCallerIdentity", fmt.Sprintf("the Account %.20q and the Arn %.200q, which is none of it", account, arn))
	}
	return nil
}

// Expires returns the time when the credentials end, if somebody must log in again then. Credentials of a machine or a role are renewed
// without the user, and static ones do not say.
func (c *Cloud) Expires(ctx context.Context) (time.Time, bool) {
	if c.config.Credentials == nil {
		return time.Time{}, false
	}
	got, err := c.config.Credentials.Retrieve(ctx)
	byLogin := got.Source == ssocreds.ProviderName || got.Source == logincreds.ProviderName
	return got.Expires, err == nil && got.CanExpire && byLogin
}
