package impact

import (
	"maps"
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/template"
)

// owner is a resource that is in a security group, as people know it: an app's instances, its load balancer, a store.
type owner struct {
	name   string // web, main
	what   string // instances, load balancer, database; empty for the instances, whose name is the app's
	public answer // whether the internet can address it
}

// answer is yes, no, or unknown offline.
type answer string

const (
	yes     answer = "yes"
	no      answer = "no"
	unknown answer = "unknown"
)

// owners finds the resources in each security group of the stack, by their references to it.
func (s *Side) owners() map[string][]owner {
	out := map[string][]owner{}
	for _, id := range s.t.IDs() {
		r := s.t.Resources[id]
		if strings.HasPrefix(r.Type, "AWS::EC2::SecurityGroup") {
			continue
		}
		template.References(nil, r.Properties, func(p template.Path, to template.Reference) {
			if s.t.Resources[to.Name].Type != "AWS::EC2::SecurityGroup" || !namesGroups(p) {
				return
			}
			if o := s.ownerOf(id, r); !slices.Contains(out[to.Name], o) {
				out[to.Name] = append(out[to.Name], o)
			}
		})
	}
	return out
}

// namesGroups reports whether a property lists the security groups of its resource.
func namesGroups(p template.Path) bool {
	return slices.ContainsFunc(p.Names(), func(name string) bool {
		return strings.Contains(strings.ToLower(name), "securitygroup") || name == "Groups"
	})
}

// ownerOf names a resource. The instances of an app are the app itself.
func (s *Side) ownerOf(id string, r template.Resource) owner {
	switch r.Type {
	case "AWS::EC2::LaunchTemplate", "AWS::EC2::Instance", "AWS::AutoScaling::LaunchConfiguration":
		return owner{s.subject(), "", publicInstances(r)}
	case "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancing::LoadBalancer":
		return owner{s.subject(), "load balancer", publicBalancer(r)}
	case "AWS::RDS::DBInstance", "AWS::RDS::DBCluster":
		return owner{storeName(id, "Database"), "database", truth(r.Properties["PubliclyAccessible"])}
	case "AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::CacheCluster", "AWS::ElastiCache::ServerlessCache":
		return owner{storeName(id, "Cache"), "cache", no}
	}
	return owner{id, strings.TrimPrefix(r.Type, "AWS::"), unknown}
}

// subject is the app, or for another stack its name without the orbit's.
func (s *Side) subject() string {
	if s.stack.App != "" {
		return s.stack.App
	}
	return shortStack(s.orbit, s.stack.Name)
}

// shortStack is a stack's name without the orbit's: an app's name.
func shortStack(orbit, stack string) string {
	return strings.TrimPrefix(stack, document.StackName(orbit, ""))
}

// storeName is the name of a store in the manifest, from its logical id: DatabaseMain is main.
func storeName(id, prefix string) string {
	name := strings.TrimPrefix(id, prefix)
	if name == "" || name == id {
		return id
	}
	return strings.ToLower(name[:1]) + name[1:]
}

// truth reads a property that is a boolean. CloudFormation takes texts, too, and an absent one counts as false.
func truth(v any) answer {
	switch v := v.(type) {
	case nil:
		return no
	case bool:
		if v {
			return yes
		}
		return no
	case string:
		return map[string]answer{"true": yes, "false": no}[strings.ToLower(v)]
	}
	return unknown
}

// publicBalancer reads the scheme. A balancer without one faces the internet (Template Reference,
// AWS::ElasticLoadBalancingV2::LoadBalancer, Scheme).
func publicBalancer(r template.Resource) answer {
	switch r.Properties["Scheme"] {
	case "internal":
		return no
	case "internet-facing", nil:
		return yes
	}
	return unknown
}

// publicInstances reads whether instances get public addresses. Where nothing says so, their subnet decides, which is not known.
func publicInstances(r template.Resource) answer {
	data := template.Section(r.Properties, "LaunchTemplateData")
	if data == nil {
		data = r.Properties
	}
	list, _ := data["NetworkInterfaces"].([]any)
	result := unknown
	for _, item := range list {
		properties, _ := item.(map[string]any)
		switch v, ok := properties["AssociatePublicIpAddress"]; {
		case !ok:
		case truth(v) == no && result == unknown:
			result = no
		case truth(v) != no:
			return yes
		}
	}
	return result
}

// group names the ends of a rule that stand for a security group: its owners, or the origin of its id for another stack's.
func (s *Side) group(v any) []owner {
	id, _ := targetOf(v)
	if r, ok := s.t.Resources[id]; ok && r.Type == "AWS::EC2::SecurityGroup" {
		if owners := s.groups[id]; len(owners) > 0 {
			return owners
		}
		return []owner{{bastionsOr(id), "", unknown}}
	}
	if output, stack, ok := outputOf(id); ok {
		switch output {
		case document.OutputInstances:
			return []owner{{shortStack(s.orbit, stack), "", unknown}}
		case document.OutputBastions:
			return []owner{{bastionsOr(output), "", unknown}}
		}
	}
	return []owner{{template.Shown(v), "security group", unknown}}
}

// bastionsOr is "bastions" for the group of the bastions, which is in the VPC's stack while they are in another one.
func bastionsOr(id string) string {
	if id == document.OutputBastions {
		return "bastions"
	}
	return id
}

// targetOf is the resource or parameter that a value refers to, and the attribute.
func targetOf(v any) (id, attribute string) {
	template.References(nil, v, func(_ template.Path, r template.Reference) {
		if id == "" {
			id, attribute = r.Name, r.Attribute
		}
	})
	return id, attribute
}

// outputOf takes apart a reference that the resolver made: OUTPUT of STACK in REGION.
func outputOf(name string) (output, stack string, ok bool) {
	output, rest, ok := strings.Cut(name, " of ")
	stack, _, also := strings.Cut(rest, " in ")
	return output, stack, ok && also
}

// members lists an object's members by name.
func members(v any) []string {
	object, _ := v.(map[string]any)
	return slices.Sorted(maps.Keys(object))
}
