package compiler

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// The address plan. The VPC is a /16; the zone of number n (use1-az3 is 3) has the /20 that starts at n × 16 in the third
// octet, and each tier a fixed slot in it. So a zone's addresses never depend on which other zones there are. The /20 of
// zone 0, and in each zone the blocks 6, 7, 14 and 15, are free.
//
// A subnet's third octet also numbers its /64 within the VPC's IPv6 /56.

// mostZones is the highest zone number for which a /16 has a /20.
const mostZones = 15

// slot is where in a zone's /20 a tier has its subnet: the first /24, counted from 0, and the prefix length.
type slot struct{ start, prefix int }

// slotOf is the fixed part of the address plan: to change a line is to replace every subnet of its tier.
func slotOf(t tier) slot {
	return map[tier]slot{
		privateInstance: {0, 22},
		publicInstance:  {4, 23},
		publicBalancer:  {8, 24},
		privateBalancer: {9, 24},
		privateCache:    {10, 24},
		privateDatabase: {11, 24},
		publicDatabase:  {12, 24},
		publicNAT:       {13, 24},
	}[t]
}

// thirdOctet is where a tier's subnet of a zone begins.
func thirdOctet(zone string, t tier) int {
	number, _ := zoneNumber(zone)
	return number*16 + slotOf(t).start
}

// subnetBlock is the IPv4 block of a tier in a zone.
func (n network) subnetBlock(zone string, t tier) string {
	return fmt.Sprintf("%s.%d.0/%d", n.region.PrivateNetwork, thirdOctet(zone, t), slotOf(t).prefix)
}

// zoneNumber is the number at the end of a zone id. Zone ids such as use1-az3 name the same place in every account,
// unlike zone names such as us-east-1a (EC2 User Guide, "Availability Zone IDs").
func zoneNumber(zone string) (int, bool) {
	digits := zone[len(strings.TrimRight(zone, "0123456789")):]
	number, err := strconv.Atoi(digits)
	return number, err == nil && number >= 1 && number <= mostZones
}

// addressable reports zones without a place in the plan, and returns whether there are none.
func addressable(region *schema.OrbitRegion, r *report.Report) bool {
	holder := map[int]string{}
	for _, zone := range region.Zones {
		number, ok := zoneNumber(zone)
		if !ok {
			r.Errorf(region.At("azs"), "expected zones whose id ends in a number from 1 to %d, got %s", mostZones, zone)
			return false
		}
		if other, taken := holder[number]; taken {
			r.Errorf(region.At("azs"), "expected zones with different numbers, got %s and %s: name one of them", other, zone)
			return false
		}
		holder[number] = zone
	}
	return true
}
