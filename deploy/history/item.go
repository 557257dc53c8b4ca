package history

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/pebble/spacel/agent/document"
)

// Attributes of an item, beside the key's two in the document package.
const (
	attrBody    = "record"  // the record in JSON
	attrMAC     = "mac"     // see signature.go
	attrRelease = "release" // the release's id: only its own run may write the item again
)

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// textOf returns an attribute of an item, "" if it is absent or of another type.
func textOf(i item, name string) string {
	if v, ok := i[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

// The partition of an app has its records in the order of their numbers. One Query therefore reads the newest ones, however many
// there are, and a number can be taken once only: DynamoDB has one item for each key.

// Partition returns the partition of an app's records in the table of releases.
func Partition(app string) string { return "release/" + app }

// digits is the length of a sort key. DynamoDB orders strings by their bytes, so numbers need leading zeros.
const digits = 9

// maxNumber is the last number. A forged record cannot push the numbers beyond the form of the key.
const maxNumber = 999_999_999

// sortKey returns the sort key of a release's number.
func sortKey(number int) string { return fmt.Sprintf("%0*d", digits, number) }

// numberOf returns the number of a sort key, false for a key of another form.
func numberOf(key string) (int, bool) {
	n, err := strconv.Atoi(key)
	return n, err == nil && n > 0 && sortKey(n) == key
}

// Entry is a record as it was read. Problem says why it must not be used, "" for a trusted record. Of an entry with a problem
// only the number is certain, and the rest is as somebody wrote it.
type Entry struct {
	Record
	Problem string `json:"problem,omitempty"`
}

// Trusted reports whether the record was written by a caller with rights on the orbit's key, and can be read.
func (e Entry) Trusted() bool { return e.Problem == "" }

// decode reads the body of a verified item. Unknown fields are ignored: a release of spacel may add some within one format.
func decode(body string, s *Store, app string, number int) Entry {
	var head struct{ Format int }
	if err := json.Unmarshal([]byte(body), &head); err != nil {
		return Entry{Record{Number: number}, "it is not JSON"}
	}
	if head.Format < 1 || head.Format > Format {
		return Entry{Record{Number: number, Format: head.Format}, fmt.Sprintf("its format is %d, and this spacel reads up to %d: "+
			"use the spacel that wrote it, or a newer one", head.Format, Format)}
	}
	var r Record
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		return Entry{Record{Number: number, Format: head.Format}, "it cannot be read: " + err.Error()}
	}
	// The signature covers the place, so only a mistake of ours could write another record there.
	if r.Orbit != s.Orbit || r.App != app || r.Region != s.region.Name || r.Number != number {
		return Entry{r, fmt.Sprintf("it is about release %d of %s in %s", r.Number, r.App, r.Region)}
	}
	return Entry{r, ""}
}

// keyOf returns the key of a record's item.
func keyOf(r Record) item {
	return item{document.ReleaseKind: text(Partition(r.App)), document.ReleaseID: text(sortKey(r.Number))}
}
