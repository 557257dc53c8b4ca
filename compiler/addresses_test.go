package compiler

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// allZones are all that the plan has a place for.
func allZones() []string {
	var out []string
	for n := 1; n <= mostZones; n++ {
		out = append(out, fmt.Sprintf("use1-az%d", n))
	}
	return out
}

func TestSubnetsNeverOverlap(t *testing.T) {
	for _, private := range []string{"10.0", "10.255", "172.31", "192.168"} {
		net := networkOf(orbitRegion(0, func(r *schema.OrbitRegion) { r.PrivateNetwork = private }))
		vpc := netip.MustParsePrefix(net.cidr())
		taken, sixes := map[netip.Prefix]string{}, map[int]string{}
		for _, zone := range allZones() {
			for kind := range tiers() {
				name := string(kind) + " in " + zone
				block := netip.MustParsePrefix(net.subnetBlock(zone, kind))
				if block != block.Masked() || block.Bits() < 16 || block.Bits() > 28 {
					t.Errorf("%s: AWS refuses %s", name, block)
				}
				if !vpc.Contains(block.Addr()) {
					t.Errorf("%s: %s is outside %s", name, block, vpc)
				}
				for other, whose := range taken {
					if block.Overlaps(other) {
						t.Errorf("%s: %s overlaps %s, %s", name, block, other, whose)
					}
				}
				taken[block] = name
				six := thirdOctet(zone, kind)
				if six < 0 || six > 255 || sixes[six] != "" {
					t.Errorf("%s: the /64 number %d is taken by %q or out of the /56", name, six, sixes[six])
				}
				sixes[six] = name
			}
		}
	}
}

// TestAddressesStay pins the plan: a change here replaces the subnets of every orbit there is.
func TestAddressesStay(t *testing.T) {
	net := networkOf(orbitRegion(0, nil))
	for kind, want := range map[tier]string{
		privateInstance: "192.168.48.0/22",
		publicInstance:  "192.168.52.0/23",
		publicBalancer:  "192.168.56.0/24",
		privateBalancer: "192.168.57.0/24",
		privateCache:    "192.168.58.0/24",
		privateDatabase: "192.168.59.0/24",
		publicDatabase:  "192.168.60.0/24",
		publicNAT:       "192.168.61.0/24",
	} {
		if got := net.subnetBlock("use1-az3", kind); got != want {
			t.Errorf("%s in use1-az3 is %s, want %s", kind, got, want)
		}
	}
}

// TestMoreZonesChangeNothing adds zones to a region and looks for what was there before. Only lists over zones may grow.
func TestMoreZonesChangeNothing(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 30 {
		zones := allZones()
		random.Shuffle(len(zones), func(i, j int) { zones[i], zones[j] = zones[j], zones[i] })
		many := zones[:3+random.IntN(9)]
		few := slices.Clone(many[:2])
		slices.Sort(few)
		slices.Sort(many)
		nat := []schema.NAT{schema.NATDisabled, schema.NATPerAZ}[round%2]
		shaped := func(zones []string) decodedTemplate {
			return decoded(t, orbitStacks(t, orbitRegion(0, func(r *schema.OrbitRegion) {
				shape(r, nat, 1, round%3 == 0)
				r.Zones = zones
			}))["vpc"])
		}
		before, after := shaped(few), shaped(many)
		for id, old := range before.Resources {
			if fmt.Sprint(trimmed(old)) != fmt.Sprint(trimmed(after.Resources[id])) {
				t.Errorf("%s is not the same with %v as with %v:\n%v\n%v", id, many, few, old, after.Resources[id])
			}
		}
	}
}

// trimmed leaves out the properties that list something per zone.
func trimmed(r resource) resource {
	delete(r.Properties, "SubnetIds")
	delete(r.Properties, "RouteTableIds")
	return r
}

// TestANewZoneLeavesTheNatGatewayAlone is about the one gateway of nat: enabled: it stays in the first zone.
func TestANewZoneLeavesTheNatGatewayAlone(t *testing.T) {
	before, after := natZones(orbitRegion(3, nil)), natZones(orbitRegion(6, nil))
	if !slices.Equal(before, after) || len(before) != 1 {
		t.Errorf("moved from %v to %v", before, after)
	}
}

func TestZonesWithoutAPlaceAreReported(t *testing.T) {
	for name, test := range map[string]struct {
		zones []string
		want  string
	}{
		"no number": {[]string{"use1-az1", "use1-lax"}, "expected zones whose id ends in a number from 1 to 15, got use1-lax"},
		"zero":      {[]string{"use1-az0", "use1-az1"}, "expected zones whose id ends in a number from 1 to 15, got use1-az0"},
		"too high":  {[]string{"use1-az1", "use1-az16"}, "expected zones whose id ends in a number from 1 to 15, got use1-az16"},
		"same number": {[]string{"use1-az1", "use1-lax1-az1"},
			"expected zones with different numbers, got use1-az1 and use1-lax1-az1: name one of them"},
	} {
		t.Run(name, func(t *testing.T) {
			report := &report.Report{}
			vpc(networkOf(orbitRegion(0, func(r *schema.OrbitRegion) { r.Zones = test.zones })), report)
			problems := report.Problems()
			if len(problems) != 1 || problems[0].Message != test.want {
				t.Errorf("got %v, want %q", problems, test.want)
			}
		})
	}
}
