package compiler

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// orbitRegion is a region with so many zones, as the schema would give it, changed as a test likes.
func orbitRegion(zones int, change func(*schema.OrbitRegion)) *schema.OrbitRegion {
	node := sections.NewNode(report.Pos{File: "orbit.json", Line: 1, Col: 1}, nil)
	region := &schema.OrbitRegion{
		Node:                 node,
		Region:               "us-east-1",
		NAT:                  schema.NATEnabled,
		PrivateNetwork:       "192.168",
		BastionInstanceCount: 1,
		BastionInstanceType:  "t3.nano",
		BastionArchitecture:  "amd64",
		BastionSources:       []schema.Peer{{Node: node, Kind: schema.CIDRv4, Value: "0.0.0.0/0"}},
		BastionImage:         schema.Image{Debian: "13"},
	}
	for n := 1; n <= zones; n++ {
		region.Zones = append(region.Zones, fmt.Sprintf("use1-az%d", n))
	}
	if change != nil {
		change(region)
	}
	return region
}

func networkOf(region *schema.OrbitRegion) network {
	return network{&schema.Orbit{Name: "production", Regions: []*schema.OrbitRegion{region}}, region}
}

// resource is a resource of a template as CloudFormation reads it.
type resource struct {
	Type       string
	DependsOn  []string
	Properties map[string]any

	DeletionPolicy, UpdateReplacePolicy string
}

type decodedTemplate struct {
	Parameters map[string]map[string]any
	Resources  map[string]resource
	Outputs    map[string]struct{ Value any }
}

