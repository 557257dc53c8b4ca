package drift

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/impact"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// The rules of a region are compared as a whole:
//
//  1. All templates of the orbit's stacks there are evaluated. Their rules are collected by the id of their group. A
//     rule with a group or a peer in another stack has it as a parameter, whose value is that group's id.
//  2. EC2 lists the rules of all groups of the selected stacks, and of the groups for which these stacks have rules.
//  3. Equal rules are paired. The rest of EC2's side was opened by hand, the rest of the templates' side was closed.
//
// A rule belongs to the stack of its resource, or when nobody made it by a template, to the stack of its group. So a selection of stacks
// never shows the rules of others.

const (
	securityGroup = "AWS::EC2::SecurityGroup"
	ingress       = "AWS::EC2::SecurityGroupIngress"
	egress        = "AWS::EC2::SecurityGroupEgress"
)

// ruleTypes are the types of a rule of its own.
var ruleTypes = []string{ingress, egress}

// rule is a rule of a security group in a comparable form. EC2 itself knows no two rules with these fields equal, but
// for the description, which lets nobody in.
type rule struct {
	egress         bool
	protocol       string // -1: all
	from, to, peer string // a CIDR block, a prefix list's id, or a security group's id
}

// expectedRule is a rule of a template.
type expectedRule struct {
	rule
	of       *deployed
	resource string
	path     string // in the resource, of an inline rule
	words    map[string]any
	group    any // the reference to the group, as the template has it
}

// everything is the rule that EC2 gives each new group: all traffic may leave. CloudFormation removes it when a template has a rule for
// traffic out (Template Reference, AWS::EC2::SecurityGroupEgress).
var everything = rule{egress: true, protocol: "-1", peer: "0.0.0.0/0"}

// everythingV6 is its sister for IPv6, which EC2 adds in a VPC with an IPv6 block (VPC User Guide, "Default security groups").
var everythingV6 = rule{egress: true, protocol: "-1", peer: "::/0"}

// reach compares the rules of security groups, both ways. Rules of all stacks of the orbit count, since one stack may open another's
// group.
type reach struct {
	*reading
	all []*deployed
}

// compare compares the groups of some stacks, one region after the other.
func (r reach) compare(ctx context.Context, stacks []*deployed) {
	byRegion := map[string][]*deployed{}
	for _, d := range stacks {
		byRegion[d.Region] = append(byRegion[d.Region], d)
	}
	var wait sync.WaitGroup
	for region, some := range byRegion {
		wait.Go(func() { r.compareRegion(ctx, region, some) })
	}
	wait.Wait()
}

// compareRegion compares the groups of one region.
func (r reach) compareRegion(ctx context.Context, region string, stacks []*deployed) {
	expected := r.expected(region)
	owners := map[string]*deployed{} // of each group of the stacks
	ids := map[string]bool{}         // groups to read: those, and others with rules of the stacks
	for _, d := range stacks {
		for _, id := range d.ofType(securityGroup) {
			owners[d.resources[id].PhysicalID] = d
			ids[d.resources[id].PhysicalID] = true
		}
	}
	for group, rules := range expected {
		ids[group] = ids[group] || slices.ContainsFunc(rules, func(e expectedRule) bool { return slices.Contains(stacks, e.of) })
	}
	maps.DeleteFunc(ids, func(id string, read bool) bool { return !read || id == "" || strings.Contains(id, gap) })
	found, err := readRules(ctx, r.cloud.Region(region), slices.Sorted(maps.Keys(ids)))
	if err != nil {
		for _, d := range stacks {
			if len(d.ofType(securityGroup)) > 0 {
				r.fail(d, "", fmt.Errorf("rules of security groups: %w", err))
			}
		}
		return
	}
	sides := r.sides(stacks)
	for id := range ids {
		r.compareGroup(owners[id], id, expected[id], found[id], stacks, sides)
	}
	r.unclear(expected, stacks)
}

// unclear names the rules whose group only AWS knows.
func (r reach) unclear(expected map[string][]expectedRule, stacks []*deployed) {
	for group, rules := range expected {
		for _, e := range rules {
			if (group == "" || strings.Contains(group, gap)) && slices.Contains(stacks, e.of) {
				r.miss(Unchecked{StackRef: e.of.StackRef, Resource: e.resource, Type: e.of.template.Resources[e.resource].Type,
					Why: "the security group of the rule is not known"})
			}
		}
	}
}

