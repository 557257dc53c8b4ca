package schema

import (
	"cmp"
	"strings"

	"github.com/pebble/spacel/schema/sections"
)

// own reads the account, the role and the permissions boundary of the orbit. They hold for all regions, because IAM is global and
// an orbit is in one account.
func (o *Orbit) own(top sections.Record) {
	o.Account = top.Text("account")
	o.Role = top.Text("role")
	o.PermissionsBoundary = top.Text("permissions_boundary")
	// Commands compare accounts before they do anything else, so the model has the account even if only the role's ARN says it.
	switch of := accountInARN(o.Role); {
	case o.Role == "":
	case of == "" && o.Account == "":
		// The account cannot be left to the credentials: then the manifest would name another role in each account.
		if !top.Unknown("account") {
			top.Errorf("role", "is a name: write account beside it, or the role's ARN, arn:aws:iam::ACCOUNT:role/%s", o.Role)
		}
	case of == "":
		o.Role = "arn:aws:iam::" + o.Account + ":role/" + o.Role
	case o.Account != "" && of != o.Account:
		top.Errorf("role", "is a role of account %s, and the orbit's account is %s", of, o.Account)
	default:
		o.Account = cmp.Or(o.Account, of)
	}
	// IAM accepts policies of the role's own account and of AWS, which has the word aws in place of the number.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
	if of := accountInARN(o.PermissionsBoundary); of != "" && of != "aws" && o.Account != "" && of != o.Account {
		top.Errorf("permissions_boundary", "is a policy of account %s, and the orbit's account is %s", of, o.Account)
	}
}

// accountInARN returns the account in the ARN of a role or a policy, "" for a name.
func accountInARN(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 5 {
		return parts[4]
	}
	return ""
}

// ownership returns the fields of own for the resolved value. Absent ones are left out.
func (o *Orbit) ownership(top sections.Record) []sections.Value {
	var out []sections.Value
	for _, f := range []struct{ name, value string }{
		{"account", o.Account}, {"role", o.Role}, {"permissions_boundary", o.PermissionsBoundary},
	} {
		if f.value != "" {
			out = append(out, sections.Extra(f.name, f.value, top.PosOf(f.name)))
		}
	}
	return out
}
