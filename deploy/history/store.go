package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/cloud"
)

// Store is the table of releases in one region.
type Store struct {
	Orbit  string
	region *cloud.Region
}

// Open returns the store of an orbit in a region. It makes no call.
func Open(c *cloud.Cloud, orbit, region string) *Store { return &Store{orbit, c.Region(region)} }

// Region returns the store's region.
func (s *Store) Region() string { return s.region.Name }

// table is the table's name.
func (s *Store) table() string { return document.TableName(s.Orbit, document.ReleasesTable) }

// explain words the error of a call, and tells a missing table apart.
func (s *Store) explain(doing string, err error) error {
	if _, absent := errors.AsType[*types.ResourceNotFoundException](err); absent {
		return fmt.Errorf("%w in %s: %s does not exist", ErrNoTable, s.region.Name, s.table())
	}
	return fmt.Errorf("%s the table %s in %s: %w", doing, s.table(), s.region.Name, cloud.Explain(err))
}

// Last returns the highest number of an app's records in the region, 0 if there is none. Untrusted records count: their
// numbers are taken all the same.
func (s *Store) Last(ctx context.Context, app string) (int, error) {
	items, err := s.newest(ctx, app, question{limit: lookBack, attribute: document.ReleaseID})
	for _, i := range items {
		if n, ok := numberOf(textOf(i, document.ReleaseID)); ok {
			return n, nil
		}
	}
	return 0, err
}

// lookBack is how many items with keys of another form may stand above the last record. Somebody else wrote those.
const lookBack = 5

// question says which items of an app to read: at most so many, below a number unless it is 0, with one attribute or with all if it
// is "".
type question struct {
	limit, below int
	attribute    string
}

// newest returns items of an app, the newest first. The read is consistent, since an older copy would show a number as free.
func (s *Store) newest(ctx context.Context, app string, q question) ([]item, error) {
	in := &dynamodb.QueryInput{
		TableName:                 aws.String(s.table()),
		KeyConditionExpression:    aws.String("#kind = :kind"),
		ExpressionAttributeNames:  map[string]string{"#kind": document.ReleaseKind},
		ExpressionAttributeValues: item{":kind": text(Partition(app))},
		ScanIndexForward:          aws.Bool(false),
		ConsistentRead:            aws.Bool(true),
		Limit:                     aws.Int32(int32(q.limit)),
	}
	if q.below > 0 {
		*in.KeyConditionExpression += " AND #id < :id"
		in.ExpressionAttributeNames["#id"], in.ExpressionAttributeValues[":id"] = document.ReleaseID, text(sortKey(q.below))
	}
	if q.attribute != "" {
		in.ProjectionExpression = aws.String("#attribute")
		in.ExpressionAttributeNames["#attribute"] = q.attribute
	}
	var found []item
	// An answer has at most 1 MB, so it may have fewer items than the limit although there are more.
	for pages := dynamodb.NewQueryPaginator(s.region.DynamoDB(), in); pages.HasMorePages() && len(found) < q.limit; {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, s.explain("read", err)
		}
		// DynamoDB sends an empty list where there is no item. Without any list nothing is known.
		if page.Items == nil {
			return nil, s.explain("read", cloud.Incomplete("dynamodb:Query", "no Items"))
		}
		found = append(found, page.Items...)
	}
	return found[:min(len(found), q.limit)], nil
}

// Both writes put the whole item. Its MAC covers all of the body, so an update of single attributes would need a new one anyway.

// Add writes the first record of a release. It is ErrTaken when a record of this number exists and is not this release's own.
func (s *Store) Add(ctx context.Context, r Record) error {
	return s.put(ctx, r, "attribute_not_exists(#release)")
}

// Change writes a record of this release again, as when it ends.
func (s *Store) Change(ctx context.Context, r Record) error {
	return s.put(ctx, r, "#release = :release")
}

