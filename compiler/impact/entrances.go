package impact

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/compiler/template"
)

const (
	loadBalancer = "AWS::ElasticLoadBalancingV2::LoadBalancer"
	listener     = "AWS::ElasticLoadBalancingV2::Listener"
	listenerRule = "AWS::ElasticLoadBalancingV2::ListenerRule"
	targetGroup  = "AWS::ElasticLoadBalancingV2::TargetGroup"
	recordSet    = "AWS::Route53::RecordSet"
)

// keepsOldGroup reports whether each group is replaced as a whole, so that the old instances stay where they are registered until the
// end of the update.
func (f *forecast) keepsOldGroup() bool {
	for _, id := range f.both(autoScalingGroup) {
		if action := f.changes[id].Action; action != diff.Replace {
			return false
		}
	}
	return true
}

// movesInstances reports whether a group is updated in place with other target groups: its instances leave the old ones at once.
func (f *forecast) movesInstances() bool {
	return slices.ContainsFunc(f.both(autoScalingGroup), func(id string) bool { return f.changed(id, "TargetGroupARNs") })
}

// entrances is the rule about another way in: a load balancer that is replaced, removed or added. Host names follow only when the
// group is updated. A group that is updated in place has left the old load balancer by then.
func (f *forecast) entrances() {
	var gone, made []string
	for _, id := range f.old.ofType(loadBalancer) {
		if f.replaced(id) || f.changes[id].Action == diff.Delete {
			gone = append(gone, id)
		}
	}
	for _, id := range f.now.ofType(loadBalancer) {
		if f.replaced(id) {
			made = append(made, id)
		}
	}
	if len(gone)+len(made) == 0 {
		return
	}
	id, what := slices.Concat(gone, made)[0], "the load balancer is replaced"
	switch {
	case len(made) == 0:
		what = "the load balancer is removed"
	case len(gone) == 0:
		what = "a load balancer is put in front of the instances"
	}
	f.say(Effect{Kind: Address, Resource: id,
		Text: what + ": its own host name and addresses change, and host names follow at the end of the update"})
	if !f.keepsOldGroup() && (len(gone) == 0 || f.movesInstances()) {
		f.say(Effect{Kind: Stops, Resource: id,
			Text:    f.interrupted() + ": " + what + ", and the running instances leave the old side before the host names do",
			Instead: "update_policy: redblack keeps the old side until the new one works"})
	}
}

// listeners is the rule about ports. A listener that stays gets its new target group before the instances are updated, so nobody answers
// until instances are registered with that group. This holds under every update policy: a new group of instances is made after the
// listener, which it depends on.
func (f *forecast) listeners() {
	for _, id := range f.both(listener, listenerRule) {
		old, now := f.old.t.Resources[id], f.now.t.Resources[id]
		c, changes := f.changes[id]
		if !changes || f.replaced(id) {
			continue
		}
		before, after := targets(old), targets(now)
		fresh := slices.DeleteFunc(slices.Clone(after), func(id string) bool { return f.registered(id) })
		switch {
		case len(before) > 0 && len(after) > 0 && len(fresh) == len(after):
			f.emptyTargets(id, before[0], after[0])
		case len(before) > 0 && len(after) == 0:
			f.say(Effect{Kind: Address, Resource: c.ID,
				Text: f.portOf(now, id) + " is no longer forwarded to the instances: " + action(now)})
		}
		if was, is := property(old, "Protocol"), property(now, "Protocol"); was != is {
			f.say(Effect{Kind: Address, Resource: id, Text: fmt.Sprintf("%s speaks %s instead of %s", f.portOf(now, id), is, was)})
		}
	}
	f.closedPorts()
}

// registered reports whether instances are in the target group before the update.
func (f *forecast) registered(id string) bool {
	return f.old.t.Resources[id].Type == targetGroup && !f.replaced(id)
}

// emptyTargets says that a listener forwards to a target group without instances, and the way without that.
func (f *forecast) emptyTargets(id, before, after string) {
	old, now := f.old.t.Resources[before], f.now.t.Resources[after]
	wasPort, isPort := property(old, "Port"), property(now, "Port")
	e := Effect{Kind: Stops, Resource: id, Text: fmt.Sprintf("traffic to %s stops until the new instances are up: its listener stays and "+
		"forwards to another target group, %s %s instead of %s %s, which has no instance until then", f.portOf(f.now.t.Resources[id], id),
		property(now, "Protocol"), isPort, property(old, "Protocol"), wasPort)}
	switch sameProtocol := property(old, "Protocol") == property(now, "Protocol"); {
	case sameProtocol && wasPort != isPort:
		e.Instead = fmt.Sprintf("keep internal_port: %s and change the container's side only: ports: {%s: %s}", wasPort, wasPort, isPort)
	default:
		e.Instead = "add a second public port with the new settings, move the clients to it, then remove the old one"
	}
	f.say(e)
}

