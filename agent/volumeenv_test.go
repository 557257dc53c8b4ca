package agent

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/internal/cloudtest"
)

// TestMain has more tests run at a time than there are processors: most of them wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// volumeEnv is a region with machines in it. EC2 and DynamoDB are moto's. The tests make up for what moto leaves out: a volume has
// a content, which snapshots copy, it becomes a disk of the machine it is attached to, and EC2's rules about all that hold.
type volumeEnv struct {
	t      *testing.T
	orbit  string
	config aws.Config
	ec2    *ec2.Client
	tables *dynamodb.Client
	dir    string // content of volumes and snapshots: <id>/disk is the device, <id>/files what is in its filesystem

	mu       sync.Mutex
	attached map[string]*node // by volume
	mounted  map[string]bool  // volumes that were, once
	zones    map[string]string
	taken    []string // snapshots
	calls    []string // that changed something
}

const envRegion = "us-east-1"

func newVolumeEnv(t *testing.T) *volumeEnv {
	t.Helper()
	return volumeEnvIn(t, cloudtest.Config(t, cloudtest.Moto(t), envRegion), "test")
}

// volumeEnvIn is a volumeEnv in an account that there is already: an orbit of it. A new account takes moto some time.
func volumeEnvIn(t *testing.T, config aws.Config, orbit string) *volumeEnv {
	t.Helper()
	config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	l := &volumeEnv{
		t: t, orbit: orbit, config: config, ec2: ec2.NewFromConfig(config), tables: dynamodb.NewFromConfig(config), dir: t.TempDir(),
		attached: map[string]*node{}, mounted: map[string]bool{}, zones: map[string]string{},
	}
	cloudtest.MakeTable(t, l.tables, orbit+"-volumes", "label", "index:N")
	return l
}

// node is an instance, with a root of its own.
type node struct {
	*volumeEnv
	boot  *Boot
	log   *watchedLog
	alter func(action, answer string) string // what moto says, when it is not nil
	left  int                                // changing calls until the machine breaks down; negative: it doesn't
	ended bool                               // it broke down
}

// launch starts an instance in a zone, with tags as key=value.
func (l *volumeEnv) launch(zone string, volumes []document.Volume, tags ...string) *node {
	l.t.Helper()
	input := &ec2.RunInstancesInput{
		ImageId: aws.String("ami-12c6146b"), InstanceType: ec2types.InstanceTypeT3Nano, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		Placement: &ec2types.Placement{AvailabilityZone: aws.String(zone)},
	}
	for _, tag := range tags {
		key, value, _ := strings.Cut(tag, "=")
		if input.TagSpecifications == nil {
			input.TagSpecifications = []ec2types.TagSpecification{{ResourceType: ec2types.ResourceTypeInstance}}
		}
		input.TagSpecifications[0].Tags = append(input.TagSpecifications[0].Tags,
			ec2types.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	made, err := l.ec2.RunInstances(l.t.Context(), input)
	if err != nil {
		l.t.Fatal(err)
	}
	h := &node{volumeEnv: l, log: &watchedLog{}, left: -1}
	config := l.config.Copy()
	config.HTTPClient = &http.Client{Transport: h}
	h.boot = &Boot{
		Document: &document.Document[string]{Format: document.Format, Orbit: l.orbit, App: "web", Region: envRegion, Volumes: volumes},
		Instance: Instance{ID: *made.Instances[0].InstanceId, Region: envRegion, Zone: zone, Type: "t3.nano"},
		AWS:      NewClients(config),
		Machine:  Machine{Root: l.t.TempDir(), Run: h.run},
		Log:      NewLog(h.log),
	}
	h.must(os.MkdirAll(h.path("etc"), 0o755))
	return h
}

func (h *node) id() string { return h.boot.Instance.ID }

func (h *node) path(name string) string { return filepath.Join(h.boot.Machine.Root, name) }

func (l *volumeEnv) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// watchedLog is a log in which a line may be waited for.
type watchedLog struct {
	mu    sync.Mutex
	text  strings.Builder
	wants string
	found func()
}

func (l *watchedLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.found != nil && bytes.Contains(line, []byte(l.wants)) {
		l.found()
	}
	return l.text.Write(line)
}

func (l *watchedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// outOfTime runs f whose time is over as soon as it waits for something.
func (h *node) outOfTime(f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	h.log.wants, h.log.found = "waiting: ", cancel
	return f(ctx)
}

// mount runs the stage as the boot would.
func (h *node) mount() error {
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	return mountVolumes(ctx, h.boot)
}

func (h *node) mustMount() {
	h.t.Helper()
	if err := h.mount(); err != nil {
		h.t.Fatalf("%s: %v\n%s", h.id(), err, h.log)
	}
}

// terminate ends the instance. EC2 takes its volumes away, which moto does not.
func (h *node) terminate() {
	h.t.Helper()
	h.must(os.RemoveAll(h.path("proc")))
	for volume, holder := range h.volumeEnv.attached {
		if holder == h {
			_, err := h.ec2.DetachVolume(h.t.Context(), &ec2.DetachVolumeInput{VolumeId: aws.String(volume),
				InstanceId: aws.String(h.id())})
			h.must(err)
			delete(h.volumeEnv.attached, volume)
		}
	}
	_, err := h.ec2.TerminateInstances(h.t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{h.id()}})
	h.must(err)
}

// breakAfter lets the machine make n more calls that change something, and has it lose the answer to the last.
func (h *node) breakAfter(n int) { h.left = n }

var errBroken = errors.New("the machine broke down")

// RoundTrip passes a call on to moto, and does what moto leaves out.
func (h *node) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body))
	action := form.Get("Action")
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		action = target[strings.LastIndex(target, ".")+1:]
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return nil, errBroken
	}
	if action == "DescribeSnapshots" {
		if len(h.taken) == 0 {
			return answered(r, http.StatusOK, noSnapshots), nil
		}
		h.askForOwn(r, form)
	}
	if code := h.refuse(action, form); code != "" {
		return refusal(r, code), nil
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || response.StatusCode != http.StatusOK {
		return response, err
	}
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body.Close()
	h.done(action, form, string(answer))
	if h.alter != nil {
		answer = []byte(h.alter(action, string(answer)))
	}
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(answer)), int64(len(answer))
	if h.changed(action) {
		return nil, errBroken
	}
	return response, nil
}

