package e2e

import (
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// checkSignals checks what IAM says of a stack's instances: each region's role may signal that region's stack, and a stranger's
// none.
func (w *awsEnv) checkSignals(stack string, regions []string) {
	w.Helper()
	var allowed []string
	for _, policy := range w.policies(stack) {
		if !strings.Contains(policy, "cloudformation:SignalResource") {
			w.Errorf("a role of %s may not signal: %s", stack, policy)
		}
		for _, region := range regions {
			if strings.Contains(policy, "arn:aws:cloudformation:"+region+":") && strings.Contains(policy, ":stack/"+stack+"/") {
				allowed = append(allowed, region)
			}
		}
	}
	slices.Sort(allowed)
	if !slices.Equal(allowed, slices.Sorted(slices.Values(regions))) {
		w.Errorf("the instances of %s may signal in %v, want %v", stack, allowed, regions)
	}
}

// policies are the agent's, of every role of a stack's instances.
func (w *awsEnv) policies(stack string) (documents []string) {
	w.Helper()
	api := iam.NewFromConfig(w.config("us-east-1"))
	pages := iam.NewListRolesPaginator(api, &iam.ListRolesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.Context())
		w.fatal(err)
		for _, role := range page.Roles {
			if !strings.HasPrefix(*role.RoleName, stack+"-") {
				continue
			}
			name := "Agent"
			out, err := api.GetRolePolicy(w.Context(), &iam.GetRolePolicyInput{RoleName: role.RoleName, PolicyName: &name})
			w.fatal(err)
			document, err := url.QueryUnescape(*out.PolicyDocument)
			w.fatal(err)
			documents = append(documents, document)
		}
	}
	return documents
}
