package impact

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/template"
)

// Summary is a new stack in a few lines.
type Summary struct {
	Resources int      `json:"resources"`
	Kinds     []string `json:"kinds"`            // resources by kind: 2 subnets
	Costs     []string `json:"costs,omitempty"`  // what AWS bills by the hour or month
	Public    []string `json:"public,omitempty"` // what the internet can address
}

// Summary summarises the side's stack.
func (s *Side) Summary() *Summary {
	out := &Summary{Resources: len(s.t.Resources), Kinds: s.kinds(), Costs: s.costs()}
	for _, f := range s.facts() {
		switch {
		case f.Kind == KindReach && f.Edge != nil && strings.HasPrefix(f.Edge.From, "internet"):
			out.Public = append(out.Public, f.Text)
		case f.Kind == KindPublic && f.Type != "AWS::EC2::InternetGateway" && f.Type != "AWS::EC2::NatGateway":
			out.Public = append(out.Public, f.Text)
		}
	}
	out.Public = counted(out.Public)
	return out
}

// kindWords are the kinds of resources in a summary, most interesting first. Other types are counted by their own name.
var kindWords = []struct{ kind, word string }{
	{autoScalingGroup, "group of instances"}, {loadBalancer, "load balancer"}, {"AWS::RDS::DBInstance", "database"},
	{"AWS::ElastiCache::ReplicationGroup", "cache"}, {"AWS::DynamoDB::Table", "table"}, {"AWS::EC2::VPC", "network"},
	{"AWS::EC2::Subnet", "subnet"}, {"AWS::EC2::NatGateway", "NAT gateway"}, {"AWS::EC2::EIP", "public address"},
	{"AWS::EC2::SecurityGroup", "security group"}, {"AWS::EC2::SecurityGroupIngress", "firewall rule"},
	{"AWS::EC2::SecurityGroupEgress", "firewall rule"}, {recordSet, "host name"}, {listener, "listener"}, {targetGroup, "target group"},
	{"AWS::CertificateManager::Certificate", "certificate"}, {"AWS::IAM::Role", "role"}, {"AWS::IAM::Policy", "policy"},
	{"AWS::SecretsManager::Secret", "secret"}, {"AWS::KMS::Key", "key"}, {"AWS::CloudWatch::Alarm", "alarm"},
	{"AWS::Logs::LogGroup", "log group"}, {"AWS::Lambda::Function", "function"}, {"AWS::SNS::Topic", "topic"},
}

// attached are resources that only connect others.
var attached = []string{"AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::VPCGatewayAttachment", "AWS::EC2::Route",
	"AWS::EC2::RouteTable", "AWS::IAM::InstanceProfile", "AWS::EC2::LaunchTemplate",
	"AWS::SecretsManager::SecretTargetAttachment", "AWS::EC2::InternetGateway",
	"AWS::Lambda::Permission", "AWS::SNS::TopicPolicy", "AWS::SNS::Subscription", "AWS::KMS::Alias", "AWS::RDS::DBSubnetGroup",
	"AWS::ElastiCache::SubnetGroup", "AWS::EC2::VPCEndpoint", "AWS::RDS::DBParameterGroup"}

// kinds counts the resources by kind. Resources that only connect others are counted together.
func (s *Side) kinds() []string {
	counts := map[string]int{}
	for _, r := range s.t.Resources {
		counts[r.Type]++
	}
	var out []string
	words := map[string]int{}
	for _, k := range kindWords {
		words[k.word] += counts[k.kind]
		delete(counts, k.kind)
	}
	for _, k := range kindWords {
		if n := words[k.word]; n > 0 {
			out = append(out, quantity(n, k.word))
			delete(words, k.word)
		}
	}
	rest := 0
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		if slices.Contains(attached, kind) {
			rest += counts[kind]
			continue
		}
		out = append(out, fmt.Sprintf("%d %s", counts[kind], strings.TrimPrefix(kind, "AWS::")))
	}
	if rest > 0 {
		out = append(out, fmt.Sprintf("%d connecting", rest))
	}
	return out
}