// targets are the target groups that a listener or rule forwards to.
func targets(r template.Resource) []string {
	var out []string
	for _, name := range []string{"DefaultActions", "Actions"} {
		template.References(nil, r.Properties[name], func(p template.Path, to template.Reference) {
			if slices.Contains(p.Names(), "TargetGroupArn") {
				out = append(out, to.Name)
			}
		})
	}
	return out
}

// portOf names a listener by its port, and a rule by its id.
func (f *forecast) portOf(r template.Resource, id string) string {
	if port := property(r, "Port"); port != "" {
		return "port " + port
	}
	return "the rule " + id
}

// action is the first action of a listener in words.
func action(r template.Resource) string {
	list, _ := r.Properties["DefaultActions"].([]any)
	if len(list) == 0 {
		return "it has no action"
	}
	return words(list[0])
}

// closedPorts are ports that no listener serves any more, whatever its logical id was.
func (f *forecast) closedPorts() {
	if len(f.now.ofType(listener)) == 0 {
		return // the rule about entrances has said it
	}
	open := map[string]bool{}
	for _, id := range f.now.ofType(listener) {
		open[property(f.now.t.Resources[id], "Port")] = true
	}
	for _, id := range f.old.ofType(listener) {
		if port := property(f.old.t.Resources[id], "Port"); !open[port] {
			f.say(Effect{Kind: Stops, Resource: id, Text: "port " + port + " is not served any more"})
		}
	}
}

// healthChecks is the rule about changed health checks of target groups that stay: they hold for the running instances at once. When no
// instance passes, the load balancer sends to all (Elastic Load Balancing User Guide, "Target group health", fail-open).
func (f *forecast) healthChecks() {
	for _, id := range f.both(targetGroup) {
		if !f.replaced(id) && f.changed(id, "HealthCheckPath", "HealthCheckPort", "HealthCheckProtocol", "Matcher") {
			f.say(Effect{Kind: Reduced, Resource: id, Text: "the new health check holds at once: running instances that do not pass it " +
				"get no traffic, unless none passes",
				Instead: "first release a version that passes both checks, then change the check"})
		}
	}
}

// names is the rule about host names.
func (f *forecast) names() {
	names := map[string]bool{}
	for _, id := range f.now.ofType(recordSet) {
		names[recordName(f.now.t.Resources[id])] = true
	}
	for _, id := range f.old.ofType(recordSet) {
		if name := recordName(f.old.t.Resources[id]); !names[name] {
			f.say(Effect{Kind: Address, Resource: id, Text: "host name " + name + " does not lead here any more"})
		} else if f.changed(id, "ResourceRecords") {
			f.say(Effect{Kind: Address, Resource: id, Text: "host name " + name + " leads to other addresses"})
		}
	}
}

// recordName is a record's host name, without the final dot and the case that DNS ignores.
func recordName(r template.Resource) string {
	return strings.ToLower(strings.TrimSuffix(property(r, "Name"), "."))
}

// addresses is the rule about public addresses.
func (f *forecast) addresses() {
	for _, id := range f.old.ofType("AWS::EC2::EIP", "AWS::EC2::NatGateway") {
		kind := f.old.t.Resources[id].Type
		c, changes := f.changes[id]
		ends := changes && (c.Action == diff.Delete || c.Action == diff.Replace || c.Action == diff.MaybeReplace)
		switch {
		case !ends:
		case kind == "AWS::EC2::NatGateway":
			f.say(Effect{Kind: Address, Resource: id, Text: "private instances reach the internet through another NAT gateway: " +
				"open connections break, " +
				"and others see another address"})
		case c.Action == diff.MaybeReplace:
			f.say(Effect{Kind: Address, Resource: id, Text: "the public address " + id + " may change"})
		default:
			f.say(Effect{Kind: Address, Resource: id, Text: "the public address " + id + " is given up"})
		}
	}
}
