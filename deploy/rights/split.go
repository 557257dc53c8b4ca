package rights

import (
	"encoding/json"
	"unicode"
)

// MaxPolicy is the most characters of a managed policy. IAM does not count white space
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
const MaxPolicy = 6144

// A role may have 10 managed policies, and 20 in an account that asked for more
// (https://repost.aws/knowledge-center/iam-increase-policy-size).
const (
	MaxAttached = 10
	MaxRaised   = 20
)

// split puts the statements into as few policies as their order allows. A statement too long for a policy is divided.
func split(statements []Statement) []Document {
	var out []Document
	now := Document{Version: "2012-10-17"}
	for len(statements) > 0 {
		next := statements[0]
		longer := Document{now.Version, append(now.Statement[:len(now.Statement):len(now.Statement)], next)}
		// The order of the statements stays, so that related ones are in one policy and equal directories give equal policies.
		switch {
		case size(longer) <= MaxPolicy:
			now, statements = longer, statements[1:]
		case len(now.Statement) > 0:
			out, now = append(out, now), Document{Version: now.Version}
		default:
			statements = append(divide(next), statements[1:]...)
		}
	}
	if len(now.Statement) > 0 {
		out = append(out, now)
	}
	return out
}

// divide halves a statement: its resources, or if there is one, its actions. Both halves together allow the same.
func divide(s Statement) []Statement {
	one, other := s, s
	if n := len(s.Resource); n > 1 {
		one.Resource, other.Resource = s.Resource[:n/2], s.Resource[n/2:]
		return []Statement{one, other}
	}
	n := len(s.Action)
	one.Action, other.Action = s.Action[:n/2], s.Action[n/2:]
	return []Statement{one, other}
}

// size returns the number of characters of a policy as IAM counts them.
func size(d Document) int {
	body, err := json.Marshal(d)
	if err != nil {
		panic(err) // plain data always encodes
	}
	n := 0
	for _, r := range string(body) {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	// An unknown account is one character here, and twelve once the CloudFormation template has put its own in its place.
	for _, s := range d.Statement {
		for _, arn := range s.Resource {
			if _, unknown := ownAccount(arn).(map[string]any); unknown {
				n += len("123456789012") - len("*")
			}
		}
	}
	return n
}
