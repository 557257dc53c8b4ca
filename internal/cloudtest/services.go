package cloudtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Debian puts the public parameters of Debian 13's images into a region.
func (c *CloudFormation) Debian(region string) {
	for i, architecture := range []string{"amd64", "arm64"} {
		c.Parameter(region, "/aws/service/debian/release/13/latest/"+architecture, "ami-0"+digest(15, region, "debian")+fmt.Sprint(i))
	}
}

// storedParameter is a parameter of SSM. Each change makes a version: they count from 1, again after a deletion (API Reference, Parameter).
type storedParameter struct {
	value   string
	version int
	changed time.Time
}

// Parameter puts a parameter into SSM's parameter store, or a new version of it.
func (c *CloudFormation) Parameter(region, name, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parameters[region+" "+name] = storedParameter{value, c.parameters[region+" "+name].version + 1, time.Now()}
}

// DeleteParameter removes a parameter from SSM.
func DeleteParameter(c *CloudFormation, region, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.parameters, region+" "+name)
}

// Zone creates a public hosted zone and returns its id.
func (c *CloudFormation) Zone(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.zones = append(c.zones, name)
	return zoneID(name)
}

// zoneID returns the id of a hosted zone: Z and 13 characters, always the same for the same name.
func zoneID(name string) string { return "Z" + strings.ToUpper(digest(13, name)) }

// serveSSM answers GetParameter.
func (c *CloudFormation) serveSSM(w http.ResponseWriter, r *http.Request, region string) {
	target := r.Header.Get("X-Amz-Target")
	// The header is, for example, AmazonSSM.GetParameter.
	c.count("ssm", target[strings.LastIndex(target, ".")+1:])
	var in struct{ Name string }
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	c.mu.Lock()
	p, ok := c.parameters[region+" "+in.Name]
	c.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err != nil || !ok {
		w.WriteHeader(http.StatusBadRequest)
		// SSM speaks JSON: the error's code is in __type, and every error has the status 400.
		fmt.Fprint(w, `{"__type":"ParameterNotFound"}`)
		return
	}
	answer := map[string]any{"Parameter": map[string]any{"Name": in.Name, "Type": "String", "Value": p.value, "Version": p.version,
		"ARN":              "arn:aws:ssm:" + region + ":" + c.engine.account + ":parameter/" + strings.TrimPrefix(in.Name, "/"),
		"LastModifiedDate": float64(p.changed.UnixMilli()) / 1000}}
	_ = json.NewEncoder(w).Encode(answer)
}

// serveRoute53 answers ListHostedZones and ListResourceRecordSets.
func (c *CloudFormation) serveRoute53(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/rrset") {
		recordCalls{c}.serve(w, r)
		return
	}
	// Route 53 is a global service, so there is one list for all regions. Names end with a dot in its answers.
	c.count("route53", "ListHostedZones")
	c.mu.Lock()
	defer c.mu.Unlock()
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprint(w, `<ListHostedZonesResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><HostedZones>`)
	for _, name := range slices.Sorted(slices.Values(c.zones)) {
		fmt.Fprintf(w, "<HostedZone><Id>/hostedzone/%s</Id><Name>%s.</Name>"+
			"<CallerReference>test</CallerReference><Config><PrivateZone>false</PrivateZone></Config></HostedZone>", zoneID(name), name)
	}
	fmt.Fprint(w, `</HostedZones><IsTruncated>false</IsTruncated><MaxItems>100</MaxItems></ListHostedZonesResponse>`)
}
