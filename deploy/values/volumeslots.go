package values

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/cloud"
)

// volumeSlot is a slot of an app's EBS volumes with a volume, as its instances left it in the orbit's table.
type volumeSlot struct {
	name    string // key and number, such as web/data 0
	volume  string
	zone    string // its name, such as us-east-1a
	holder  string // the instance that claimed it last
	claimed int64  // when, in seconds since 1970
	inUse   bool   // the holder runs
}

// volumeSlots reads the slots of an app's volumes, those in use first, then those claimed last. Before the orbit's first deploy there is
// no table, and so no slot.
func (r zoneFinder) volumeSlots(ctx context.Context, region, orbit string, keys []string) ([]volumeSlot, error) {
	var found []volumeSlot
	for _, key := range keys {
		slots, err := r.slotsOf(ctx, region, document.TableName(orbit, document.VolumesTable), key)
		if err != nil {
			return nil, err
		}
		found = append(found, slots...)
	}
	if err := r.markUsed(ctx, region, found); err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b volumeSlot) int {
		switch {
		case a.inUse != b.inUse && a.inUse:
			return -1
		case a.inUse != b.inUse:
			return 1
		}
		return int(b.claimed - a.claimed)
	})
	return found, nil
}

// slotsOf reads the slots of one volume of the manifest.
func (r zoneFinder) slotsOf(ctx context.Context, region, table, key string) ([]volumeSlot, error) {
	var found []volumeSlot
	pages := dynamodb.NewQueryPaginator(r.cloud.Region(region).DynamoDB(), &dynamodb.QueryInput{
		TableName:                 &table,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("#label = :label"),
		ExpressionAttributeNames:  map[string]string{"#label": document.SlotLabel},
		ExpressionAttributeValues: map[string]types.AttributeValue{":label": &types.AttributeValueMemberS{Value: key}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if errorCode(err) == "ResourceNotFoundException" {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read where the volumes %s are, in table %s: %w", key, table, cloud.Explain(err))
		}
		for _, item := range page.Items {
			s := volumeSlot{
				name: key + " " + attribute(item[document.SlotIndex]), volume: attribute(item[document.SlotVolume]),
				zone: attribute(item[document.SlotZone]), holder: attribute(item[document.SlotInstance]),
			}
			s.claimed, _ = strconv.ParseInt(attribute(item[document.SlotClaimed]), 10, 64)
			if s.volume != "" && s.zone != "" {
				found = append(found, s)
			}
		}
	}
	return found, nil
}

// attribute returns a text or a number of DynamoDB, "" for anything else.
func attribute(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return ""
}

// maxFilterValues is how many values a filter of EC2's may have (EC2 User Guide, "List and filter using the CLI and API").
const maxFilterValues = 200

// markUsed finds out which holders run. A filter passes over ids that EC2 has forgotten.
func (r zoneFinder) markUsed(ctx context.Context, region string, slots []volumeSlot) error {
	var ids []string
	for _, s := range slots {
		if s.holder != "" {
			ids = append(ids, s.holder)
		}
	}
	running := map[string]bool{}
	for some := range slices.Chunk(ids, maxFilterValues) {
		pages := ec2.NewDescribeInstancesPaginator(r.cloud.Region(region).EC2(),
			&ec2.DescribeInstancesInput{Filters: []ec2types.Filter{{Name: aws.String("instance-id"), Values: some}}})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return fmt.Errorf("find out which volumes are in use: %w", cloud.Explain(err))
			}
			for _, reservation := range page.Reservations {
				for _, i := range reservation.Instances {
					running[aws.ToString(i.InstanceId)] = i.State != nil && (i.State.Name == ec2types.InstanceStateNameRunning ||
						i.State.Name == ec2types.InstanceStateNamePending)
				}
			}
		}
	}
	for i := range slots {
		slots[i].inUse = running[slots[i].holder]
	}
	return nil
}

// Move is an EBS volume that goes to another zone when the update replaces its instance: by a snapshot, and a new volume of it.
type Move struct {
	Slot    string   `json:"slot"` // key and number, such as web/data 0
	Volume  string   `json:"volume"`
	GiB     int      `json:"gib"`
	From    string   `json:"from"`    // the name of a zone
	To      []string `json:"to"`      // names of zones: that of the instance which takes the slot
	Minutes int      `json:"minutes"` // about how long, while the app's instance waits
	Now     bool     `json:"now"`     // in this update; else when an instance takes the slot
}

// movingMiB is the rate by which moves are estimated, in MiB a second. AWS promises none: a snapshot "can take several hours" (EBS User
// Guide, "Create Amazon EBS snapshots"). A snapshot after another one only copies the changed blocks; recentShare is the part that
// is reckoned with after one of the last day.
const (
	movingMiB   = 64
	recentShare = 10 // percent
)

// moves returns the volumes outside of some zones.
func (r zoneFinder) moves(ctx context.Context, region string, slots []volumeSlot, zones []string) ([]Move, error) {
	var moves []Move
	var ids []string
	for _, s := range slots {
		if !slices.Contains(zones, s.zone) {
			moves = append(moves, Move{Slot: s.name, Volume: s.volume, From: s.zone, To: zones, Now: s.inUse})
			ids = append(ids, s.volume)
		}
	}
	if len(moves) == 0 {
		return nil, nil
	}
	sizes, err := r.volumeSizes(ctx, region, ids)
	if err != nil {
		return nil, err
	}
	recent, err := r.recentlyCopied(ctx, region, ids)
	if err != nil {
		return nil, err
	}
	for i := range moves {
		moves[i].GiB = sizes[moves[i].Volume]
		mib := moves[i].GiB * 1024
		if recent[moves[i].Volume] {
			mib = mib * recentShare / 100
		}
		moves[i].Minutes = max((mib/movingMiB+59)/60, 1)
	}
	return moves, nil
}

// tooLong returns the error for moves that do not fit into boot_timeout, with the way that works.
func tooLong(region string, moves []Move, bootTimeout int) error {
	for _, m := range moves {
		needed := m.Minutes*60 + bootSeconds
		if !m.Now || needed <= bootTimeout {
			continue
		}
		text := fmt.Sprintf("the volume %s of slot %s, %d GiB, is in %s, and azs wants it in %s: the snapshot takes about %d minutes, and "+
			"boot_timeout is %d", m.Volume, m.Slot, m.GiB, m.From, strings.Join(m.To, " or "), m.Minutes, bootTimeout/60)
		if needed <= maxBootTimeout {
			return fmt.Errorf("%s: set boot_timeout to %d or more", text, needed)
		}
		return fmt.Errorf("%s, at most %d: take a snapshot beforehand, while the app runs, with aws ec2 create-snapshot --region %s "+
			"--volume-id %s, wait until it is completed, and deploy within a day: the move then only copies what has changed",
			text, maxBootTimeout/60, region, m.Volume)
	}
	return nil
}

// bootSeconds is the part of boot_timeout that a boot needs beside the move. CloudFormation waits for an hour at most in a rolling update
// (Template Reference, "UpdatePolicy attribute", PauseTime).
const (
	bootSeconds    = 300
	maxBootTimeout = 3600
)
