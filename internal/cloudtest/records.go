package cloudtest

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Record is a record of a hosted zone of Route 53.
type Record struct {
	Zone, Name, Type string // the zone's id; the name without a final dot
	SetIdentifier    string // "" for simple routing
	Region           string // of latency routing
	Weight           string // of weighted routing
	Alias            string // the target's name, else there are values
	TTL              string
	Values           []string // without any: 203.0.113.9
}

const recordType = "AWS::Route53::RecordSet"

// PutRecord puts a record into a zone that no stack of this account made.
func PutRecord(c *CloudFormation, r Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.records = append(c.engine.records, r)
}

// HideRecords makes ListResourceRecordSets refuse the caller.
func HideRecords(c *CloudFormation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.unreadable = true
}

// RemoveRecords removes the records of PutRecord with a name.
func RemoveRecords(c *CloudFormation, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.records = slices.DeleteFunc(c.engine.records, func(r Record) bool { return r.Name == name })
}

// allRecords returns the records without a stack, and those of all stacks but one resource's.
func (e *engine) allRecords(but *resource) []Record {
	all := slices.Clone(e.records)
	for _, s := range e.stacks {
		for _, r := range s.listed() {
			if r.Type == recordType && r != but && r.exists() && s.deleted.IsZero() && !e.hand.deleted[r.Physical] {
				changed := *r
				changed.Properties = e.hand.actual(r)
				all = append(all, recordOf(&changed))
			}
		}
	}
	return all
}

// recordOf returns a resource as a record.
func recordOf(r *resource) Record {
	text := func(name string) string {
		if v := r.Properties[name]; v != nil {
			return fmt.Sprint(v)
		}
		return ""
	}
	alias, _ := r.Properties["AliasTarget"].(map[string]any)
	out := Record{
		Zone: text("HostedZoneId"), Name: strings.TrimSuffix(strings.ToLower(text("Name")), "."), Type: text("Type"),
		SetIdentifier: text("SetIdentifier"), Region: text("Region"), Weight: text("Weight"),
		TTL: text("TTL"),
	}
	if alias != nil {
		out.Alias = fmt.Sprint(alias["DNSName"])
	}
	for _, v := range elements(r.Properties["ResourceRecords"]) {
		out.Values = append(out.Values, fmt.Sprint(v))
	}
	return out
}

// conflict returns Route 53's refusal of a new record, "" if it is taken.
//
//	the same name and kind, both simple       "but it already exists" (github.com/hashicorp/terraform/issues/9732)
//	latency in the same region                "a latency RRSet with the same name, type and region already exists"
//	                                          (github.com/kubernetes-sigs/external-dns/issues/3945)
//	two kinds of routing, or simple beside    "RRSet with DNS name …, type A, SetIdentifier … cannot be created as other RRSets exist
//	another one                               with the same name and type" (github.com/kubernetes-sigs/external-dns/issues/2813)
//	a CNAME beside anything                   "RRSet of type CNAME with DNS name … is not permitted as it conflicts with other
//	                                          records with the same DNS name"
func (n Record) conflict(all []Record) string {
	for _, e := range all {
		if e.Zone != n.Zone || e.Name != n.Name {
			continue
		}
		switch {
		case e.Type != n.Type && (e.Type == "CNAME" || n.Type == "CNAME"):
			return fmt.Sprintf("[RRSet of type %s with DNS name %s. is not permitted as it conflicts with other records with the same "+
				"DNS name "+
				"in zone %s]", n.Type, n.Name, n.Zone)
		case e.Type != n.Type:
		case e.SetIdentifier == n.SetIdentifier:
			return fmt.Sprintf("[Tried to create resource record set [name='%s.', type='%s'] but it already exists]", n.Name, n.Type)
		case e.SetIdentifier == "" || n.SetIdentifier == "" || (e.Region == "") != (n.Region == "") || (e.Weight == "") != (n.Weight == ""):
			return fmt.Sprintf("[RRSet with DNS name %s., type %s, SetIdentifier %s cannot be created as other RRSets exist with the "+
				"same name "+
				"and type]", n.Name, n.Type, n.SetIdentifier)
		case e.Region != "" && e.Region == n.Region:
			return fmt.Sprintf("[RRSet with DNS name %s., type %s, SetIdentifier %s, and region %s cannot be created because a latency "+
				"RRSet "+
				"with the same name, type and region already exists.]", n.Name, n.Type, n.SetIdentifier, n.Region)
		}
	}
	return ""
}

// refusesRecord returns Route 53's refusal of a stack's new record.
func (e *engine) refusesRecord(r *resource) string {
	if r.Type != recordType {
		return ""
	}
	return recordOf(r).conflict(e.allRecords(r))
}

// recordCalls answers the calls of Route 53 about records.
type recordCalls struct{ *CloudFormation }

// serve answers ListResourceRecordSets: the zone's records from a name on. Names have a final dot in its answers. AWS sorts them
// by the reversed labels; within one name the order is that of types and identifiers.
func (c recordCalls) serve(w http.ResponseWriter, r *http.Request) {
	c.count("route53", "ListResourceRecordSets")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.engine.unreadable {
		answer(w, nil, &refusal{http.StatusForbidden, "AccessDenied", "User is not authorized to perform: route53:ListResourceRecordSets"})
		return
	}
	zone := strings.Split(strings.Trim(r.URL.Path, "/"), "/")[2]
	from := strings.ToLower(strings.TrimSuffix(r.URL.Query().Get("name"), "."))
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprint(w, `<ListResourceRecordSetsResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ResourceRecordSets>`)
	for _, record := range c.engine.allRecords(nil) {
		if record.Zone == zone && record.Name >= from {
			record.write(w)
		}
	}
	fmt.Fprint(w, `</ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>100</MaxItems></ListResourceRecordSetsResponse>`)
}

// write writes a record as Route 53 does, without empty elements.
func (n Record) write(w http.ResponseWriter) {
	element := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "<%s>", name)
			_ = xml.EscapeText(w, []byte(value))
			fmt.Fprintf(w, "</%s>", name)
		}
	}
	fmt.Fprint(w, "<ResourceRecordSet>")
	element("Name", n.Name+".")
	element("Type", n.Type)
	element("SetIdentifier", n.SetIdentifier)
	element("Region", n.Region)
	element("Weight", n.Weight)
	if n.Alias != "" {
		fmt.Fprintf(w,
			"<AliasTarget><HostedZoneId>ZELB</HostedZoneId><DNSName>%s.</DNSName><EvaluateTargetHealth>true</EvaluateTargetHealth>"+
				"</AliasTarget>", n.Alias)
	} else {
		element("TTL", cmp.Or(n.TTL, "60"))
		fmt.Fprint(w, "<ResourceRecords>")
		values := n.Values
		if len(values) == 0 {
			values = []string{"203.0.113.9"}
		}
		for _, value := range values {
			fmt.Fprint(w, "<ResourceRecord>")
			element("Value", value)
			fmt.Fprint(w, "</ResourceRecord>")
		}
		fmt.Fprint(w, "</ResourceRecords>")
	}
	fmt.Fprint(w, "</ResourceRecordSet>")
}