// compareGroup pairs the rules of a group. A rule of the template with a gap fits several, so exact ones are paired first.
func (r reach) compareGroup(owner *deployed, group string, expected []expectedRule, found []liveRule, stacks []*deployed,
	sides map[*deployed]*impact.Side) {
	left := slices.Clone(found)
	take := func(same func(liveRule) bool) bool {
		i := slices.IndexFunc(left, same)
		if i >= 0 {
			left = slices.Delete(left, i, i+1)
		}
		return i >= 0
	}
	// Two rules of templates may be one in EC2: the same rule in two stacks. The second is then found among all rules of the group.
	slices.SortStableFunc(expected, func(a, b expectedRule) int { return strings.Count(a.peer, gap) - strings.Count(b.peer, gap) })
	for _, e := range expected {
		there := take(func(l liveRule) bool { return l.rule == e.rule }) || take(func(l liveRule) bool { return e.allows(l.rule) })
		if !slices.Contains(stacks, e.of) {
			continue
		}
		r.check(e.of, e.resource)
		if !there && !slices.ContainsFunc(found, func(l liveRule) bool { return e.allows(l.rule) }) {
			r.removedRule(e, sides[e.of])
		}
	}
	if owner == nil {
		return // another stack's group, which was read for these stacks' rules in it
	}
	id := owner.logical(group)
	// Without a rule for traffic out in any template, the one that EC2 made is expected. It is not, as soon as there is one.
	if !slices.ContainsFunc(expected, func(e expectedRule) bool { return e.egress }) {
		take(func(l liveRule) bool { return l.rule == everythingV6 })
		if !take(func(l liveRule) bool { return l.rule == everything }) {
			r.add(owner, id, Finding{Change: Removed,
				Text: "somebody closed the way out: the group's rule that lets all traffic out is gone"})
		}
	}
	for _, l := range left {
		r.addedRule(owner, id, l, sides[owner])
	}
}

// allows reports whether a live rule fits a template's rule with gaps.
func (e expectedRule) allows(l rule) bool {
	want := e.rule
	want.peer = l.peer
	return want == l && fits(e.peer, l.peer)
}

// logical returns the logical id of a physical one.
func (d *deployed) logical(physical string) string {
	for _, id := range d.template.IDs() {
		if d.resources[id].PhysicalID == physical {
			return id
		}
	}
	return ""
}

// removedRule adds a template's rule missing in the group.
func (r reach) removedRule(e expectedRule, side *impact.Side) {
	words := e.peer
	// Package impact finds the names of both ends: the apps in the groups, not the numbers of the groups.
	if side != nil {
		words = strings.Join(side.Rule(e.egress, e.words, e.group), "; ")
	}
	r.add(e.of, e.resource, Finding{Change: Removed, Property: e.path, Expected: e.rule.String(), Text: "somebody closed " + words})
}

// addedRule adds a rule that no template of the orbit has.
func (r reach) addedRule(owner *deployed, id string, l liveRule, side *impact.Side) {
	words := l.peer
	if side != nil {
		words = strings.Join(side.Rule(l.egress, r.named(owner, l.rule), map[string]any{"Ref": id}), "; ")
	}
	text := "somebody opened " + words
	if l.description != "" {
		text += fmt.Sprintf(" (%q)", l.description)
	}
	r.add(owner, id, Finding{Change: Added, Actual: l.rule.String(), Text: text, ID: owner.String() + "/" + id + "/" + l.id,
		remove: func(ctx context.Context, region *cloud.Region) error { return revokeRule(ctx, region, l) }})
}

// String is in tcp 22 0.0.0.0/0.
func (r rule) String() string {
	ports := r.from
	if r.to != r.from {
		ports += "-" + r.to
	}
	protocol := r.protocol
	if protocol == "-1" {
		protocol = "all"
	}
	words := []string{directionOf(r.egress), protocol, ports, shownGap(r.peer)}
	return strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), " ")
}

// directionOf is in or out.
func directionOf(egress bool) string {
	if egress {
		return "out"
	}
	return "in"
}

// named writes a live rule as a template would, with references in place of the ids of the orbit's groups. Its words then name
// apps.
func (r reach) named(owner *deployed, l rule) map[string]any {
	out := map[string]any{"IpProtocol": l.protocol, "FromPort": l.from, "ToPort": l.to}
	side := map[bool]string{false: "Source", true: "Destination"}[l.egress]
	switch {
	case strings.HasPrefix(l.peer, "sg-"):
		out[side+"SecurityGroupId"] = r.groupReference(owner, l.peer)
	case strings.HasPrefix(l.peer, "pl-"):
		out[side+"PrefixListId"] = l.peer
	case strings.Contains(l.peer, ":"):
		out["CidrIpv6"] = l.peer
	default:
		out["CidrIp"] = l.peer
	}
	return out
}

// groupReference refers to a group of the owner's own stack, or to the output of another one.
func (r reach) groupReference(owner *deployed, group string) any {
	if id := owner.logical(group); id != "" {
		return map[string]any{"Ref": id}
	}
	for _, d := range r.all {
		for _, output := range []string{document.OutputInstances, document.OutputBastions} {
			if d.Region == owner.Region && d.Outputs[output] == group {
				return impact.OutputReference(output, d.Name, d.Region)
			}
		}
	}
	return group
}

