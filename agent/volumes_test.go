package agent

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/pebble/spacel/agent/document"
)

func data(count int) []document.Volume {
	return []document.Volume{{Label: "data", MountPoint: "/mnt/data", Count: count, Size: 4, Type: "gp3"}}
}

// claimSlot claims one, or finds that there is none to claim.
func (h *node) claimSlot() error {
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	h.log.wants, h.log.found = "waiting: no slot", cancel // to lose a race is no reason to give up
	_, err := newVolumeManager(h.boot, h.boot.Document.Volumes[0]).claim(ctx)
	return err
}

// A first boot makes, tags, formats and mounts a volume; the next finds all done and changes nothing.
func TestFirstVolume(t *testing.T) {
	t.Parallel()
	l := newVolumeEnv(t)
	h := l.launch("us-east-1a", data(1))
	h.boot.Document.Volumes[0].Encrypted = true
	h.must(os.WriteFile(h.path("etc/fstab"), []byte("UUID=root / ext4 defaults 0 1\n# data\nUUID=old /mnt/data/ ext4 defaults 0 2"), 0o644))
	h.mustMount()
	h.write("/mnt/data", "1")

	s := h.slot(0)
	found, err := l.ec2.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{s.volume}})
	l.must(err)
	v := found.Volumes[0]
	if *v.AvailabilityZone != "us-east-1a" || *v.Size != 4 || v.VolumeType != "gp3" || !*v.Encrypted ||
		*v.Attachments[0].InstanceId != h.id() {
		t.Errorf("%+v", v)
	}
	for key, want := range map[string]string{document.TagOrbit: "test", document.TagApp: "web", document.TagVolume: "data",
		"Name": "test-web data 0"} {
		if got := tagOf(v.Tags, key); got != want {
			t.Errorf("tag %s is %q", key, got)
		}
	}
	if s.instance != h.id() || s.zone != "us-east-1a" || s.attempt+s.snapshot+s.next+s.spent+s.old != "" {
		t.Errorf("%+v", s)
	}
	for name, want := range map[string]string{
		"mnt/data/.space-label": "data\n",
		"mnt/data/.space-index": "0\n",
		"etc/fstab": "UUID=root / ext4 defaults 0 1\n# data\nUUID=uuid-" + diskOf(s.volume) +
			" /mnt/data ext4 defaults,nofail,x-systemd.device-timeout=30s 0 2\n",
	} {
		if text, _ := os.ReadFile(h.path(name)); string(text) != want {
			t.Errorf("%s is %q", name, text)
		}
	}
	if info, err := os.Stat(h.path("mnt/data")); err != nil || info.Mode().Perm() != 0o777 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	l.must(os.Chmod(h.path("mnt/data/"), 0o750)) // the app's own choice stays

	l.calls = nil
	h.mustMount()
	if len(l.calls) != 1 || l.calls[0] != "systemctl start" || h.read("/mnt/data") != "1" {
		t.Errorf("the second boot did %q", l.calls)
	}
	if info, _ := os.Stat(h.path("mnt/data")); info.Mode().Perm() != 0o750 {
		t.Error(info.Mode())
	}
}

// However many start at once, no two hold one slot, and one that is left over says who holds them.
func TestRaceForSlots(t *testing.T) {
	t.Parallel()
	l := newVolumeEnv(t)
	var hosts []*node
	for range 4 {
		hosts = append(hosts, l.launch("us-east-1a", data(3)))
	}
	var wait sync.WaitGroup
	failed := make([]error, len(hosts))
	for i, h := range hosts {
		wait.Go(func() { failed[i] = h.claimSlot() })
	}
	wait.Wait()
	holders, without := map[string]int{}, 0
	for i := range 3 {
		holders[hosts[0].slot(i).instance]++
	}
	for i, h := range hosts {
		if failed[i] == nil && holders[h.id()] == 1 {
			continue
		}
		without++
		if holders[h.id()] != 0 || !strings.Contains(fmt.Sprint(failed[i]), "no slot of web/data is free: 0 by i-") {
			t.Errorf("%s holds %d, %v", h.id(), holders[h.id()], failed[i])
		}
	}
	if without != 1 {
		t.Errorf("%d are without a slot: %v", without, failed)
	}
}

// Two apps of one orbit have slots of their own, whatever their labels.
func TestAppsShareNoVolume(t *testing.T) {
	t.Parallel()
	l := newVolumeEnv(t)
	web, api := l.launch("us-east-1a", data(1)), l.launch("us-east-1a", data(1))
	api.boot.Document.App = "api"
	web.mustMount()
	api.mustMount()
	if a, b := web.slot(0), api.slot(0); a.volume == b.volume || a.instance != web.id() || b.instance != api.id() {
		t.Errorf("%+v %+v", a, b)
	}
}

