package compiler

import (
	"maps"
	"slices"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
)

// instanceGroup is the app's auto scaling group. Alarms, scaling and outputs refer to it.
type instanceGroup struct {
	*part
	group *cfn.AutoScalingGroup
}

// launchTemplateID is the logical id of the launch template, whose user data holds the values of references to resources.
const launchTemplateID = "LaunchTemplate"

// instances launches the app: a launch template and the group that keeps instances of it running.
func instances(a appContext, g groups, lb loadBalancer, id identity, l launchText, disks []cfn.BlockDeviceMapping, bought capacity,
	waitFor []cfn.Resource) instanceGroup {
	p := &part{}
	// Every change of the launch template makes a new version. The group refers to the newest, and its update policy then
	// replaces the instances.
	template := add(p, a.region.At("instance_type"), launchTemplateID, &cfn.LaunchTemplate{
		LaunchTemplateData: launchData(a, p, g, id, l, disks),
		TagSpecifications:  tagSpecifications(a.stackName(), "launch-template"),
	})
	size := sizes(a.region, p)
	group := add(p, a.region.Pos, appGroupID, &cfn.AutoScalingGroup{
		Attributes: cfn.Attributes{
			DependsOn:      waitFor,
			CreationPolicy: size.awaited(a.region),
			UpdatePolicy:   updatePolicy(a.region, p),
		},
		MinSize:                size.least,
		MaxSize:                size.most,
		DesiredCapacity:        size.desired,
		DefaultInstanceWarmup:  a.region.InstanceWarmup,
		VPCZoneIdentifier:      instanceSubnets(a, p),
		HealthCheckType:        "EC2",
		HealthCheckGracePeriod: a.region.BootLimit(), // an instance that still boots is not to be replaced
		MetricsCollection:      []cfn.MetricsCollection{{Granularity: "1Minute"}},
		Tags:                   []cfn.GroupTag{{Key: "Name", Value: cfn.String(a.stackName()), PropagateAtLaunch: true}},
	})
	// A group has either a launch template or a mixed instances policy with one inside; CloudFormation refuses both.
	version := cfn.LaunchTemplateVersion{LaunchTemplateId: template.Ref(), Version: template.LatestVersionNumber()}
	if bought.mix == nil {
		group.LaunchTemplate = &version
	} else {
		group.MixedInstancesPolicy = bought.policy(version)
		group.CapacityRebalance = bought.rebalance
	}
	if lb.balancer != nil {
		// The group then also replaces an instance after the load balancer finds it unhealthy.
		group.HealthCheckType = "ELB"
		group.TargetGroupARNs = refs(lb.targets)
		group.InstanceMaintenancePolicy = maintenance(a.region)
	}
	p.Output(document.OutputGroup, cfn.Output{Description: "The auto scaling group.", Value: group.Ref()})
	return instanceGroup{p, group}
}

// maintenance has the group launch a replacement, and wait until it is healthy, before it terminates an instance that failed its
// health checks. An instance that recovers meanwhile gets traffic until then. Without the policy the group terminates all failed
// instances at once, so that a short failure of their common database would end in a boot of the whole fleet (EC2 Auto Scaling
// User Guide, "Instance maintenance policies"). With EBS volumes or elastic addresses a replacement can start only when the
// old instance has released its own.
func maintenance(app *schema.AppRegion) *cfn.InstanceMaintenancePolicy {
	if app.HasEBS() || app.ElasticIPs {
		return nil
	}
	return &cfn.InstanceMaintenancePolicy{MinHealthyPercentage: 100, MaxHealthyPercentage: 110}
}

// instanceTier returns the kind of subnet for the instances. It decides whether the instances can have public addresses.
func instanceTier(app *schema.AppRegion) tier {
	if public(app) {
		return publicInstance
	}
	return privateInstance
}

// launchData keeps the metadata service to the instance itself, or one hop further, for containers, when the manifest grants
// rights that only its containers can use.
func launchData(a appContext, p *part, g groups, id identity, l launchText, disks []cfn.BlockDeviceMapping) cfn.LaunchTemplateData {
	hops := 1
	if len(a.region.Permissions) > 0 || grantsRole(a.region) {
		hops = 2
	}
	return cfn.LaunchTemplateData{
		ImageId:            imageParameter(p, a.region.Image, a.region.Architecture),
		InstanceType:       a.region.InstanceType,
		IamInstanceProfile: cfn.ProfileReference{Arn: id.profile.Arn()},
		MetadataOptions:    cfn.MetadataOptions{HttpEndpoint: "enabled", HttpTokens: "required", HttpPutResponseHopLimit: hops},
		BlockDeviceMappings: append([]cfn.BlockDeviceMapping{{
			DeviceName: "/dev/xvda",
			Ebs: &cfn.BlockDeviceEbs{
				VolumeSize:          a.region.RootVolume.Size,
				VolumeType:          "gp3",
				Encrypted:           true,
				DeleteOnTermination: true,
			},
		}}, disks...),
		NetworkInterfaces: []cfn.NetworkInterface{networkInterface(a, g)},
		Monitoring:        &cfn.Monitoring{Enabled: true},
		TagSpecifications: launchTags(a),
		UserData:          cfn.Base64(l.text.Value()),
	}
}

// launchTags are the tags of an instance's volumes and network interfaces. CloudFormation and the group do not tag them.
func launchTags(a appContext) []cfn.TagSpecification {
	values := stackTags(header{net: a.net, app: a.app.Name, tags: a.region.Tags})
	if values["Name"] == "" {
		values["Name"] = a.stackName()
	}
	// Sorted, so the template is the same in each build.
	var tags []cfn.Tag
	for _, key := range slices.Sorted(maps.Keys(values)) {
		tags = append(tags, cfn.Tag{Key: key, Value: cfn.String(values[key])})
	}
	return []cfn.TagSpecification{{ResourceType: "network-interface", Tags: tags}, {ResourceType: "volume", Tags: tags}}
}

// networkInterface sets the public address explicitly, because the subnets assign none.
func networkInterface(a appContext, g groups) cfn.NetworkInterface {
	face := cfn.NetworkInterface{
		AssociatePublicIpAddress: public(a.region),
		DeleteOnTermination:      true,
		Groups:                   []cfn.Value{g.instances.GroupId()},
	}
	if a.net.region.IPv6 {
		face.Ipv6AddressCount = 1
	}
	return face
}