// put signs and writes a record under a condition. The SDK repeats a call whose answer was lost. The repetition of a first write
// fails, because the item exists by then. So the item's own id decides.
func (s *Store) put(ctx context.Context, r Record, condition string) error {
	r.Format, r.Orbit, r.Region = Format, s.Orbit, s.region.Name
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	mac, err := s.sign(ctx, r, string(body))
	if err != nil {
		return err
	}
	whole := keyOf(r)
	whole[attrBody], whole[attrRelease] = text(string(body)), text(r.ID)
	whole[attrMAC] = &types.AttributeValueMemberB{Value: mac}
	in := &dynamodb.PutItemInput{
		TableName: aws.String(s.table()), Item: whole,
		ConditionExpression:                 &condition,
		ExpressionAttributeNames:            map[string]string{"#release": attrRelease},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if condition == "#release = :release" {
		in.ExpressionAttributeValues = item{":release": text(r.ID)}
	}
	_, err = s.region.DynamoDB().PutItem(ctx, in)
	if failed, isFailed := errors.AsType[*types.ConditionalCheckFailedException](err); isFailed {
		if textOf(failed.Item, attrRelease) == r.ID && textOf(failed.Item, attrBody) == string(body) {
			return nil
		}
		return fmt.Errorf("%w %d of %s in %s", ErrTaken, r.Number, r.App, s.region.Name)
	}
	if err != nil {
		return s.explain("write", err)
	}
	return nil
}

// List returns an app's newest records in the region, the newest first, each verified.
func (s *Store) List(ctx context.Context, app string, limit int) ([]Entry, error) {
	return s.list(ctx, app, question{limit: limit})
}

// Before returns the newest trusted and good record below a number, false if there is none among the last ones.
func (s *Store) Before(ctx context.Context, app string, number int) (Entry, bool, error) {
	return s.first(ctx, app, question{limit: lookForGood, below: number}, func(r Record) bool { return r.Outcome == Good })
}

// WithTemplate returns the newest trusted record with a kept artifact of a template, false if there is none among the last ones.
func (s *Store) WithTemplate(ctx context.Context, app, digest string) (Entry, bool, error) {
	return s.first(ctx, app, question{limit: lookForGood}, func(r Record) bool { return r.Template == digest && r.Artifact != nil })
}

// Unfinished returns the newest record of an app in the region, if it is trusted and its run has not written its end.
func (s *Store) Unfinished(ctx context.Context, app string) (Entry, bool, error) {
	items, err := s.newest(ctx, app, question{limit: 1})
	if err != nil || len(items) == 0 || s.unverified(app, items[0]).Outcome.Ended() {
		return Entry{}, false, err
	}
	e, err := s.read(ctx, app, items[0])
	return e, err == nil && e.Trusted(), err
}

// lookForGood is how many records Before, WithTemplate and Latest look through.
const lookForGood = 20

// first returns the newest trusted record that is wanted. Each signature costs a call of KMS, so only wanted records are verified:
// a forged one is left out because of its signature, whatever it says.
func (s *Store) first(ctx context.Context, app string, q question, wanted func(Record) bool) (Entry, bool, error) {
	items, err := s.newest(ctx, app, q)
	for _, each := range items {
		if said := s.unverified(app, each); !said.Trusted() || !wanted(said.Record) {
			continue
		}
		e, err := s.read(ctx, app, each)
		if err != nil || e.Trusted() {
			return e, err == nil, err
		}
	}
	return Entry{}, false, err
}

// list returns the records of the items, each verified.
func (s *Store) list(ctx context.Context, app string, q question) ([]Entry, error) {
	items, err := s.newest(ctx, app, q)
	if err != nil {
		return nil, err
	}
	return s.readAll(ctx, app, items)
}

// readAll returns the records of items, each verified.
func (s *Store) readAll(ctx context.Context, app string, items []item) ([]Entry, error) {
	entries := make([]Entry, len(items))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(verifiers)
	for i, each := range items {
		work.Go(func() (err error) {
			entries[i], err = s.read(ctx, app, each)
			return err
		})
	}
	return entries, work.Wait()
}

// KMS answers in some milliseconds, so a list of twenty releases takes no longer than one look at CloudFormation.

// verifiers is how many signatures of a region are verified at a time.
const verifiers = 8

// Get returns the record of a number, false if there is none.
func (s *Store) Get(ctx context.Context, app string, number int) (Entry, bool, error) {
	out, err := s.region.DynamoDB().GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String(s.table()), Key: keyOf(Record{App: app, Number: number}), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return Entry{}, false, s.explain("read", err)
	}
	if len(out.Item) == 0 {
		return Entry{}, false, nil
	}
	entry, err := s.read(ctx, app, out.Item)
	return entry, true, err
}

// read verifies an item and returns its record.
func (s *Store) read(ctx context.Context, app string, i item) (Entry, error) {
	entry := s.unverified(app, i)
	number, ok := numberOf(textOf(i, document.ReleaseID))
	if !ok {
		return entry, nil
	}
	var mac []byte
	if v, ok := i[attrMAC].(*types.AttributeValueMemberB); ok {
		mac = v.Value
	}
	problem, err := s.verify(ctx, app, number, textOf(i, attrBody), mac)
	if err != nil {
		return Entry{}, err
	}
	if problem != "" {
		entry.Problem = problem
	}
	return entry, nil
}

// unverified returns the record of an item as somebody wrote it. Its problem is about its form only.
func (s *Store) unverified(app string, i item) Entry {
	number, ok := numberOf(textOf(i, document.ReleaseID))
	if !ok {
		return Entry{Problem: fmt.Sprintf("its key %.40q is not one that spacel writes", textOf(i, document.ReleaseID))}
	}
	entry := decode(textOf(i, attrBody), s, app, number)
	entry.Number = number
	return entry
}
