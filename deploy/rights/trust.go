package rights

import (
	"cmp"
	"fmt"
	"regexp"
)

// GitHub is the issuer of the tokens of GitHub Actions.
// https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
const GitHub = "token.actions.githubusercontent.com"

// repositoryForm matches OWNER/NAME. Neither part may hold a wildcard: the token's subject is compared by StringEquals.
var repositoryForm = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}$`)

// environmentForm matches the names of environments that need no escape in a token's subject, where a colon separates the parts.
var environmentForm = regexp.MustCompile(`^[A-Za-z0-9._ /-]{1,255}$`)

// Repository is a GitHub repository, and the environment in it from which a workflow deploys.
type Repository struct{ Name, Environment string }

// Check reports a name that GitHub does not have.
func (r Repository) Check() error {
	if r.Name != "" && !repositoryForm.MatchString(r.Name) {
		return fmt.Errorf("--github must be a repository, OWNER/NAME, got %q", r.Name)
	}
	if !environmentForm.MatchString(r.Environment) {
		return fmt.Errorf("--environment must be a name such as production, got %q", r.Environment)
	}
	return nil
}

// subject is the subject of the tokens of the repository's jobs with the environment.
func (r Repository) subject() string {
	return "repo:" + cmp.Or(r.Name, "OWNER/NAME") + ":environment:" + r.Environment
}

// Trust is a role's trust policy.
type Trust struct {
	Version   string
	Statement []TrustStatement
}

// TrustStatement is a statement of a trust policy.
type TrustStatement struct {
	Effect    string
	Principal map[string]string
	Action    string
	Condition map[string]map[string]string
}

// TrustOf returns the trust policy for the jobs of one environment of one repository. Both conditions are equalities, so that no other
// repository's token and no other branch's environment passes.
func TrustOf(account string, r Repository) Trust {
	return Trust{"2012-10-17", []TrustStatement{{
		Effect:    "Allow",
		Principal: map[string]string{"Federated": "arn:aws:iam::" + cmp.Or(account, "ACCOUNT") + ":oidc-provider/" + GitHub},
		Action:    "sts:AssumeRoleWithWebIdentity",
		Condition: map[string]map[string]string{"StringEquals": {GitHub + ":aud": "sts.amazonaws.com", GitHub + ":sub": r.subject()}},
	}}}
}
