package compiler

import (
	"fmt"
	"strconv"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// bastionTimeout is how long a bastion may take from its launch until it signals, in minutes.
const bastionTimeout = 15

// bastion is the orbit's way in: instances that SSH is open to from bastion_sources, an elastic address each.
func bastion(net network, _ *report.Report) *part {
	p := &part{}
	p.Description = "The bastions of the orbit " + net.orbit.Name + " in " + net.region.Region + "."
	b := &bastionPart{part: p, net: net}
	b.elasticAddresses()
	b.records()
	b.launch()
	return p
}

// bastionPart is the bastion stack under construction.
type bastionPart struct {
	*part
	net       network
	addresses []*cfn.EIP
}

// elasticAddresses allocates an address for each bastion. The addresses stay when an instance is replaced, and so do the
// DNS records.
func (b *bastionPart) elasticAddresses() {
	for i := range b.net.region.BastionInstanceCount {
		id := elasticID(i + 1)
		address := add(b.part, b.net.region.At("bastion_instance_count"), id, &cfn.EIP{
			Domain: "vpc",
			Tags:   []cfn.Tag{{Key: "Name", Value: cfn.String(b.name())}},
		})
		b.addresses = append(b.addresses, address)
		b.Output(id, cfn.Output{Description: "A bastion's address.", Value: address.PublicIp()})
	}
}

// name returns the name of the bastion's stack.
func (b *bastionPart) name() string {
	return document.StackName(b.net.orbit.Name, document.StackBastion)
}

// records names the bastions: the first <region>.<orbit>.<domain>, and with more than one each of them bastion01 and so on
// below that.
func (b *bastionPart) records() {
	first := bastionName(b.net.orbit, b.net.region)
	if first == "" {
		return
	}
	zone := b.parameter("HostedZone", cfn.Parameter{
		Type:        "AWS::Route53::HostedZone::Id",
		Description: "The public hosted zone of " + first + ".",
	}, assembly.ValueFrom{HostedZone: &assembly.HostedZone{Hostname: first}}).Ref()
	b.record(document.OutputDNSRecord+"01", first, zone, b.addresses[0])
	if len(b.addresses) == 1 {
		return
	}
	b.record(document.OutputDNSRecord+"01Alias", "bastion01."+first, zone, b.addresses[0])
	for i, address := range b.addresses[1:] {
		b.record(fmt.Sprintf("%s%02d", document.OutputDNSRecord, i+2), fmt.Sprintf("bastion%02d.%s", i+2, first), zone, address)
	}
}

// bastionName returns the name of the first bastion in a region, "" when the orbit has no domain for it or no bastion.
func bastionName(orbit *schema.Orbit, region *schema.OrbitRegion) string {
	if region.Domain == "" || region.BastionInstanceCount == 0 {
		return ""
	}
	return region.Region + "." + orbit.Name + "." + region.Domain
}

// record adds an A record and an output for it.
func (b *bastionPart) record(id, name string, zone cfn.Value, address *cfn.EIP) {
	add(b.part, b.net.region.At("domain"), id, &cfn.RecordSet{
		HostedZoneId:    zone,
		Name:            name,
		Type_:           "A",
		TTL:             "60",
		ResourceRecords: []cfn.Value{address.PublicIp()},
	})
	b.Output(id, cfn.Output{Description: "A bastion's name.", Value: cfn.String(name)})
}

// launch makes the instances. One more than their number may run while an update replaces them: the new one takes its
// address over when it is healthy, so that there is always a way in.
func (b *bastionPart) launch() {
	at, count := b.net.region.Pos, b.net.region.BastionInstanceCount
	agent := agentParameters(b.part, b.net.region.BastionArchitecture)
	profile, policy := b.role(agent)
	template := add(b.part, at, "LaunchTemplate", &cfn.LaunchTemplate{
		LaunchTemplateData: b.launchData(agent, profile),
		TagSpecifications:  tagSpecifications(b.name(), "launch-template"),
	})
	add(b.part, at, bastionGroupID, &cfn.AutoScalingGroup{
		Attributes: cfn.Attributes{
			DependsOn:      []cfn.Resource{policy},
			CreationPolicy: creationPolicy(count),
			UpdatePolicy:   bastionUpdate(count),
		},
		MinSize:           cfn.String(strconv.Itoa(count)),
		MaxSize:           cfn.String(strconv.Itoa(count + 1)),
		DesiredCapacity:   cfn.String(strconv.Itoa(count)),
		VPCZoneIdentifier: b.net.subnets(b.part, publicInstance),
		HealthCheckType:   "EC2",
		LaunchTemplate:    &cfn.LaunchTemplateVersion{LaunchTemplateId: template.Ref(), Version: template.LatestVersionNumber()},
		Tags:              []cfn.GroupTag{{Key: "Name", Value: cfn.String(b.name()), PropagateAtLaunch: true}},
	})
}

// bastionGroupID is the logical id of the auto scaling group, which the instances signal.
const bastionGroupID = "Asg"

// creationPolicy makes the stack wait for a success signal from every bastion. Without signals in time it rolls back.
func creationPolicy(count int) *cfn.CreationPolicy {
	return &cfn.CreationPolicy{ResourceSignal: cfn.ResourceSignal{Count: cfn.Int(count), Timeout: fmt.Sprintf("PT%dM", bastionTimeout)}}
}

// bastionUpdate replaces bastions one by one, and the next only after the signal of the one before.
func bastionUpdate(count int) *cfn.UpdatePolicy {
	return &cfn.UpdatePolicy{AutoScalingRollingUpdate: &cfn.RollingUpdate{
		MaxBatchSize:          1,
		MinInstancesInService: cfn.Int(count),
		PauseTime:             fmt.Sprintf("PT%dM", bastionTimeout),
		WaitOnResourceSignals: true,
		// Otherwise auto scaling could replace an instance while the update waits for its signal (CloudFormation, "UpdatePolicy
		// attribute").
		SuspendProcesses: []string{"HealthCheck", "ReplaceUnhealthy", "AZRebalance", "AlarmNotification", "ScheduledActions"},
	}}
}

// role gives the agent on a bastion its rights. The policy is a separate resource, so that instances can wait for it:
// IAM rights must be in place before the agent starts.
func (b *bastionPart) role(agent agentBinary) (*cfn.InstanceProfile, *cfn.IAMPolicy) {
	at := b.net.region.Pos
	role := add(b.part, at, "Role", &cfn.Role{
		AssumeRolePolicyDocument: cfn.AssumedBy("ec2.amazonaws.com"),
		Tags:                     []cfn.Tag{{Key: "Name", Value: cfn.String(b.name())}},
	})
	statements := []cfn.Statement{
		agent.statement(),
		signalStatement(),
		bootLogStatement(b.net.bootLog(b.part), ""),
		hostKeyStatement(),
		cfn.Allow([]string{"dynamodb:BatchGetItem"}, tableARN(b.net.usersTable(b.part))),
		// An admin of any service may log in to a bastion, so the agent reads them all.
		cfn.Allow([]string{"dynamodb:Scan"}, tableARN(b.net.servicesTable(b.part))),
	}
	policy := add(b.part, at, "AgentPolicy", &cfn.IAMPolicy{
		PolicyName:     "Agent",
		PolicyDocument: cfn.Policies(append(statements, addressStatements(b.addresses)...)...),
		Roles:          []cfn.Value{role.Ref()},
	})
	return add(b.part, at, "InstanceProfile", &cfn.InstanceProfile{Roles: []cfn.Value{role.Ref()}}), policy
}

// tableARN is the ARN of a table in the stack's own region and account.
func tableARN(name string) cfn.Value { return cfn.ARN("dynamodb", cfn.String("table/"+name)) }

// launchData requires IMDSv2 (HttpTokens) with a hop limit of 1, so that neither a forged request nor a container can
// read the role's credentials.
func (b *bastionPart) launchData(agent agentBinary, profile *cfn.InstanceProfile) cfn.LaunchTemplateData {
	region := b.net.region
	image := imageParameter(b.part, region.BastionImage, region.BastionArchitecture)
	face := cfn.NetworkInterface{
		AssociatePublicIpAddress: true, // until the agent associates an elastic address
		DeleteOnTermination:      true,
		Groups:                   []cfn.Value{b.net.bastionGroup(b.part)},
	}
	if region.IPv6 {
		face.Ipv6AddressCount = 1
	}
	return cfn.LaunchTemplateData{
		ImageId:            image,
		InstanceType:       region.BastionInstanceType,
		IamInstanceProfile: cfn.ProfileReference{Arn: profile.Arn()},
		MetadataOptions:    cfn.MetadataOptions{HttpEndpoint: "enabled", HttpTokens: "required", HttpPutResponseHopLimit: 1},
		BlockDeviceMappings: []cfn.BlockDeviceMapping{{
			DeviceName: "/dev/xvda",
			Ebs:        &cfn.BlockDeviceEbs{VolumeSize: 8, VolumeType: "gp3", Encrypted: true, DeleteOnTermination: true},
		}},
		NetworkInterfaces: []cfn.NetworkInterface{face},
		TagSpecifications: tagSpecifications(b.name(), "network-interface", "volume"),
		UserData:          cfn.Base64(userData(boot{document: b.document(), agent: agent}).Value()),
	}
}

// document is the instance document of a bastion. The local health check makes the agent take over an elastic address
// only after SSH answers, so a broken bastion never replaces a working one.
func (b *bastionPart) document() document.Document[cfn.Value] {
	var addresses []cfn.Value
	for _, a := range b.addresses {
		addresses = append(addresses, a.AllocationId())
	}
	return document.Document[cfn.Value]{
		Format:      document.Format,
		Orbit:       b.net.orbit.Name,
		Region:      b.net.region.Region,
		Bastion:     true,
		Token:       tokenParameter(b.part),
		Signal:      document.Signal[cfn.Value]{Stack: cfn.StackID, Resource: bastionGroupID, Timeout: bastionTimeout * 60},
		BootLog:     b.net.bootLog(b.part),
		Addresses:   addresses,
		LocalHealth: &document.LocalHealth{Protocol: "TCP", Port: 22},
	}
}

// tagSpecifications put the tag Name on resources created by a launch. CloudFormation does not tag them.
func tagSpecifications(name string, kinds ...string) []cfn.TagSpecification {
	var out []cfn.TagSpecification
	for _, kind := range kinds {
		out = append(out, cfn.TagSpecification{ResourceType: kind, Tags: []cfn.Tag{{Key: "Name", Value: cfn.String(name)}}})
	}
	return out
}
