package cfn

import "strings"

// iamNames are the properties that give something of IAM a name of its own.
var iamNames = []string{"RoleName", "UserName", "GroupName", "ManagedPolicyName", "InstanceProfileName"}

// Capabilities lists the acknowledgements that CloudFormation demands (CreateChangeSet, Capabilities): one for IAM
// resources, and a stronger one for IAM resources with explicit names. CAPABILITY_AUTO_EXPAND is none of them: it is for macros and
// nested stacks, which no template of ours has. The structs of this package never name IAM resources.
func (t *Template) Capabilities() []string {
	iam, named := false, false
	for _, r := range t.resources {
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

// hasName reports whether a resource in the manifest gives an IAM resource an explicit name.
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
