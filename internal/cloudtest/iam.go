package cloudtest

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
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
	values := map[string][]string{"aws:RequestedRegion": {call.Region}, "dynamodb:LeadingKeys": strings.Fields(call.Leading)}
	if _, alias, ok := strings.Cut(call.Resource, ":key/alias/"); ok {
		values["kms:RequestAlias"] = []string{"alias/" + alias}
	}
	for operator, keys := range condition {
		for key, wanted := range keys {
			if !met(operator, wanted, values[key]) {
				return false
			}
		}
	}
	return true
}

// met reports whether the values of a key meet a condition. Unlike IAM, a key without a value meets no ForAllValues, since a policy of
// ours must not allow a call by what it leaves out.
func met(operator string, wanted, values []string) bool {
	if operator == "Null" {
		return slices.Equal(wanted, []string{strconv.FormatBool(len(values) == 0)})
	}
	fits, known := map[string]func(pattern, value string) bool{
		"StringEquals":              func(pattern, value string) bool { return pattern == value },
		"ForAllValues:StringEquals": func(pattern, value string) bool { return pattern == value },
		"ForAllValues:StringLike":   func(pattern, value string) bool { return matchesPattern(pattern, value, false) },
	}[operator]
	if !known || len(values) == 0 {
		return false
	}
	return !slices.ContainsFunc(values, func(value string) bool {
		return !slices.ContainsFunc(wanted, func(pattern string) bool { return fits(pattern, value) })
	})
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
