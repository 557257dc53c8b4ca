package cloudtest

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

// ruleCalls answers the calls of EC2 about security groups and launch templates of stacks. Its answers have EC2's own form: lists have
// elements named item, and names begin in lower case.
type ruleCalls struct{ *CloudFormation }

// serve answers a call, and reports whether it did.
func (c ruleCalls) serve(w http.ResponseWriter, region string, form url.Values) bool {
	operation := form.Get("Action")
	c.mu.Lock()
	c.engine.advance(time.Now())
	body, ok := "", false
	switch operation {
	case "DescribeSecurityGroupRules":
		body, ok = c.rules(region, idsIn(form, "Filter.1.Value."))
	case "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress":
		body, ok = c.revoke(idsIn(form, "SecurityGroupRuleId."))
	case "DescribeLaunchTemplateVersions":
		body, ok = c.versions(region, form.Get("LaunchTemplateId"), form.Get("LaunchTemplateVersion.1"))
	}
	c.mu.Unlock()
	if !ok {
		return false
	}
	c.count("ec2", operation)
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<%[1]sResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">%[2]s</%[1]sResponse>`, operation, body)
	return true
}

// rules describes the rules of groups that stacks have: those of all stacks that name the group, EC2's own, and those made by hand.
func (c ruleCalls) rules(region string, groups []string) (string, bool) {
	var b strings.Builder
	known := false
	for _, g := range c.engine.existing("AWS::EC2::SecurityGroup", region) {
		if slices.Contains(groups, g.Physical) {
			known = true
			for _, r := range c.engine.rulesOf(g) {
				r.write(&b)
			}
		}
	}
	return "<securityGroupRuleSet>" + b.String() + "</securityGroupRuleSet>", known
}

// rulesOf returns the rules of a group. EC2 gives each new group a rule that lets everything out, and CloudFormation removes it when the
// template has a rule for traffic out (Template Reference, AWS::EC2::SecurityGroupEgress).
func (e *engine) rulesOf(g *resource) []HandRule {
	if e.hand.deleted[g.Physical] {
		return nil
	}
	// The order is that of ids: EC2 documents none. The group's own rules come first only by chance.
	var out []HandRule
	hasEgress := false
	for kind, property := range map[string]string{"Ingress": "SecurityGroupIngress", "Egress": "SecurityGroupEgress"} {
		for i, item := range elements(e.hand.actual(g)[property]) {
			if properties, ok := item.(map[string]any); ok {
				out = append(out, handRule(fmt.Sprintf("sgr-%s", digest(17, g.Physical, kind, i)), g, kind == "Egress", properties))
			}
		}
		for _, r := range e.existing("AWS::EC2::SecurityGroup"+kind, g.region) {
			if text(r.Properties["GroupId"]) == g.Physical && !e.hand.deleted[r.Physical] {
				out = append(out, handRule(r.Physical, g, kind == "Egress", e.hand.actual(r)))
			}
			hasEgress = hasEgress || kind == "Egress" && text(r.Properties["GroupId"]) == g.Physical
		}
	}
	if !hasEgress && g.Properties["SecurityGroupEgress"] == nil {
		out = append(out, HandRule{ID: "sgr-" + digest(17, g.Physical, "all"), Group: g.Physical, Egress: true,
			Protocol: "-1", From: -1, To: -1, Cidr: "0.0.0.0/0"})
	}
	for _, r := range e.hand.rules {
		if r.Group == g.Physical {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b HandRule) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// handRule reads a rule of a template.
func handRule(id string, g *resource, egress bool, properties map[string]any) HandRule {
	return HandRule{ID: id, Group: g.Physical, Egress: egress, Protocol: text(properties["IpProtocol"]),
		From: number(properties["FromPort"], -1), To: number(properties["ToPort"], -1), Cidr: text(properties["CidrIp"]),
		Cidr6:       text(properties["CidrIpv6"]),
		Peer:        text(properties["SourceSecurityGroupId"]) + text(properties["DestinationSecurityGroupId"]),
		List:        text(properties["SourcePrefixListId"]) + text(properties["DestinationPrefixListId"]),
		Description: text(properties["Description"])}
}

// write writes a rule as EC2 does.
func (r HandRule) write(b *strings.Builder) {
	fmt.Fprintf(b, "<item><securityGroupRuleId>%s</securityGroupRuleId><groupId>%s</groupId><isEgress>%t</isEgress>"+
		"<ipProtocol>%s</ipProtocol><fromPort>%d</fromPort><toPort>%d</toPort>", r.ID, r.Group, r.Egress, r.Protocol, r.From, r.To)
	for name, value := range map[string]string{
		"cidrIpv4": r.Cidr, "cidrIpv6": r.Cidr6, "description": r.Description, "prefixListId": r.List,
	} {
		if value != "" {
			fmt.Fprintf(b, "<%[1]s>%[2]s</%[1]s>", name, escaped(value))
		}
	}
	if r.Peer != "" {
		fmt.Fprintf(b, "<referencedGroupInfo><groupId>%s</groupId></referencedGroupInfo>", r.Peer)
	}
	b.WriteString("</item>")
}

// escaped returns a text as the content of an XML element.
func escaped(value string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(value))
	return b.String()
}

// revoke removes rules by their ids. This account revokes only rules that were made by hand.
func (c ruleCalls) revoke(ids []string) (string, bool) {
	before := len(c.engine.hand.rules)
	c.engine.hand.rules = slices.DeleteFunc(c.engine.hand.rules, func(r HandRule) bool { return slices.Contains(ids, r.ID) })
	return "<return>true</return>", len(c.engine.hand.rules) < before
}

// versions describes one version of a stack's launch template.
func (c ruleCalls) versions(region, id, version string) (string, bool) {
	for _, r := range c.engine.existing("AWS::EC2::LaunchTemplate", region) {
		if r.Physical != id {
			continue
		}
		data := r.Properties["LaunchTemplateData"]
		if n, err := strconv.Atoi(version); err == nil && n > handVersions && n-handVersions <= len(c.engine.hand.versions[id]) {
			data = c.engine.hand.versions[id][n-handVersions-1]
		}
		var b strings.Builder
		writeEC2(&b, "launchTemplateData", data)
		return fmt.Sprintf("<launchTemplateVersionSet><item><launchTemplateId>%s</launchTemplateId><versionNumber>%d</versionNumber>%s"+
			"</item></launchTemplateVersionSet>", id, number(version, r.Revision), b.String()), true
	}
	return "", false
}

// lists are EC2's names for lists in launch templates (ec2-2016-11-15 service model, ResponseLaunchTemplateData).
var lists = map[string]string{
	"blockDeviceMappings": "blockDeviceMappingSet", "networkInterfaces": "networkInterfaceSet", "tagSpecifications": "tagSpecificationSet",
	"tags": "tagSet", "groups": "groupSet", "securityGroupIds": "securityGroupIdSet",
}

// writeEC2 writes a value of a template in EC2's form. CloudFormation passes user data on as it is: in base64.
func writeEC2(w io.Writer, name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		fmt.Fprintf(w, "<%s>", name)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			writeEC2(w, strings.ToLower(key[:1])+key[1:], v[key])
		}
		fmt.Fprintf(w, "</%s>", name)
	case []any:
		list := lists[name]
		item := "item"
		if list == "" {
			list = name + "Set"
		}
		if name == "groups" {
			item = "groupId"
		}
		fmt.Fprintf(w, "<%s>", list)
		for _, each := range v {
			writeEC2(w, item, each)
		}
		fmt.Fprintf(w, "</%s>", list)
	default:
		value := text(v)
		if name == "userData" {
			if _, err := base64.StdEncoding.DecodeString(value); err != nil {
				value = base64.StdEncoding.EncodeToString([]byte(value))
			}
		}
		fmt.Fprintf(w, "<%[1]s>%[2]s</%[1]s>", name, escaped(value))
	}
}

