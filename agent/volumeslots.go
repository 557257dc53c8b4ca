package agent

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/slots"
)

// slot is an item of the orbit's table of volumes. It says which instance may use a volume, and how far a change of the
// volume has come. An instance holds at most one slot of a label.
type slot struct {
	key      string // document.VolumeKey
	index    int
	instance string // the holder, "" when there never was one
	claimed  int64  // when, in seconds since 1970
	volume   string // the EBS volume, "" before the first is mounted
	zone     string // of volume
	attempt  string // tagAttempt of the attempt to make a volume, "" without one
	snapshot string // of volume, to make next from
	next     string // the EBS volume to mount next
	spent    string // tagAttempt of an attempt whose leftovers are still to be deleted
	old      string // an EBS volume to delete, too: the predecessor of volume
}

// String returns the slot's key and number.
func (s *slot) String() string { return s.key + " " + strconv.Itoa(s.index) }

// LogValue returns the slot's name: the log has no use for the rest.
func (s *slot) LogValue() slog.Value { return slog.StringValue(s.String()) }

// texts returns pointers to the text attributes, by name.
func (s *slot) texts() map[string]*string {
	return map[string]*string{
		document.SlotInstance: &s.instance, document.SlotVolume: &s.volume, document.SlotZone: &s.zone, "attempt": &s.attempt,
		"snapshot": &s.snapshot, "next": &s.next, "spent": &s.spent, "old": &s.old,
	}
}

// slotTable is the part of the orbit's table of volumes that belongs to one volume of the document.
type slotTable struct {
	client   *dynamodb.Client
	table    string // its name
	key      string // document.VolumeKey
	count    int    // slots
	instance string // this instance's id
}

// claim returns the slot of this instance, or takes the one that slots.Choose names. Until there is one, claim waits.
func (m volumeManager) claim(ctx context.Context) (*slot, error) {
	var got *slot
	err := until(ctx, m.log, func(ctx context.Context) (string, error) {
		all, err := m.slots.read(ctx)
		if err != nil {
			return "", err
		}
		// A boot after a crash finds the slot claimed by the boot before.
		if mine := slices.IndexFunc(all, func(s *slot) bool { return s.instance == m.instance.ID }); mine >= 0 {
			got = all[mine]
			return "", nil
		}
		chosen, held, err := m.choose(ctx, all)
		if err != nil || chosen == nil {
			return held, err
		}
		if got, err = m.slots.take(ctx, chosen); err != nil || got != nil {
			return "", err
		}
		return fmt.Sprintf("another instance took slot %s first", chosen), nil
	})
	return got, err
}