// quantity is 1 subnet, 2 subnets, 2 policies.
func quantity(n int, word string) string {
	switch {
	case n == 1:
	case strings.HasPrefix(word, "group of"):
		word = strings.Replace(word, "group of", "groups of", 1)
	case strings.HasSuffix(word, "ss"):
		word += "es"
	case strings.HasSuffix(word, "y") && !strings.HasSuffix(word, "ey"):
		word = strings.TrimSuffix(word, "y") + "ies"
	default:
		word += "s"
	}
	return fmt.Sprintf("%d %s", n, word)
}

// counted writes equal texts once, with their number: 3 × public address.
func counted(texts []string) []string {
	var out []string
	for _, text := range slices.Compact(slices.Sorted(slices.Values(texts))) {
		n := 0
		for _, other := range texts {
			if other == text {
				n++
			}
		}
		if n > 1 {
			text = fmt.Sprintf("%d × %s", n, text)
		}
		out = append(out, text)
	}
	return out
}

// costs lists what AWS bills for its existence. What is billed by use, such as requests and stored bytes, is left out.
func (s *Side) costs() []string {
	var out []string
	for _, id := range s.t.IDs() {
		if text := s.cost(id, s.t.Resources[id]); text != "" {
			out = append(out, text)
		}
	}
	return counted(out)
}

// cost is a resource's entry among the costs, empty for one without a fixed price.
func (s *Side) cost(id string, r template.Resource) string {
	p := func(name string) string { return property(r, name) }
	switch r.Type {
	case autoScalingGroup:
		return s.instancesCost(r)
	case loadBalancer:
		return strings.TrimSpace(p("Type") + " load balancer")
	case "AWS::RDS::DBInstance":
		text := "database " + s.ownerOf(id, r).name + " " + p("DBInstanceClass")
		if size := p("AllocatedStorage"); size != "" {
			text += ", " + size + " GiB"
		}
		if truth(r.Properties["MultiAZ"]) == yes {
			text += ", with a standby"
		}
		return text
	case "AWS::ElastiCache::ReplicationGroup":
		return fmt.Sprintf("cache %s %s × %s", s.ownerOf(id, r).name, orOne(p("NumCacheClusters")), p("CacheNodeType"))
	case "AWS::EC2::VPCEndpoint":
		if p("VpcEndpointType") == "Interface" {
			return "interface endpoint"
		}
	}
	return map[string]string{
		"AWS::EC2::NatGateway": "NAT gateway", "AWS::EC2::EIP": "public address", "AWS::KMS::Key": "key",
		"AWS::SecretsManager::Secret": "secret", "AWS::CloudWatch::Alarm": "alarm", "AWS::EC2::Volume": "volume",
		"AWS::EC2::TransitGatewayAttachment": "transit gateway attachment", "AWS::EC2::VPNConnection": "VPN connection",
	}[r.Type]
}

// instancesCost is the number and type of a group's instances.
func (s *Side) instancesCost(r template.Resource) string {
	least, most := property(r, "MinSize"), property(r, "MaxSize")
	number := least + " to " + most
	if least == most {
		number = most
	}
	kind := ""
	template.References(nil, map[string]any{"a": r.Properties["LaunchTemplate"], "b": r.Properties["MixedInstancesPolicy"]},
		func(_ template.Path, to template.Reference) {
			data := template.Section(s.t.Resources[to.Name].Properties, "LaunchTemplateData")
			if v, ok := data["InstanceType"]; ok {
				kind = template.Shown(v)
			}
		})
	return strings.TrimSpace(number + " instances " + kind)
}

// orOne is a number, 1 if it is missing.
func orOne(number string) string {
	if number == "" {
		return "1"
	}
	return number
}