// launches adds the launch template to the description of a group: that of its resource, or a version made by hand.
func (h *hand) launches(r *resource, described *types.AutoScalingGroup) {
	// A group with several instance types has its template within MixedInstancesPolicy, and none beside it (EC2 Auto Scaling API Reference,
	// AutoScalingGroup).
	spec := specification(r.Properties["LaunchTemplate"])
	if mixed, ok := r.Properties["MixedInstancesPolicy"].(map[string]any); ok {
		launch, _ := mixed["LaunchTemplate"].(map[string]any)
		described.MixedInstancesPolicy = &types.MixedInstancesPolicy{LaunchTemplate: &types.LaunchTemplate{
			LaunchTemplateSpecification: specification(launch["LaunchTemplateSpecification"])}}
		spec = described.MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification
	} else {
		described.LaunchTemplate = spec
	}
	if id, version, ok := strings.Cut(h.uses[r.Physical], " "); ok && spec != nil {
		spec.LaunchTemplateId, spec.Version = &id, &version
	}
}

// specification reads a LaunchTemplateSpecification of a template.
func specification(v any) *types.LaunchTemplateSpecification {
	properties, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	return &types.LaunchTemplateSpecification{LaunchTemplateId: aws.String(text(properties["LaunchTemplateId"])),
		Version: aws.String(text(properties["Version"]))}
}

// updateAutoScalingGroup sets the limits of a group.
func updateAutoScalingGroup(c *call, in *autoscaling.UpdateAutoScalingGroupInput) (*autoscaling.UpdateAutoScalingGroupOutput, error) {
	found := c.engine.groups(c.region, []string{aws.ToString(in.AutoScalingGroupName)})
	if len(found) == 0 {
		return nil, invalid("AutoScalingGroup name not found - null")
	}
	g := found[0].group
	if in.MinSize != nil {
		g.Min = int(*in.MinSize)
	}
	if in.MaxSize != nil {
		g.Max = int(*in.MaxSize)
	}
	// "If MinSize is larger than the current size, the desired capacity becomes MinSize", and likewise MaxSize (API Reference,
	// UpdateAutoScalingGroup).
	g.Desired = min(max(g.Desired, g.Min), g.Max)
	g.Settle()
	return &autoscaling.UpdateAutoScalingGroupOutput{}, nil
}
