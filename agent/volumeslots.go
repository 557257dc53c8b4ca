package agent

import (
	"cmp"
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
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/pebble/spacel/agent/document"
)

// slot is an item of the orbit's table of volumes: the right of one instance to one volume, and how far a change of that
// volume has come.
type slot struct {
	key      string // document.VolumeKey
	index    int
	instance string // the holder, "" when there never was one
	claimed  int64  // when, in seconds since 1970
	volume   string // the EBS volume, "" before the first is mounted
	zone     string // of volume
	attempt  string // mark on all that is made to become the volume, until it is
	snapshot string // of volume, to make next from
	next     string // the EBS volume that is to become volume
	spent    string // mark of an attempt that is over, until what is left of it is deleted
	old      string // an EBS volume to delete with it: the one that volume came from
}

func (s *slot) String() string { return s.key + " " + strconv.Itoa(s.index) }

// LogValue is the slot's name: the log has no use for the rest.
func (s *slot) LogValue() slog.Value { return slog.StringValue(s.String()) }

// texts are the attributes that are texts, by name.
func (s *slot) texts() map[string]*string {
	return map[string]*string{
		"instance": &s.instance, "volume": &s.volume, "zone": &s.zone, "attempt": &s.attempt,
		"snapshot": &s.snapshot, "next": &s.next, "spent": &s.spent, "old": &s.old,
	}
}

// slotTable is the part of the orbit's table of volumes that belongs to one volume of the document.
type slotTable struct {
	client   *dynamodb.Client
	table    string // its name
	key      string // document.VolumeKey
	count    int    // slots
	instance string // this instance's id, the holder of what is taken
}

// claim returns the slot that this instance holds, or takes one that nobody holds any more: one whose volume is in this zone
// rather than one whose volume has to be moved, and that rather than one that has no volume yet, for the app's data is to be in use.
func (m volumeManager) claim(ctx context.Context) (*slot, error) {
	var got *slot
	err := until(ctx, m.log, func(ctx context.Context) (string, error) {
		slots, err := m.slots.read(ctx)
		if err != nil {
			return "", err
		}
		if mine := slices.IndexFunc(slots, func(s *slot) bool { return s.instance == m.instance.ID }); mine >= 0 {
			got = slots[mine]
			return "", nil
		}
		free, held, err := m.free(ctx, slots)
		if err != nil {
			return "", err
		}
		if got, err = m.slots.takeFirst(ctx, free); err != nil || got != nil {
			return "", err
		}
		if len(free) > 0 {
			return fmt.Sprintf("another instance took slot %s first", free[0]), nil
		}
		return fmt.Sprintf("no slot of %s is free: %s", m.slots.key, strings.Join(held, ", ")), nil
	})
	return got, err
}

// read reads all slots, those without an item included.
func (t slotTable) read(ctx context.Context) ([]*slot, error) {
	slots := make([]*slot, t.count)
	for i := range slots {
		slots[i] = &slot{key: t.key, index: i}
	}
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
			// A slot above count is of a time when there were more.
			if index, err := strconv.Atoi(number(item[document.SlotIndex])); err == nil && index >= 0 && index < len(slots) {
				slots[index].read(item)
			}
		}
	}
	return slots, nil
}

func (s *slot) read(item map[string]types.AttributeValue) {
	for name, field := range s.texts() {
		if value, ok := item[name].(*types.AttributeValueMemberS); ok {
			*field = value.Value
		}
	}
	s.claimed, _ = strconv.ParseInt(number(item["claimed"]), 10, 64)
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(v types.AttributeValue) string {
	if n, ok := v.(*types.AttributeValueMemberN); ok {
		return n.Value
	}
	return ""
}

// visibilityDelay is how long an instance may be before all of EC2 knows of it. One that holds a slot ran this agent, so minutes are ample.
const visibilityDelay = 10 * time.Minute

// free are the slots to take, best first, and in words those that are held. A holder that is on its way out is waited for: it
// may still write.
func (m volumeManager) free(ctx context.Context, slots []*slot) (free []*slot, held []string, err error) {
	var holders []string
	for _, s := range slots {
		if s.instance != "" {
			holders = append(holders, s.instance)
		}
	}
	known, err := describeInstances(ctx, m.ec2, holders)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range slots {
		state := stateOf(known[s.instance])
		if s.instance == "" || ended(state, time.Unix(s.claimed, 0)) {
			free = append(free, s)
		} else {
			held = append(held, fmt.Sprintf("%d by %s (%s)", s.index, s.instance, stateText(state)))
		}
	}
	slices.SortStableFunc(free, func(a, b *slot) int { return cmp.Compare(m.effort(a), m.effort(b)) })
	return free, held, nil
}

// ended says whether an instance that claimed something then cannot use it any more.
func ended(state ec2types.InstanceStateName, claimed time.Time) bool {
	switch state {
	case ec2types.InstanceStateNameTerminated, ec2types.InstanceStateNameStopped:
		return true
	case "":
		return time.Since(claimed) > visibilityDelay
	}
	return false
}

// effort is lowest for the slot to take first.
func (m volumeManager) effort(s *slot) int {
	switch {
	case s.volume != "" && s.zone == m.instance.Zone:
		return 0
	case s.volume != "":
		return 1
	}
	return 2
}

// takeFirst takes the first slot, provided that its holder is still the one that was seen; nil when it is not. It tries no other
// then: the claim may be this instance's own, whose answer was lost and which the SDK repeated.
func (t slotTable) takeFirst(ctx context.Context, slots []*slot) (*slot, error) {
	if len(slots) == 0 {
		return nil, nil
	}
	s := slots[0]
	now := time.Now().Unix()
	values := map[string]types.AttributeValue{
		":instance": text(t.instance),
		":claimed":  &types.AttributeValueMemberN{Value: strconv.FormatInt(now, 10)},
	}
	condition := "attribute_not_exists(#instance)"
	if s.instance != "" {
		condition, values[":holder"] = "#instance = :holder", text(s.instance)
	}
	err := t.update(ctx, s, "SET #instance = :instance, #claimed = :claimed", condition,
		map[string]string{"#instance": "instance", "#claimed": "claimed"}, values)
	if apiCode(err) == conditionFailed {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("claim slot %s: %w", s, err)
	}
	s.instance, s.claimed = t.instance, now
	return s, nil
}

const conditionFailed = "ConditionalCheckFailedException"

// save writes what change makes of the slot, provided that this instance still holds it.
func (t slotTable) save(ctx context.Context, s *slot, change func(next *slot)) error {
	next := *s
	change(&next)
	var set, remove []string
	names, values := map[string]string{"#instance": "instance"}, map[string]types.AttributeValue{":holder": text(t.instance)}
	before, after := s.texts(), next.texts()
	for _, name := range slices.Sorted(maps.Keys(after)) {
		value := *after[name]
		if value == *before[name] {
			continue
		}
		names["#"+name] = name
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

func clause(keyword string, parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	return keyword + strings.Join(parts, ", ")
}

func (t slotTable) update(ctx context.Context, s *slot, expression, condition string, names map[string]string, values map[string]types.AttributeValue) error {
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
