package cloudtest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// The account's truth about a resource is its template's properties with the changes of this file on top. CloudFormation's part of the
// model reads the template's side only, as AWS does until a drift detection or a drift-aware change set. The calls of the other services
// read both. An update by CloudFormation writes all properties of a resource, so it ends the changes to them, and leaves additions
// beside them.

// ByHand changes resources of a stack as somebody with the console does: CloudFormation takes no part in it, and learns of it only by a
// drift detection. Resources are named by their logical ids.
//
//	byhand.go       the changes
//	drift.go        CloudFormation's drift detection
//	rolecalls.go    the calls of IAM about roles of stacks
//	rulecalls.go    the calls of EC2 about rules of security groups and versions of launch templates
type ByHand struct {
	Account       *CloudFormation
	Region, Stack string
}

// hand holds the changes by hand in an account. Resources are known by their physical ids.
type hand struct {
	properties map[string]map[string]any // by resource and property; nil: removed
	deleted    map[string]bool
	rules      []HandRule
	policies   map[string]map[string]any // documents by role and name; nil: removed
	attached   map[string][]string       // ARNs by role
	versions   map[string][]any          // data of launch template versions, by template
	uses       map[string]string         // the version of a group, by group
	detections map[string]*detection
}

// HandRule is a rule of a security group that no stack has.
type HandRule struct {
	ID, Group   string // set by Open
	Egress      bool
	Protocol    string
	From, To    int
	Cidr, Cidr6 string
	Peer, List  string // the id of another group, or of a prefix list
	Description string
}

// newHand returns an account in which nothing was changed by hand.
func newHand() hand {
	return hand{properties: map[string]map[string]any{}, deleted: map[string]bool{}, policies: map[string]map[string]any{},
		attached: map[string][]string{}, versions: map[string][]any{}, uses: map[string]string{}, detections: map[string]*detection{}}
}

// change calls f with the resource of a logical id, and the changes of its account.
func (b ByHand) change(logical string, f func(r *resource, h *hand)) {
	b.Account.mu.Lock()
	defer b.Account.mu.Unlock()
	for _, s := range slices.Backward(b.Account.engine.stacks) {
		if s.region == b.Region && s.name == b.Stack && s.deleted.IsZero() && s.resources[logical].exists() {
			f(s.resources[logical], &b.Account.engine.hand)
			return
		}
	}
	panic(fmt.Sprintf("cloudtest: there is no %s/%s/%s", b.Region, b.Stack, logical))
}

// Set gives a property of a resource another value; nil removes it. The sizes of a group hold for its group at once.
func (b ByHand) Set(logical, property string, value any) {
	b.change(logical, func(r *resource, h *hand) {
		// The group of the model has its sizes itself. Nothing is launched before time passes in it.
		if size := r.group.size(property); size != nil {
			*size = number(value, 0)
			return
		}
		if h.properties[r.Physical] == nil {
			h.properties[r.Physical] = map[string]any{}
		}
		h.properties[r.Physical][property] = value
	})
}

// size returns a size of a group by the property that sets it.
func (g *Group) size(property string) *int {
	switch {
	case g == nil:
	case property == "MinSize":
		return &g.Min
	case property == "MaxSize":
		return &g.Max
	case property == "DesiredCapacity":
		return &g.Desired
	}
	return nil
}

// Delete deletes a resource in its service. The stack still lists it.
func (b ByHand) Delete(logical string) {
	b.change(logical, func(r *resource, h *hand) { h.deleted[r.Physical] = true })
}

// Open adds a rule to a security group.
func (b ByHand) Open(group string, rule HandRule) (id string) {
	b.change(group, func(r *resource, h *hand) {
		rule.Group, rule.ID = r.Physical, "sgr-"+digest(17, r.Physical, len(h.rules), "by hand")
		h.rules = append(h.rules, rule)
	})
	return rule.ID
}

// PutPolicy writes a policy into a role; a nil document removes it.
func (b ByHand) PutPolicy(role, name string, document map[string]any) {
	b.change(role, func(r *resource, h *hand) {
		if h.policies[r.Physical] == nil {
			h.policies[r.Physical] = map[string]any{}
		}
		h.policies[r.Physical][name] = any(document)
		if document == nil {
			h.policies[r.Physical][name] = nil
		}
	})
}

// Attach attaches a managed policy to a role.
func (b ByHand) Attach(role, arn string) {
	b.change(role, func(r *resource, h *hand) { h.attached[r.Physical] = append(h.attached[r.Physical], arn) })
}

// Launch makes a version of a launch template with other data, and lets a group use it.
func (b ByHand) Launch(launchTemplate, group string, set map[string]any) {
	var id, version string
	b.change(launchTemplate, func(r *resource, h *hand) {
		data, _ := r.Properties["LaunchTemplateData"].(map[string]any)
		data = maps.Clone(data)
		maps.Copy(data, set)
		h.versions[r.Physical] = append(h.versions[r.Physical], data)
		id, version = r.Physical, fmt.Sprint(handVersions+len(h.versions[r.Physical]))
	})
	b.change(group, func(r *resource, h *hand) { h.uses[r.Physical] = id + " " + version })
}

// handVersions is added to the numbers of versions that were made by hand, to tell them from CloudFormation's.
const handVersions = 100

// actual returns a resource's properties as its service has them, nil after a deletion there.
func (h *hand) actual(r *resource) map[string]any {
	if h.deleted[r.Physical] {
		return nil
	}
	out := maps.Clone(r.Properties)
	for name, value := range h.properties[r.Physical] {
		if out[name] = value; value == nil {
			delete(out, name)
		}
	}
	for _, name := range []string{"MinSize", "MaxSize"} {
		if size := r.group.size(name); size != nil && number(out[name], *size) != *size {
			out[name] = fmt.Sprint(*size)
		}
	}
	return out
}

// drifted reports whether a resource differs from its template in its own service.
func (h *hand) drifted(r *resource) bool { return !reflect.DeepEqual(h.actual(r), r.Properties) }

// settle forgets the changes of a resource's own properties, after CloudFormation wrote all of them again. Rules, policies and versions
// that were added beside them stay.
func (h *hand) settle(r *resource) {
	delete(h.properties, r.Physical)
	delete(h.uses, r.Physical)
}

// changedByHand lists the resources of stacks that differ from their templates, and the rules that no template has.
func (e *engine) changedByHand() []string {
	out := []string{}
	for _, s := range e.stacks {
		for _, r := range s.listed() {
			if r.exists() && s.deleted.IsZero() && e.hand.drifted(r) {
				out = append(out, s.name+" "+r.Logical)
			}
		}
	}
	for _, r := range e.hand.rules {
		out = append(out, fmt.Sprintf("rule %s %d-%d %s", r.Protocol, r.From, r.To, r.Cidr))
	}
	slices.Sort(out)
	return out
}
