package cfn

import "strings"

// iamNames are the properties that give something of IAM a name of its own.
var iamNames = []string{"RoleName", "UserName", "GroupName", "ManagedPolicyName", "InstanceProfileName"}

// Capabilities are what CloudFormation wants acknowledged before it makes the stack: something of IAM's, something of IAM's
// with a name of its own, a stack within the stack, of which nothing is known. This package's own structs give no names.
func (t *Template) Capabilities() []string {
	iam, named := false, false
	for _, r := range t.resources {
		if r.Type() == "AWS::CloudFormation::Stack" {
			return []string{"CAPABILITY_AUTO_EXPAND", "CAPABILITY_NAMED_IAM"}
		}
		if strings.HasPrefix(r.Type(), "AWS::IAM::") {
			iam = true
			named = named || hasName(r)
		}
	}
	switch {
	case named:
		return []string{"CAPABILITY_NAMED_IAM"}
	case iam:
		return []string{"CAPABILITY_IAM"}
	}
	return nil
}

func hasName(r Resource) bool {
	raw, ok := r.(*RawResource)
	if !ok {
		return false
	}
	for _, name := range iamNames {
		if _, has := raw.properties().values[name]; has {
			return true
		}
	}
	return false
}
