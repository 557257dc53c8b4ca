package values

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/cloudtest"
)

// zonesEnv is an account with the orbit's subnets, by zone id, and its table of volumes.
type zonesEnv struct {
	*awsEnv
	subnets map[string]string // zone id → subnet
	names   map[string]string // zone id → name
	slots   int
}

func newZonesEnv(t *testing.T) *zonesEnv {
	t.Helper()
	z := &zonesEnv{awsEnv: newAWSEnv(t), subnets: map[string]string{}, names: map[string]string{}}
	found, err := z.cloud.Region(here).EC2().DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, s := range found.Subnets {
		z.subnets[*s.AvailabilityZoneId], z.names[*s.AvailabilityZoneId] = *s.SubnetId, *s.AvailabilityZone
		ids = append(ids, *s.SubnetId)
	}
	if len(ids) < 3 {
		t.Fatalf("only %d subnets", len(ids))
	}
	z.put(here, "production-vpc", map[string]string{"PrivateInstanceSubnets": strings.Join(ids, ",")})
	return z
}

// table makes the table of volumes.
func (z *zonesEnv) table() {
	z.Helper()
	cloudtest.MakeTable(z, z.cloud.Region(here).DynamoDB(), "production-volumes", "label", "index:N")
}

// slot adds a slot with a volume in a zone. Its holder runs, or ended.
func (z *zonesEnv) slot(zone string, gib int32, runs bool) (volume string) {
	z.Helper()
	api := z.cloud.Region(here).EC2()
	made, err := api.CreateVolume(z.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String(z.names[zone]), Size: &gib})
	if err != nil {
		z.Fatal(err)
	}
	holder := "i-0123456789abcdef0"
	if runs {
		instance, err := api.RunInstances(z.Context(), &ec2.RunInstancesInput{
			ImageId: aws.String("ami-12c6146b"), InstanceType: "t3.nano", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		})
		if err != nil {
			z.Fatal(err)
		}
		holder = *instance.Instances[0].InstanceId
	}
	number := func(n int) dynamotypes.AttributeValue {
		return &dynamotypes.AttributeValueMemberN{Value: strconv.Itoa(n)}
	}
	text := func(s string) dynamotypes.AttributeValue { return &dynamotypes.AttributeValueMemberS{Value: s} }
	_, err = z.cloud.Region(here).DynamoDB().PutItem(z.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("production-volumes"), Item: map[string]dynamotypes.AttributeValue{
			"label": text("laika/data"), "index": number(z.slots), "instance": text(holder), "claimed": number(1000 + z.slots),
			"volume": text(*made.VolumeId), "zone": text(z.names[zone]),
		}})
	if err != nil {
		z.Fatal(err)
	}
	z.slots++
	return *made.VolumeId
}

