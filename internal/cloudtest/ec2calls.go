package cloudtest

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// ec2Calls answers the calls of EC2 about the subnets of stacks.
type ec2Calls struct{ *CloudFormation }

// serve answers DescribeSubnets, if all the subnets are of stacks. Other calls go to the server of Forward.
func (c ec2Calls) serve(w http.ResponseWriter, r *http.Request, region string) {
	form, err := readForm(r)
	if err == nil && ruleCalls(c).serve(w, region, form) {
		return
	}
	asked := idsIn(form, "SubnetId.")
	var items strings.Builder
	if err == nil && form.Get("Action") == "DescribeSubnets" && len(asked) > 0 && c.describe(&items, region, asked) {
		c.count("ec2", "DescribeSubnets")
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprintf(w, `<DescribeSubnetsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><subnetSet>%s</subnetSet>`+
			`</DescribeSubnetsResponse>`, items.String())
		return
	}
	if err == nil && form.Get("Action") == "DescribeRegions" && c.forward == nil {
		c.describeRegions(w)
		return
	}
	c.forwardCall(w, r, "ec2")
}

// describeRegions writes the regions that have stacks.
func (c ec2Calls) describeRegions(w http.ResponseWriter) {
	c.count("ec2", "DescribeRegions")
	c.mu.Lock()
	defer c.mu.Unlock()
	names := map[string]bool{}
	for _, s := range c.engine.stacks {
		names[s.region] = true
	}
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprint(w, `<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><regionInfo>`)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		fmt.Fprintf(w, "<item><regionName>%s</regionName></item>", name)
	}
	fmt.Fprint(w, `</regionInfo></DescribeRegionsResponse>`)
}

// idsIn returns the values of a list in a form of EC2's query protocol.
func idsIn(form url.Values, prefix string) []string {
	var ids []string
	for key, values := range form {
		if strings.HasPrefix(key, prefix) {
			ids = append(ids, values...)
		}
	}
	slices.Sort(ids)
	return ids
}

// describe writes the subnets with some ids. It is false unless stacks have all of them.
func (c ec2Calls) describe(w io.Writer, region string, ids []string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.advance(time.Now())
	found := 0
	for _, s := range c.engine.stacks {
		for _, r := range s.listed() {
			if s.region == region && r.Type == "AWS::EC2::Subnet" && r.exists() && slices.Contains(ids, r.Physical) {
				zone := text(r.Properties["AvailabilityZoneId"])
				fmt.Fprintf(w, "<item><subnetId>%s</subnetId><availabilityZone>%s</availabilityZone>"+
					"<availabilityZoneId>%s</availabilityZoneId></item>", r.Physical, zoneName(region, zone), zone)
				found++
			}
		}
	}
	return found == len(ids)
}

// zoneName returns the account's name for a zone. Each account has names of its own; here use1-az1 is us-east-1a.
func zoneName(region, id string) string {
	number := number(id[strings.LastIndex(id, "z")+1:], 1)
	return region + string(rune('a'+number-1))
}

// noTable answers a call of DynamoDB about a table that does not exist.
func noTable(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprint(w, `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"Requested resource not found"}`)
}