// askForOwn asks for the snapshots of this environment only. moto has hundreds of others, which it filters slowly.
func (l *volumeEnv) askForOwn(r *http.Request, form url.Values) {
	for i, id := range l.taken {
		form.Set(fmt.Sprint("SnapshotId.", i+1), id)
	}
	body := form.Encode()
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

// noSnapshots is the answer when there are none.
const noSnapshots = `<DescribeSnapshotsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><snapshotSet/></DescribeSnapshotsResponse>`

// changed counts what changes something, and says whether the machine breaks down with it.
func (h *node) changed(action string) bool {
	if strings.HasPrefix(action, "Describe") || action == "Query" || action == "" {
		return false
	}
	h.calls = append(h.calls, action)
	if h.left > 0 {
		h.left--
	}
	h.ended = h.left == 0
	return h.ended
}

func refusal(r *http.Request, code string) *http.Response {
	return answered(r, http.StatusBadRequest,
		"<Response><Errors><Error><Code>"+code+"</Code><Message>refused</Message></Error></Errors><RequestID>1</RequestID></Response>")
}

func answered(r *http.Request, status int, text string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: r}
}

// refuse are EC2's rules that moto does not know. What no agent may ever ask for fails the test.
func (h *node) refuse(action string, form url.Values) string {
	volume := form.Get("VolumeId")
	holder := h.volumeEnv.attached[volume]
	switch {
	case action == "AttachVolume" && holder != nil:
		return "VolumeInUse"
	case action == "AttachVolume" && h.zones[volume] != h.boot.Instance.Zone:
		h.t.Errorf("%s of %s is attached in %s", volume, h.zones[volume], h.boot.Instance.Zone)
	case action == "DeleteVolume" && holder != nil:
		h.t.Errorf("%s is deleted while it is attached to %s", volume, holder.id())
	case action == "DeleteVolume":
		h.mayDelete(volume)
	case action == "CreateSnapshot" && holder != nil:
		h.t.Errorf("%s is copied while it is attached to %s", volume, holder.id())
	case action == "DetachVolume" && holder != nil && holder.mounts(volume):
		h.t.Errorf("%s is detached while %s has it mounted", volume, holder.id())
	}
	return ""
}

// mayDelete holds that the app's data is not deleted before a copy of it was in use.
func (l *volumeEnv) mayDelete(volume string) {
	data, err := os.ReadFile(filepath.Join(l.dir, volume, "files/data"))
	if err != nil {
		return // it has none
	}
	for other := range l.mounted {
		copied, err := os.ReadFile(filepath.Join(l.dir, other, "files/data"))
		if err == nil && other != volume && string(copied) >= string(data) {
			return
		}
	}
	l.t.Errorf("%s is deleted, with %s on it that is on no volume that was mounted", volume, data)
}