// An instance takes over what one that ended leaves: in its own zone first, and data rather than an empty volume.
func TestWhichSlot(t *testing.T) {
	t.Parallel()
	l := newVolumeEnv(t)
	first, second := l.launch("us-east-1a", data(3)), l.launch("us-east-1b", data(3))
	first.mustMount()
	second.mustMount()
	second.write("/mnt/data", "b")
	first.write("/mnt/data", "a")
	first.terminate()
	second.terminate()
	third := l.launch("us-east-1b", data(3))
	third.mustMount()
	if s := third.slot(1); s.instance != third.id() || third.read("/mnt/data") != "b" {
		t.Errorf("%+v", s)
	}
	fourth := l.launch("us-east-1b", data(3))
	fourth.mustMount()
	if s := fourth.slot(0); s.instance != fourth.id() || s.zone != "us-east-1b" || fourth.read("/mnt/data") != "a" {
		t.Errorf("%+v", s)
	}
	if volumes, snapshots := l.volumesLeft(); volumes != 2 || snapshots != 0 {
		t.Errorf("%d volumes, %d snapshots", volumes, snapshots)
	}
}

// An instance that was stopped lost its slot; started again, it lets the volume go and takes another slot.
func TestStoppedInstance(t *testing.T) {
	t.Parallel()
	l := newVolumeEnv(t)
	first := l.launch("us-east-1a", data(2))
	first.mustMount()
	first.write("/mnt/data", "1")
	_, err := l.ec2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{first.id()}})
	l.must(err)
	second := l.launch("us-east-1a", data(2))
	manager := newVolumeManager(second.boot, data(2)[0])
	if s, err := manager.claim(t.Context()); err != nil || s.index != 0 {
		t.Fatal(s, err)
	}
	_, err = l.ec2.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{first.id()}})
	l.must(err)
	first.mustMount() // the volume of slot 0 is still attached to it, and mounted
	if s := first.slot(1); s.instance != first.id() || first.mounts(first.slot(0).volume) {
		t.Errorf("%+v", s)
	}
	second.mustMount()
	if second.read("/mnt/data") != "1" {
		t.Error("the volume did not come")
	}
}

// The volume of an instance that was stopped is taken from it before it is copied to another zone.
func TestMoveFromStoppedInstance(t *testing.T) {
	t.Parallel()
	l := newVolumeEnv(t)
	first := l.launch("us-east-1a", data(1))
	first.mustMount()
	first.write("/mnt/data", "1")
	_, err := l.ec2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{first.id()}})
	l.must(err)
	l.must(os.RemoveAll(first.path("proc")))
	l.launch("us-east-1b", data(1)).mountsWhole("1")
}

// A holder that only just appeared, or is going but not gone, keeps its slot.
func TestHolderThatMayLive(t *testing.T) {
	t.Parallel()
	l := newVolumeEnv(t)
	put := func(index, claimed string) {
		_, err := l.tables.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("test-volumes"),
			Item: map[string]types.AttributeValue{
				"label": text("web/data"), "index": &types.AttributeValueMemberN{Value: index},
				"instance": text("i-0123456789abcdef0"), "claimed": &types.AttributeValueMemberN{Value: claimed},
			}})
		l.must(err)
	}
	h := l.launch("us-east-1a", data(1))
	put("0", "99999999999")
	if err := h.claimSlot(); err == nil || !strings.Contains(err.Error(), "0 by i-0123456789abcdef0 (unknown to EC2)") {
		t.Error(err)
	}
	put("0", "1000000000")
	if err := h.claimSlot(); err != nil {
		t.Error(err)
	}
}

// A volume that is gone is not silently an empty one.
func TestLostVolume(t *testing.T) {
	t.Parallel()
	l := newVolumeEnv(t)
	h := l.launch("us-east-1a", data(1))
	h.mustMount()
	h.terminate()
	lost := h.slot(0).volume
	_, err := l.ec2.DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: aws.String(lost)})
	l.must(err)
	next := l.launch("us-east-1a", data(1))
	if err := next.outOfTime(func(ctx context.Context) error { return mountVolumes(ctx, next.boot) }); err == nil ||
		!strings.Contains(err.Error(), "EC2 knows no volume "+lost+", which slot web/data 0 of table test-volumes names") {
		t.Error(err)
	}
	if next.slot(0).volume != lost {
		t.Error("the slot forgot its volume")
	}
}

// Anything on a device that is no filesystem is left as it is.
func TestDataIsNotFormatted(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"a partition table":      "gpt",
		"bytes":                  "\x00\x00\x00x",
		"bytes at the very end":  strings.Repeat("\x00", 3<<20) + "x",
		"bytes at the beginning": "x" + strings.Repeat("\x00", 3<<20),
	} {
		h := &node{volumeEnv: &volumeEnv{t: t}, left: -1}
		h.boot = &Boot{Machine: Machine{Root: t.TempDir(), Run: h.run}, Log: NewLog(os.Stderr)}
		l := t.TempDir() + "/disk"
		h.must(os.WriteFile(l, []byte(content), 0o644))
		h.plugDisk("nvme1n1", "Amazon Elastic Block Store", "vol1", l)
		if _, err := newMounter(h.boot).prepare(t.Context(), "/dev/nvme1n1"); err == nil {
			t.Errorf("%s: no error", name)
		}
		if after, _ := os.ReadFile(l); string(after) != content {
			t.Errorf("%s: changed", name)
		}
	}
}