// decoded is a part's template, which must be free of mistakes.
func decoded(t *testing.T, p *part) decodedTemplate {
	t.Helper()
	if problems := p.Check(); len(problems) > 0 {
		t.Fatalf("the template has problems:\n%s", strings.Join(problems, "\n"))
	}
	body, err := p.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var out decodedTemplate
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// ofType are the resources of a type, by logical id.
func (t decodedTemplate) ofType(name string) map[string]resource {
	out := map[string]resource{}
	for id, r := range t.Resources {
		if r.Type == name {
			out[id] = r
		}
	}
	return out
}

// orbitStacks are the orbit's stacks in a region, none of which may report anything.
func orbitStacks(t *testing.T, region *schema.OrbitRegion) map[string]*part {
	t.Helper()
	net, report := networkOf(region), &report.Report{}
	stacks := map[string]*part{"vpc": vpc(net, report), "tables": tables(net)}
	if region.BastionInstanceCount > 0 {
		stacks["bastion"] = bastion(net, report)
	}
	if problems := report.Problems(); len(problems) > 0 {
		t.Fatalf("reported: %v", problems)
	}
	return stacks
}

// everyOrbit calls f for the shapes an orbit's region can have.
func everyOrbit(t *testing.T, f func(t *testing.T, region *schema.OrbitRegion)) {
	for zones := 2; zones <= 6; zones++ {
		for _, nat := range []schema.NAT{schema.NATDisabled, schema.NATEnabled, schema.NATPerAZ} {
			for bastions := range 4 {
				extras := (zones + bastions) % 2 // spread, rather than multiplied: they are independent of the rest
				for _, on := range []bool{extras == 0, extras == 1} {
					region := orbitRegion(zones, func(r *schema.OrbitRegion) { shape(r, nat, bastions, on) })
					t.Run(fmt.Sprintf("%d zones, nat %s, %d bastions, extras %t", zones, nat, bastions, on), func(t *testing.T) {
						f(t, region)
					})
				}
			}
		}
	}
}

func shape(r *schema.OrbitRegion, nat schema.NAT, bastions int, extras bool) {
	r.NAT, r.BastionInstanceCount, r.IPv6 = nat, bastions, extras
	if !extras {
		return
	}
	r.Domain = "example.com"
	r.PrivateNetwork = "172.31"
	r.FlowLogs = &schema.FlowLogs{Node: r.Node, Retention: 90, Traffic: "ALL"}
	r.BastionSources = []schema.Peer{
		{Node: r.Node, Kind: schema.CIDRv4, Value: "198.51.100.0/24"},
		{Node: r.Node, Kind: schema.CIDRv4, Value: "198.51.10.0/24"},
		{Node: r.Node, Kind: schema.CIDRv6, Value: "2001:db8::/32"},
		{Node: r.Node, Kind: schema.PrefixList, Value: "pl-0123456789abcdef0"},
	}
}

func TestEveryOrbitShapeIsAWholeTemplate(t *testing.T) {
	everyOrbit(t, func(t *testing.T, region *schema.OrbitRegion) {
		for name, p := range orbitStacks(t, region) {
			stack := decoded(t, p)
			if len(stack.Resources) == 0 {
				t.Errorf("%s has no resources", name)
			}
			for id := range stack.Parameters {
				if _, ok := p.sources[id]; !ok {
					t.Errorf("%s: the parameter %s has no source", name, id)
				}
			}
			for id := range stack.Resources {
				if p.origins[id].File == "" {
					t.Errorf("%s: %s has no origin", name, id)
				}
			}
		}
	})
}

// TestNetworkOutputsExist holds the vpc stack to what network.go promises the others.
func TestNetworkOutputsExist(t *testing.T) {
	everyOrbit(t, func(t *testing.T, region *schema.OrbitRegion) {
		outputs := orbitStacks(t, region)["vpc"].OutputIDs()
		for _, wanted := range promised(networkOf(region)) {
			if !slices.Contains(outputs, wanted) {
				t.Errorf("no output %s", wanted)
			}
		}
	})
}

// promised are the outputs that network.go refers to.
func promised(net network) []string {
	p := &part{}
	net.vpcID(p)
	net.bastionGroup(p)
	net.natAddresses(p, net.region)
	for _, t := range []tier{publicInstance, privateInstance, publicBalancer, privateBalancer} {
		net.subnets(p, t)
	}
	for _, t := range []tier{publicDatabase, privateDatabase, privateCache} {
		net.subnetGroup(p, t)
	}
	var out []string
	for _, source := range p.sources {
		out = append(out, source.Output.Output)
	}
	return out
}

func TestOrbitStacksDependOnEachOther(t *testing.T) {
	region := orbitRegion(2, nil)
	var got []string
	for _, ref := range orbitStacks(t, region)["bastion"].dependencies() {
		got = append(got, ref.String())
	}
	want := []string{"us-east-1/production-tables", "us-east-1/production-vpc"}
	if !slices.Equal(got, want) {
		t.Errorf("the bastions depend on %v, want %v", got, want)
	}
}

// TestStarsAreExplained holds every policy to named resources but where AWS knows none.
func TestStarsAreExplained(t *testing.T) {
	describing := []string{"ec2:DescribeAddresses", "ec2:DescribeInstances"}
	everyOrbit(t, func(t *testing.T, region *schema.OrbitRegion) {
		for _, p := range orbitStacks(t, region) {
			for _, s := range statementsOf(t, decoded(t, p)) {
				if slices.ContainsFunc(s.Action, func(a string) bool { return strings.Contains(a, "*") }) {
					t.Errorf("actions %v", s.Action)
				}
				if slices.Contains(s.Resource, any("*")) && !slices.Equal(s.Action, describing) {
					t.Errorf("%v on every resource", s.Action)
				}
			}
		}
	})
}

type statement struct {
	Effect    string
	Action    []string
	Resource  []any
	Condition map[string]map[string]any
}

// statementsOf are the statements of all policies in a template that say what a role may do.
func statementsOf(t *testing.T, stack decodedTemplate) []statement {
	t.Helper()
	var out []statement
	for _, r := range stack.Resources {
		documents := []any{r.Properties["PolicyDocument"]}
		if inline, ok := r.Properties["Policies"].([]any); ok {
			for _, p := range inline {
				documents = append(documents, p.(map[string]any)["PolicyDocument"])
			}
		}
		for _, document := range documents {
			out = append(out, readStatements(t, document)...)
		}
	}
	return out
}

func readStatements(t *testing.T, document any) []statement {
	t.Helper()
	body, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	var policy *struct{ Statement []statement }
	if err := json.Unmarshal(body, &policy); err != nil {
		t.Fatal(err)
	}
	if policy == nil {
		return nil
	}
	return policy.Statement
}