func (h *node) mounts(volume string) bool {
	table, _ := os.ReadFile(h.path("proc/self/mounts"))
	return strings.Contains(string(table), "/dev/"+diskOf(volume)+" ")
}

// diskOf is what the kernel calls a volume here.
func diskOf(volume string) string { return "nvme" + volume[len(volume)-6:] + "n1" }

var (
	volumeID   = regexp.MustCompile(`<volumeId>(vol-[0-9a-f]+)<`)
	snapshotID = regexp.MustCompile(`<snapshotId>(snap-[0-9a-f]+)<`)
)

// done has an action's effects on disks.
func (h *node) done(action string, form url.Values, answer string) {
	volume := form.Get("VolumeId")
	switch action {
	case "CreateVolume":
		volume = volumeID.FindStringSubmatch(answer)[1]
		h.zones[volume] = form.Get("AvailabilityZone")
		h.copyDisk(form.Get("SnapshotId"), volume)
	case "DeleteVolume":
		delete(h.volumeEnv.mounted, volume)
		h.must(os.RemoveAll(filepath.Join(h.dir, volume)))
	case "CreateSnapshot":
		snapshot := snapshotID.FindStringSubmatch(answer)[1]
		h.taken = append(h.taken, snapshot)
		h.copyDisk(volume, snapshot)
	case "DeleteSnapshot":
		h.taken = slices.DeleteFunc(h.taken, func(id string) bool { return id == form.Get("SnapshotId") })
	case "AttachVolume":
		h.volumeEnv.attached[volume] = h
		h.plug(volume)
	case "DetachVolume":
		if holder := h.volumeEnv.attached[volume]; holder != nil {
			holder.unplug(volume)
		}
		delete(h.volumeEnv.attached, volume)
	}
}

// copyDisk makes a disk, of 1 MiB of zeros unless it is a copy.
func (l *volumeEnv) copyDisk(from, to string) {
	if from != "" {
		l.must(os.CopyFS(filepath.Join(l.dir, to), os.DirFS(filepath.Join(l.dir, from))))
		return
	}
	l.must(os.MkdirAll(filepath.Join(l.dir, to, "files"), 0o755))
	l.must(os.WriteFile(filepath.Join(l.dir, to, "disk"), make([]byte, 1<<20), 0o644))
}

func (h *node) plug(volume string) {
	h.plugDisk(diskOf(volume), "Amazon Elastic Block Store", strings.ReplaceAll(volume, "-", ""), filepath.Join(h.dir, volume, "disk"))
}

func (h *node) plugDisk(name, model, serial, content string) {
	controller := h.path("sys/block/" + name + "/device")
	h.must(os.MkdirAll(controller, 0o755))
	h.must(os.WriteFile(filepath.Join(controller, "model"), []byte(model+"              \n"), 0o644))
	h.must(os.WriteFile(filepath.Join(controller, "serial"), []byte(serial+"\n"), 0o644))
	h.must(os.MkdirAll(h.path("dev"), 0o755))
	h.must(os.Symlink(content, h.path("dev/"+name)))
}

func (h *node) unplug(volume string) {
	h.must(os.RemoveAll(h.path("sys/block/" + diskOf(volume))))
	h.must(os.RemoveAll(h.path("dev/" + diskOf(volume))))
}

// run stands for the machine's programs.
func (h *node) run(_ context.Context, name string, args ...string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return "", errBroken
	}
	if name == "resize2fs" || name == "journalctl" {
		return "", nil
	}
	out, err := h.program(name, args)
	if err == nil && name != "blkid" && h.changed(strings.Join(append([]string{name}, args[0]), " ")) {
		return "", errBroken
	}
	return out, err
}

// A fake filesystem is its name and UUID at the beginning of a disk.
const fakeFilesystem = "ext4 "

func (h *node) program(name string, args []string) (string, error) {
	switch {
	case name == "blkid":
		return h.blkid(args[len(args)-1])
	case name == "mkfs.ext4":
		return "", h.mkfs(args[len(args)-1])
	case name == "systemctl" && args[0] == "start":
		return "", h.startMount(args[1])
	case name == "systemctl" && args[0] == "stop":
		return "", h.stopMount(args[1])
	case name == "systemctl":
		return "", nil
	}
	return "", fmt.Errorf("no program %s %q", name, args)
}