// all are the zone ids, sorted.
func (z *zonesEnv) all() []string {
	var ids []string
	for id := range z.subnets {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// source asks for the subnets in some zones, or in count of all.
func (z *zonesEnv) source(count int, zones ...string) assembly.ValueFrom {
	s := assembly.Subnets{Of: assembly.Output{Region: here, Stack: "production-vpc", Output: "PrivateInstanceSubnets"}, Zones: zones,
		Volumes: []string{"laika/data"}, BootTimeout: 900}
	if len(zones) == 0 {
		s.Candidates, s.Count, s.InstanceTypes = z.all(), count, []string{"t3.nano"}
	}
	return assembly.ValueFrom{Subnets: &s}
}

// zonesOf translates a value into zone ids.
func (z *zonesEnv) zonesOf(v Value) string {
	var zones []string
	for id, subnet := range z.subnets {
		if slices.Contains(strings.Split(v.Text, ","), subnet) {
			zones = append(zones, id)
		}
	}
	slices.Sort(zones)
	return strings.Join(zones, " ")
}

func (z *zonesEnv) wantZones(s assembly.ValueFrom, stack *live.Stack, want string) Value {
	z.Helper()
	v, err := z.one(s, stack)
	if got := z.zonesOf(v); err != nil || got != want {
		z.Errorf("got %s (%s), %v, want %s", got, v.Text, err, want)
	}
	return v
}

// Without azs an app with volumes runs where it is deployed, else where its volumes are in use, else where the last one was, else in
// zones that follow from its name.
func TestZonesOfVolumes(t *testing.T) {
	z := newZonesEnv(t)
	zones := z.all()
	first, err := z.one(z.source(1), nil) // before there is a table
	if err != nil || len(strings.Fields(z.zonesOf(first))) != 1 {
		t.Fatalf("%+v, %v", first, err)
	}
	z.table()
	z.wantZones(z.source(1), nil, z.zonesOf(first))
	if v, err := z.one(z.source(2), nil); err != nil || len(strings.Fields(z.zonesOf(v))) != 2 {
		t.Errorf("%+v, %v", v, err)
	}
	z.slot(zones[0], 10, false)
	z.slot(zones[1], 10, false)
	z.wantZones(z.source(1), nil, zones[1]) // claimed last
	z.wantZones(z.source(2), nil, zones[0]+" "+zones[1])
	z.slot(zones[2], 10, true)
	v := z.wantZones(z.source(1), nil, zones[2]) // in use
	if len(v.Moves) != 2 || v.Moves[0].Now || v.Moves[1].Now {
		t.Errorf("moves %+v", v.Moves)
	}
	kept := deployed(map[string]string{"P": z.subnets[zones[0]]})
	if v := z.wantZones(z.source(1), kept, zones[0]); !v.Keep {
		t.Error("not kept")
	}
	gone := deployed(map[string]string{"P": "subnet-0123"})
	z.wantZones(z.source(1), gone, zones[2])
}

// azs overrules, and tells which volumes move and how long that takes.
func TestZonesOfTheManifest(t *testing.T) {
	z := newZonesEnv(t)
	zones := z.all()
	z.table()
	running := z.slot(zones[0], 20, true)
	z.slot(zones[1], 30, false)
	v := z.wantZones(z.source(0, zones[1]), deployed(map[string]string{"P": z.subnets[zones[0]]}), zones[1])
	want := Move{
		Slot: "laika/data 0", Volume: running, GiB: 20, From: z.names[zones[0]], To: []string{z.names[zones[1]]}, Minutes: 6, Now: true,
	}
	if len(v.Moves) != 1 || fmt.Sprint(v.Moves[0]) != fmt.Sprint(want) {
		t.Errorf("got %+v, want %+v", v.Moves, want)
	}
	same := deployed(map[string]string{"P": z.subnets[zones[1]]})
	if v := z.wantZones(z.source(0, zones[1]), same, zones[1]); !v.Keep || v.Moves != nil {
		t.Errorf("got %+v", v)
	}
	z.wantError(z.source(0, "use1-az99"), "no subnet for each of the zones use1-az99")
	plain := z.source(0, zones[0], zones[2])
	plain.Subnets.Volumes = nil
	z.wantZones(plain, nil, zones[0]+" "+zones[2])
}

// A move that does not fit into boot_timeout is refused, with the way that works.
func TestMovesThatDoNotFit(t *testing.T) {
	z := newZonesEnv(t)
	zones := z.all()
	z.table()
	z.slot(zones[0], 100, true)
	z.wantError(z.source(0, zones[1]), "100 GiB", "about 27 minutes, and boot_timeout is 15: set boot_timeout to 1920 or more")
	patient := z.source(0, zones[1])
	patient.Subnets.BootTimeout = 1920
	z.wantZones(patient, nil, zones[1])
}

// With a snapshot of the last day only the changed blocks are copied.
func TestMovesAfterASnapshot(t *testing.T) {
	z := newZonesEnv(t)
	zones := z.all()
	z.table()
	volume := z.slot(zones[0], 1000, true)
	source := z.source(0, zones[1])
	source.Subnets.BootTimeout = 3600
	z.wantError(source, "at most 60: take a snapshot beforehand, while the app runs, with aws ec2 create-snapshot --region us-east-1 "+
		"--volume-id "+volume)
	_, err := z.cloud.Region(here).EC2().CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &volume})
	if err != nil {
		t.Fatal(err)
	}
	v := z.wantZones(source, nil, zones[1])
	if len(v.Moves) != 1 || v.Moves[0].Minutes != 27 {
		t.Errorf("got %+v", v.Moves)
	}
}

// An orbit without subnets yet is waited for.
func TestZonesBeforeTheOrbit(t *testing.T) {
	a := newAWSEnv(t)
	v, err := a.one(assembly.ValueFrom{Subnets: &assembly.Subnets{Of: assembly.Output{Region: here, Stack: "production-vpc", Output: "X"},
		Zones: []string{"use1-az1"}}}, nil)
	if err != nil || v.Pending.Name != "production-vpc" {
		t.Errorf("%+v, %v", v, err)
	}
}
