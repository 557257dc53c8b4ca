package compiler

import (
	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// appContext is the read-only input of all capabilities of an app.
type appContext struct {
	model  *schema.Model
	app    *schema.App
	region *schema.AppRegion
	net    network
	sink   Sink
}

// stackName is <orbit>-<app>.
func (a appContext) stackName() string { return document.StackName(a.net.orbit.Name, a.app.Name) }

// nameTag is the tag Name, which the AWS console shows as the resource's name.
func (a appContext) nameTag() []cfn.Tag {
	return []cfn.Tag{{Key: "Name", Value: cfn.String(a.stackName())}}
}

// appStack makes an app's stack in one region. Each capability comes after those whose results it takes as arguments.
// The user's mistakes go to the report; an error comes from the sink.
func appStack(a appContext, r *report.Report) (*part, error) {

	plan := balance(a, r)
	groups := securityGroups(a, plan)
	addresses := elasticAddresses(a, r)
	certificates := certificatesFor(a, plan, r)
	balancer := balancer(a, plan, groups, certificates)
	databases := databases(a, groups, addresses, r)
	disks := volumes(a)

	// The parts are merged in this order, but the template is sorted: the order only decides which part reports first.
	whole := &part{}
	whole.Description = "The app " + a.app.Name + " of the orbit " + a.net.orbit.Name + " in " + a.region.Region + "."
	for _, p := range []*part{
		groups.part,
		addresses.part,
		certificates.part,
		balancer.part,
		firewall(a, groups, plan, addresses, r),
		databases.part,
		caches(a, groups, r),
		disks.part,
		stats(a),
		logging(a),
		services(a, r),
		registries(a, r),
		tasks(a),
		locks(a),
		localHealth(a),
		decryption(a, r),
		references(a),
	} {
		whole.merge(p)
	}

	// The instance document is complete only now: the parts above have added their fields to it.
	launch, err := userDataOf(a, whole, r)
	if err != nil {
		return nil, err
	}
	whole.merge(launch.part)
	// Likewise, the parts above have collected the rights of the agent.
	identity := role(a, whole.statements, r)
	whole.merge(identity.part)
	group := instances(a, groups, balancer, identity, launch, disks.disks, spot(a.region), whole.waitFor)
	whole.merge(group.part)
	whole.merge(dns(a, balancer, addresses, group.group, r))
	whole.merge(appURLs(a, plan, balancer, addresses))
	watch := watched{a, plan, balancer, group.group}
	to := alarmTargetsOf(a, group.group, r)
	whole.merge(to.part)
	whole.merge(alarms(a, watch, to, r))
	whole.merge(databaseAlarms(a, databases.instances, to))
	whole.merge(scaling(a, watch, r))
	whole.merge(guard(a))
	releases, err := release(a)
	if err != nil {
		return nil, err
	}
	whole.merge(releases)
	whole.merge(extra(a, whole, r))
	patch(a, whole, r)
	checkCircles(a, whole, r)
	return whole, nil
}

// localHealth has each instance check itself, when the manifest says how.
func localHealth(a appContext) *part {
	check := a.region.LocalHealthCheck
	if check == nil {
		return &part{}
	}
	return &part{document: func(d *document.Document[cfn.Value]) {
		d.LocalHealth = &document.LocalHealth{Protocol: check.Protocol, Port: check.Port, Path: check.Path, Codes: check.Codes}
	}}
}