func (h *node) blkid(device string) (string, error) {
	disk, err := os.ReadFile(h.path(device))
	h.must(err)
	line, _, _ := strings.Cut(string(disk[:min(len(disk), 100)]), "\n")
	switch {
	case strings.HasPrefix(line, fakeFilesystem):
		return "DEVNAME=" + device + "\nUUID=" + strings.TrimPrefix(line, fakeFilesystem) + "\nTYPE=ext4\nUSAGE=filesystem\n", nil
	case strings.HasPrefix(line, "gpt"):
		return "DEVNAME=" + device + "\nPTUUID=1\nPTTYPE=gpt\n", nil
	}
	return "", exited(2)
}

// exited is the error of a program that ended with a code.
func exited(code int) error { return exec.Command("/bin/sh", "-c", fmt.Sprint("exit ", code)).Run() }

func (h *node) mkfs(device string) error {
	disk, err := os.ReadFile(h.path(device))
	h.must(err)
	if len(bytes.Trim(disk, "\x00")) > 0 {
		h.t.Errorf("%s is formatted, with data on it", device)
	}
	copy(disk, fakeFilesystem+"uuid-"+filepath.Base(device)+"\n")
	return os.WriteFile(h.path(device), disk, 0o644)
}

// startMount mounts by fstab: the mount point becomes a link to the disk's files.
func (h *node) startMount(unit string) error {
	table, err := os.ReadFile(h.path("etc/fstab"))
	h.must(err)
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if strings.HasPrefix(line, "#") || len(fields) < 2 || mountUnit(fields[1]) != unit {
			continue
		}
		if h.boot.Machine.mountedFrom(fields[1]) != "" {
			return nil
		}
		return h.mountLine(strings.TrimPrefix(fields[0], "UUID="), fields[1])
	}
	return fmt.Errorf("no unit %s", unit)
}

func (h *node) mountLine(uuid, point string) error {
	devices, _ := filepath.Glob(h.path("dev/*"))
	for _, device := range devices {
		disk, err := os.ReadFile(device)
		h.must(err)
		if !bytes.HasPrefix(disk, []byte(fakeFilesystem+uuid+"\n")) {
			continue
		}
		content, err := os.Readlink(device)
		h.must(err)
		h.volumeEnv.mounted[filepath.Base(filepath.Dir(content))] = true
		h.must(os.MkdirAll(filepath.Dir(h.path(point)), 0o755))
		h.must(os.RemoveAll(h.path(point)))
		h.must(os.Symlink(filepath.Join(filepath.Dir(content), "files"), h.path(point)))
		h.must(os.MkdirAll(h.path("proc/self"), 0o755))
		f, err := os.OpenFile(h.path("proc/self/mounts"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		h.must(err)
		defer f.Close()
		_, err = fmt.Fprintf(f, "/dev/%s %s ext4 rw,relatime 0 0\n", filepath.Base(device), point)
		return err
	}
	return exited(1)
}

func (h *node) stopMount(unit string) error {
	table, _ := os.ReadFile(h.path("proc/self/mounts"))
	kept := ""
	for line := range strings.Lines(string(table)) {
		if mountUnit(strings.Fields(line)[1]) == unit {
			h.must(os.Remove(h.path(strings.Fields(line)[1])))
			continue
		}
		kept += line
	}
	return os.WriteFile(h.path("proc/self/mounts"), []byte(kept), 0o644)
}

// write has the app write to its volume; read reads it.
func (h *node) write(point, data string) {
	h.t.Helper()
	h.must(os.WriteFile(h.path(filepath.Join(point, "data")), []byte(data), 0o644))
}

func (h *node) read(point string) string {
	h.t.Helper()
	data, err := os.ReadFile(h.path(filepath.Join(point, "data")))
	h.must(err)
	return string(data)
}

// volumesLeft are how many volumes of slots, and snapshots of them, there are.
func (l *volumeEnv) volumesLeft() (volumes, snapshots int) {
	l.t.Helper()
	found, err := l.ec2.DescribeVolumes(l.t.Context(), &ec2.DescribeVolumesInput{Filters: []ec2types.Filter{
		filter("tag-key", document.TagVolume), filter("tag:"+document.TagOrbit, l.orbit),
	}})
	l.must(err)
	return len(found.Volumes), len(l.taken)
}

// slot reads a slot as the agent does.
func (h *node) slot(index int) *slot {
	h.t.Helper()
	slots, err := newVolumeManager(h.boot, h.boot.Document.Volumes[0]).slots.read(h.t.Context())
	h.must(err)
	return slots[index]
}
