package drift

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"

	"github.com/pebble/spacel/compiler/impact"
	"github.com/pebble/spacel/compiler/template"
)

// IAM returns a document as somebody wrote it, and the template has it in CloudFormation's form. Both may say the same in several ways:
// one statement or a list, one action or a list, an account by its number or its ARN, a truth value or its text, lists in any order. The
// comparison knows these. It does not know that s3:* includes s3:GetObject: another text is another right.

// statements returns the statements of a policy document. One statement may stand without a list (IAM User Guide, "IAM JSON policy
// elements: Statement").
func statements(document any) []map[string]any {
	object, _ := document.(map[string]any)
	list, ok := object["Statement"].([]any)
	if !ok && object["Statement"] != nil {
		list = []any{object["Statement"]}
	}
	var out []map[string]any
	for _, item := range list {
		if statement, ok := item.(map[string]any); ok {
			out = append(out, statement)
		}
	}
	return out
}

// decodeDocument reads a document as IAM returns it: JSON, URL-encoded by RFC 3986 (IAM API Reference, GetRolePolicy, PolicyDocument).
func decodeDocument(document string) (map[string]any, error) {
	text, err := url.PathUnescape(document)
	if err != nil {
		return nil, fmt.Errorf("the policy document is not URL-encoded: %w", err)
	}
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		return nil, fmt.Errorf("the policy document is no JSON: %w", err)
	}
	return plain(out).(map[string]any), nil
}

// plain writes numbers and truth values as texts, as values of templates are: IAM takes both.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, item := range v {
			out[name] = plain(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = plain(item)
		}
		return out
	case string:
		return v
	case nil:
		return ""
	}
	return string(template.Encoded(v))
}

// compareStatements pairs the statements of two documents. It returns those that only one has, in words.
func compareStatements(expected, actual any) (gone, added []string) {
	// A statement is paired as a whole. An edited one appears as removed and added, as in a review.
	left := statements(actual)
	for _, want := range statements(expected) {
		i := slices.IndexFunc(left, func(is map[string]any) bool { return sameStatement(want, is) })
		if i < 0 {
			gone = append(gone, shownStatement(want))
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	for _, is := range left {
		added = append(added, shownStatement(is))
	}
	return gone, added
}

// shownStatement is a statement in words. Parts that only AWS knows are written as ….
func shownStatement(statement map[string]any) string {
	return gapPattern.ReplaceAllString(impact.Statement(statement), "…")
}

var gapPattern = regexp.MustCompile(gap)

// sameStatement compares two statements without their Sid, which is only a name.
func sameStatement(expected, actual map[string]any) bool {
	without := func(m map[string]any) map[string]any {
		out := map[string]any{}
		for name, v := range m {
			if name != "Sid" {
				out[name] = v
			}
		}
		return out
	}
	return same(without(expected), without(actual))
}

// accountRoot matches the ARN for which an account's number stands as a principal (IAM User Guide, "AWS JSON policy elements: Principal").
var accountRoot = regexp.MustCompile(`^arn:[a-z-]+:iam::(\d{12}):root$`)

// same compares two values of documents. Order has no meaning in IAM's lists, and a list of one is its item.
func same(expected, actual any) bool {
	a, isObject := expected.(map[string]any)
	b, alsoObject := actual.(map[string]any)
	if isObject && alsoObject {
		if len(a) != len(b) {
			return false
		}
		// Both sides have as many members, so a missing name here is another name there.
		for name, value := range a {
			if other, ok := b[name]; !ok || !same(value, other) {
				return false
			}
		}
		return true
	}
	if isObject || alsoObject {
		return false
	}
	want, is := listOf(expected), listOf(actual)
	if len(want) != len(is) {
		return slices.Contains(want, any(gap)) && len(want) < len(is) // a list that only AWS knows stands in the gap
	}
	for _, item := range want {
		i := slices.IndexFunc(is, func(other any) bool { return fits(principal(text(item)), principal(text(other))) })
		if i < 0 {
			return false
		}
		is = slices.Delete(is, i, i+1)
	}
	return true
}

// listOf returns the items of a list, or one value as a list.
func listOf(v any) []any {
	if list, ok := v.([]any); ok {
		return slices.Clone(list)
	}
	return []any{v}
}

// principal writes an account's ARN as its number.
func principal(value string) string { return accountRoot.ReplaceAllString(value, "$1") }