// expected returns the rules of all templates of a region by the id of their group.
func (r reach) expected(region string) map[string][]expectedRule {
	out := map[string][]expectedRule{}
	for _, d := range r.all {
		if d.Region != region {
			continue
		}
		// GroupId is evaluated: it may be the group of another stack, which came as a parameter.
		for _, kind := range ruleTypes {
			for _, id := range d.ofType(kind) {
				properties := d.properties(id)
				raw := d.template.Resources[id].Properties
				group := text(properties["GroupId"])
				out[group] = append(out[group], expectedRule{rule: ruleOf(properties, kind == egress), of: d, resource: id, words: raw,
					group: raw["GroupId"]})
			}
		}
		for _, id := range d.ofType(securityGroup) {
			out[d.resources[id].PhysicalID] = append(out[d.resources[id].PhysicalID], d.inlineRules(id)...)
		}
	}
	return out
}

// inlineRules returns the rules written into a group.
func (d *deployed) inlineRules(id string) []expectedRule {
	var out []expectedRule
	for property, isEgress := range map[string]bool{"SecurityGroupIngress": false, "SecurityGroupEgress": true} {
		list, _ := d.properties(id)[property].([]any)
		for i, item := range list {
			if properties, ok := item.(map[string]any); ok {
				out = append(out, expectedRule{rule: ruleOf(properties, isEgress), of: d, resource: id,
					path: fmt.Sprintf("%s.%d", property, i), words: properties, group: map[string]any{"Ref": id}})
			}
		}
	}
	return out
}

// ruleOf reads the evaluated properties of a rule.
func ruleOf(properties map[string]any, isEgress bool) rule {
	out := rule{egress: isEgress, protocol: text(properties["IpProtocol"]), from: text(properties["FromPort"]),
		to: text(properties["ToPort"])}
	for _, name := range []string{"CidrIp", "CidrIpv6", "SourceSecurityGroupId", "DestinationSecurityGroupId", "SourcePrefixListId",
		"DestinationPrefixListId"} {
		if v := text(properties[name]); v != "" {
			out.peer = v
		}
	}
	if out.peer == "" {
		out.peer = gap // named by SourceSecurityGroupName, which only EC2 translates
	}
	return out.normal()
}

// protocols are the names of the protocols whose numbers EC2 translates (EC2 API Reference, SecurityGroupRule, ipProtocol).
var protocols = map[string]string{"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": "-1", "": "-1"}

// normal returns a rule as EC2 keeps it: without ports for all protocols, and with the first address of a block.
func (r rule) normal() rule {
	r.protocol = strings.ToLower(r.protocol)
	r.protocol = cmp.Or(protocols[r.protocol], r.protocol)
	if r.protocol == "-1" {
		r.from, r.to = "", ""
	}
	if block, err := netip.ParsePrefix(r.peer); err == nil {
		r.peer = block.Masked().String()
	}
	return r
}

// sides prepares the words of each stack. A template that package impact cannot read has plain words.
func (r reach) sides(stacks []*deployed) map[*deployed]*impact.Side {
	out := map[*deployed]*impact.Side{}
	for _, d := range stacks {
		stack := assembly.Stack{Name: d.Name, Region: d.Region, App: d.App(), Parameters: r.sources(d)}
		if side, err := impact.NewSide(r.scope.Orbit, stack, d.body, d.places); err == nil {
			out[d] = side
		}
	}
	return out
}

// sources returns where a stack's parameters come from: the artifact says it, else an output of the orbit with the same value.
func (r reach) sources(d *deployed) map[string]assembly.ValueFrom {
	out := map[string]assembly.ValueFrom{}
	for name, value := range d.Parameters {
		if value == live.Masked {
			continue
		}
		out[name] = assembly.ValueFrom{Literal: &value}
		if output := r.outputWith(d, value); output != nil {
			out[name] = assembly.ValueFrom{Output: output}
		}
	}
	return out
}

// outputWith finds an output with a value that tells its origin: the id of a security group, or a public address.
func (r reach) outputWith(d *deployed, value string) *assembly.Output {
	// Any other value, such as a version, may be equal to an output by chance.
	_, err := netip.ParseAddr(value)
	if !strings.HasPrefix(value, "sg-") && err != nil {
		return nil
	}
	for _, other := range r.all {
		for _, name := range slices.Sorted(maps.Keys(other.Outputs)) {
			if other.Outputs[name] == value && other.StackRef != d.StackRef {
				return &assembly.Output{Region: other.Region, Stack: other.Name, Output: name}
			}
		}
	}
	return nil
}
