package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/pebble/spacel/internal/cloudtest"
)

// Wherever the first boot breaks down, the same instance or the next gets one volume of the slot, and nothing is left over.
func TestBreakdownWhileMaking(t *testing.T) {
	t.Parallel()
	everyBreakdown(t, func(l *volumeEnv, steps int) bool {
		h := l.launch("us-east-1a", data(1))
		h.breakAfter(steps)
		if h.mount() == nil {
			return false
		}
		var again *node
		if steps%2 == 0 {
			again = h.reboot()
		} else {
			h.terminate()
			again = l.launch("us-east-1b", data(1)) // where what was begun is of no use
		}
		again.mustMount()
		again.whole(1)
		return true
	})
}

// Wherever a move between zones breaks down, and whoever comes next, the data is there, newest first, and nothing is left over.
func TestBreakdownWhileMoving(t *testing.T) {
	t.Parallel()
	for _, follow := range []string{"in the old zone", "elsewhere"} {
		t.Run(follow, func(t *testing.T) {
			t.Parallel()
			everyBreakdown(t, func(l *volumeEnv, steps int) bool {
				moving := l.launch("us-east-1b", data(1))
				moving.inherit("us-east-1a", "1")
				moving.breakAfter(steps)
				if moving.mount() == nil {
					return false
				}
				switch {
				case follow == "in the old zone":
					l.followUp(moving)
				case steps%2 == 0:
					moving.reboot().mountsWhole("1")
				default:
					moving.terminate()
					l.launch("us-east-1c", data(1)).mountsWhole("1")
				}
				return true
			})
		})
	}
}

// followUp has the slot's next holder in the zone that a move was from write to its volume, and the one after that move it
// again: what the first move had copied must not come back.
func (l *volumeEnv) followUp(moving *node) {
	l.t.Helper()
	moving.terminate()
	back := l.launch("us-east-1a", data(1))
	back.mountsWhole("1")
	back.write("/mnt/data", "2")
	back.terminate()
	l.launch("us-east-1b", data(1)).mountsWhole("2")
}

// mountsWhole boots, and finds the data and nothing left over.
func (h *node) mountsWhole(want string) {
	h.t.Helper()
	h.mustMount()
	if got := h.read("/mnt/data"); got != want {
		h.t.Errorf("the data is %q, not %q", got, want)
	}
	h.whole(1)
}

// A snapshot that EC2 cannot take fails the boot with the reason, and the next boot takes another. One that takes its time is
// waited for.
func TestFailedSnapshot(t *testing.T) {
	t.Parallel()
	l := newVolumeEnv(t)
	h := l.launch("us-east-1b", data(1))
	h.inherit("us-east-1a", "1")
	h.alter = func(action, answer string) string {
		return strings.Replace(answer, "<status>completed</status>", "<status>error</status>", 1)
	}
	if err := h.mount(); err == nil || !strings.Contains(err.Error(), "volume data: EC2 could not take snapshot snap-") {
		t.Fatal(err)
	}
	asked := 0
	h.alter = func(action, answer string) string {
		if asked++; action == "DescribeSnapshots" && asked < 12 {
			return strings.NewReplacer("<status>completed<", "<status>pending<", "<progress>100%<", "<progress>40%<").Replace(answer)
		}
		return answer
	}
	h.mountsWhole("1")
	if !strings.Contains(h.log.String(), " is at 40%") {
		t.Error(h.log)
	}
}

// everyBreakdown runs a boot that breaks down after 1, 2, 3 … steps, until one is over before.
func everyBreakdown(t *testing.T, run func(l *volumeEnv, steps int) (broke bool)) {
	config := cloudtest.Config(t, cloudtest.Moto(t), envRegion)
	for steps := 1; ; steps++ {
		broke := true
		t.Run(fmt.Sprint("after ", steps), func(t *testing.T) {
			broke = run(volumeEnvIn(t, config.Copy(), fmt.Sprint("test", steps)),
				steps)
		})
		if t.Failed() {
			return
		}
		if !broke {
			if steps < 6 {
				t.Errorf("the boot has only %d steps", steps-1)
			}
			return
		}
	}
}

// inherit has the slot hold a volume in a zone, with data, that an instance long gone left.
func (h *node) inherit(zone, data string) {
	h.t.Helper()
	made, err := h.boot.AWS.EC2.CreateVolume(h.t.Context(), &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String(zone), Size: aws.Int32(4),
		TagSpecifications: newVolumeManager(h.boot, h.boot.Document.Volumes[0]).tags(&slot{attempt: "first"}, ec2types.ResourceTypeVolume),
	})
	h.must(err)
	content := filepath.Join(h.dir, *made.VolumeId)
	disk, err := os.OpenFile(filepath.Join(content, "disk"), os.O_WRONLY, 0)
	h.must(err)
	defer disk.Close()
	_, err = disk.WriteString(fakeFilesystem + "uuid-1\n")
	h.must(err)
	h.must(os.WriteFile(filepath.Join(content, "files/data"), []byte(data), 0o644))
	_, err = h.tables.PutItem(h.t.Context(), &dynamodb.PutItemInput{TableName: aws.String(h.orbit + "-volumes"),
		Item: map[string]types.AttributeValue{
			"label": text("web/data"), "index": &types.AttributeValueMemberN{Value: "0"},
			"claimed":  &types.AttributeValueMemberN{Value: "1000000000"},
			"instance": text("i-0123456789abcdef0"), "volume": text(*made.VolumeId), "zone": text(zone),
		}})
	h.must(err)
}

// reboot starts the same machine again, in which systemd has mounted what fstab says.
func (h *node) reboot() *node {
	h.ended, h.left = false, -1
	return h
}

// whole holds that the slot is in order and that there are no other volumes, and no snapshots.
func (h *node) whole(want int) {
	h.t.Helper()
	s := h.slot(0)
	if s.instance != h.id() || s.zone != h.boot.Instance.Zone || s.attempt+s.snapshot+s.next+s.spent+s.old != "" || !h.mounts(s.volume) {
		h.t.Errorf("%+v\n%s", s, h.log)
	}
	if volumes, snapshots := h.volumesLeft(); volumes != want || snapshots != 0 {
		h.t.Errorf("there are %d volumes and %d snapshots\n%s", volumes, snapshots, h.log)
	}
}
