package cloudtest

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// Policy is an IAM policy as JSON, with lists in every place.
type Policy struct {
	Statement []struct {
		Effect    string
		Action    []string
		Resource  []string
		Condition map[string]map[string][]string
	}
}

// ParsePolicy reads a policy with a list in every place.
func ParsePolicy(body []byte) (p Policy, err error) { return p, json.Unmarshal(body, &p) }

// Allows judges a call as IAM does: a statement allows it if action, resource and all conditions match, and one that denies wins
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html). The keys with a value are
// aws:RequestedRegion, dynamodb:LeadingKeys of a BatchGetItem, and kms:RequestAlias, which is the alias that a call of KMS names its
// key by. A condition on any other key refuses the call: none of the calls of deploy itself has one.
func Allows(policies []Policy, call Access) bool {
	allowed := false
	for _, p := range policies {
		for _, s := range p.Statement {
			matches := slices.ContainsFunc(s.Action, func(a string) bool { return matchesPattern(a, call.Action, true) }) &&
				slices.ContainsFunc(s.Resource, func(r string) bool { return matchesPattern(r, call.Resource, false) }) &&
				holds(s.Condition, call)
			if matches && s.Effect == "Deny" {
				return false
			}
			allowed = allowed || matches
		}
	}
	return allowed
}

// holds reports whether every condition is met.
func holds(condition map[string]map[string][]string, call Access) bool {
	for operator, keys := range condition {
		for key, values := range keys {
			if key == "dynamodb:LeadingKeys" || operator == "Null" {
				if call.Leading == "" || operator != "Null" && !leads(operator, values, call.Leading) {
					return false
				}
				continue
			}
			value := map[string]string{"aws:RequestedRegion": call.Region}[key]
			if _, alias, ok := strings.Cut(call.Resource, ":key/alias/"); ok && key == "kms:RequestAlias" {
				value = "alias/" + alias
			}
			if operator != "StringEquals" || value == "" || !slices.Contains(values, value) {
				return false
			}
		}
	}
	return true
}

// leads reports whether all partition keys of a call of DynamoDB are among a condition's values.
func leads(operator string, values []string, keys string) bool {
	for _, key := range strings.Split(keys, " ") {
		found := slices.ContainsFunc(values, func(v string) bool {
			return v == key || operator == "ForAllValues:StringLike" && matchesPattern(v, key, false)
		})
		if !found {
			return false
		}
	}
	return strings.HasPrefix(operator, "ForAllValues:")
}

// matchesPattern reports whether IAM's pattern, in which * stands for any text and ? for one character, matches a text. Letters of
// actions have no case.
func matchesPattern(pattern, text string, fold bool) bool {
	expression := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
	if fold {
		expression = "(?i)" + expression
	}
	return regexp.MustCompile("^" + expression + "$").MatchString(text)
}
