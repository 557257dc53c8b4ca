package assembly

import (
	"fmt"
	"regexp"
)

// Owner is the AWS account of a directory, and the role for changes. Both may be empty. Unlike Origin it decides about
// the deployment, so comparisons look at it.
type Owner struct {
	Account string `json:"account,omitempty"` // 12 digits
	Role    string `json:"role,omitempty"`    // the ARN of an IAM role in this account
}

var (
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	roleForm    = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):role/[!-~]{1,574}$`)
)

// Of notes the account and role of the build.
func (c *contents) Of(owner Owner) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.manifest.Owner = owner
}

// problems are forms that no build writes. A role of another account would carry a deployment there.
func (o Owner) problems() []string {
	var out []string
	if o.Account != "" && !accountForm.MatchString(o.Account) {
		out = append(out, fmt.Sprintf("account: must be 12 digits, got %q", o.Account))
	}
	if o.Role == "" {
		return out
	}
	switch m := roleForm.FindStringSubmatch(o.Role); {
	case m == nil:
		out = append(out, fmt.Sprintf("role: must be the ARN of an IAM role, got %q", o.Role))
	case m[1] != o.Account:
		out = append(out, fmt.Sprintf("role: %q is not of the account %q", o.Role, o.Account))
	}
	return out
}