// read reads all slots, those without an item included.
func (t slotTable) read(ctx context.Context) ([]*slot, error) {
	slots := make([]*slot, t.count)
	for i := range slots {
		slots[i] = &slot{key: t.key, index: i}
	}
	// The read is consistent: another instance may have claimed a slot a moment ago, and an older copy would not show it.
	pages := dynamodb.NewQueryPaginator(t.client, &dynamodb.QueryInput{
		TableName:                 &t.table,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("#label = :label"),
		ExpressionAttributeNames:  map[string]string{"#label": document.SlotLabel},
		ExpressionAttributeValues: map[string]types.AttributeValue{":label": text(t.key)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the slots of %s in table %s: %w", t.key, t.table, err)
		}
		for _, item := range page.Items {
			// A slot above count is left from a time with more slots.
			if index, err := strconv.Atoi(number(item[document.SlotIndex])); err == nil && index >= 0 && index < len(slots) {
				slots[index].read(item)
			}
		}
	}
	return slots, nil
}

// read takes the attributes of an item over into the slot.
func (s *slot) read(item map[string]types.AttributeValue) {
	for name, field := range s.texts() {
		if value, ok := item[name].(*types.AttributeValueMemberS); ok {
			*field = value.Value
		}
	}
	s.claimed, _ = strconv.ParseInt(number(item[document.SlotClaimed]), 10, 64)
}

// text returns a DynamoDB attribute of type S.
func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// number returns the text of a DynamoDB number, "" for any other value.
func number(v types.AttributeValue) string {
	if n, ok := v.(*types.AttributeValueMemberN); ok {
		return n.Value
	}
	return ""
}

// choose returns the slot to take, or nil with the reason to wait.
func (m volumeManager) choose(ctx context.Context, all []*slot) (*slot, string, error) {
	seen, err := m.holders(ctx, all)
	if err != nil {
		return nil, "", err
	}
	views := make([]slots.Slot, len(all))
	var held []string
	for i, s := range all {
		h := seen[s.instance]
		views[i] = slots.Slot{Holder: h.of(s), Volume: s.volume != "", Here: s.zone == m.instance.Zone, Claimed: s.claimed}
		if views[i].Holder == slots.Staying || views[i].Holder == slots.Leaving {
			held = append(held, fmt.Sprintf("%d by %s (%s)", s.index, s.instance, h))
		}
	}
	if chosen := slots.Choose(views); chosen >= 0 {
		return all[chosen], "", nil
	}
	return nil, fmt.Sprintf("no slot of %s is free: %s", m.slots.key, strings.Join(held, ", ")), nil
}

// take takes a slot, on the condition that its holder has not changed since it was read. It returns nil when the condition fails.
// It does not try another slot then: the SDK repeats a call whose answer was lost, so the new holder may be this instance. The
// caller reads the slots again.
func (t slotTable) take(ctx context.Context, s *slot) (*slot, error) {
	now := time.Now().Unix()
	values := map[string]types.AttributeValue{
		":instance": text(t.instance),
		":claimed":  &types.AttributeValueMemberN{Value: strconv.FormatInt(now, 10)},
	}
	// The condition makes the claim safe: of two instances only one finds the holder unchanged.
	condition := "attribute_not_exists(#instance)"
	if s.instance != "" {
		condition, values[":holder"] = "#instance = :holder", text(s.instance)
	}
	err := t.update(ctx, s, "SET #instance = :instance, #claimed = :claimed", condition,
		map[string]string{"#instance": document.SlotInstance, "#claimed": document.SlotClaimed}, values)
	if apiCode(err) == conditionFailed {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("claim slot %s: %w", s, err)
	}
	s.instance, s.claimed = t.instance, now
	return s, nil
}

// conditionFailed is DynamoDB's code for a write with a condition that does not hold (API Reference, UpdateItem).
const conditionFailed = "ConditionalCheckFailedException"

// save writes the changed attributes of a slot, on the condition that this instance still holds it.
func (t slotTable) save(ctx context.Context, s *slot, change func(next *slot)) error {
	next := *s
	change(&next)
	var set, remove []string
	names, values := map[string]string{"#instance": document.SlotInstance}, map[string]types.AttributeValue{":holder": text(t.instance)}
	before, after := s.texts(), next.texts()
	for _, name := range slices.Sorted(maps.Keys(after)) {
		value := *after[name]
		if value == *before[name] {
			continue
		}
		names["#"+name] = name
		// An absent attribute reads as "", so an empty text is removed.
		if value == "" {
			remove = append(remove, "#"+name)
			continue
		}
		set, values[":"+name] = append(set, "#"+name+" = :"+name), text(value)
	}
	if len(set)+len(remove) == 0 {
		return nil
	}
	if err := t.update(ctx, s, clause("SET ", set)+clause(" REMOVE ", remove), "#instance = :holder", names, values); err != nil {
		if apiCode(err) == conditionFailed {
			return fmt.Errorf("slot %s was taken over by another instance while this one used it", s)
		}
		return fmt.Errorf("write slot %s: %w", s, err)
	}
	*s = next
	return nil
}

// clause returns a clause of an update expression, "" without parts. DynamoDB refuses an empty clause.
func clause(keyword string, parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	return keyword + strings.Join(parts, ", ")
}

// update changes an item under a condition. A failed condition is an error with the code conditionFailed.
func (t slotTable) update(ctx context.Context, s *slot, expression, condition string, names map[string]string,
	values map[string]types.AttributeValue) error {
	_, err := t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.table,
		Key: map[string]types.AttributeValue{
			document.SlotLabel: text(s.key),
			document.SlotIndex: &types.AttributeValueMemberN{Value: strconv.Itoa(s.index)},
		},
		UpdateExpression:          aws.String(expression),
		ConditionExpression:       aws.String(condition),
		ExpressionAttributeNames:  names,
		ExpressionAttributeValues: values,
	})
	return err
}
