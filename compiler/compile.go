// Package compiler lowers a checked schema.Model into CloudFormation templates. It is pure: no files, clock, environment or
// network. Its passes, in order:
//
//	vpc, tables, bastion   the orbit's stacks, each a file of its name
//	app                    an app's stack: the list of its capabilities, one file each
//
// Each pass makes a part; finish turns a stack's part into an assembly.Stack and the template's bytes. Two capabilities have
// several files:
//
//	firewall rules   securitygroups.go    the app's groups, without rules
//	                 firewall.go          which traffic the app's groups let in and out
//	                 firewallrules.go     one rule as a resource, and its logical id
//	                 peers.go             the peers in a public port's sources
//	                 peeraddresses.go     the addresses and groups that stand for a peer
//	                 storepeers.go        the group of a database or cache, and the peers its clients name
//	                 bastiongroup.go      the bastions' group
//	user data        userdata.go          cloud-config: the document, the agent's unit, the install script
//	                 userdatadocument.go  the instance document, and the part of it that becomes an asset
//	                 userdata/            the unit and the script
package compiler

import (
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// Scope says which of the model's stacks to make.
type Scope struct {
	Orbit   bool     // the orbit's own: vpc, tables, bastion
	Regions []string // empty: all
}

// includes reports whether to build the region.
func (s Scope) includes(region string) bool {
	return len(s.Regions) == 0 || slices.Contains(s.Regions, region)
}

// Sink takes what Compile makes, from several goroutines and in no promised order. Origins is logical id → file:line:col in
// the manifests. Asset returns the digest.
type Sink interface {
	Stack(stack assembly.Stack, template []byte, origins map[string]string) error
	Asset(body []byte) (assembly.Asset, error)
}

// Compile lowers the model and hands each stack to the sink as soon as it is done, so that memory does not grow with the
// number of apps. The user's mistakes go to the report; an error is the sink's.
func Compile(model *schema.Model, scope Scope, report *report.Report, sink Sink) error {
	c := compilation{model, report, sink, newUsage()}
	checkHostnames(model, report)
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	if scope.Orbit {
		for _, region := range model.Orbit.Regions {
			if scope.includes(region.Region) {
				work.Go(func() error { return c.orbit(region) })
			}
		}
	}
	for _, app := range model.Apps {
		work.Go(func() error { return c.app(app, scope) })
	}
	err := work.Wait()
	c.used.report(model.Orbit, report)
	return err
}

// compilation is the input of one Compile, shared by the goroutines that build stacks.
type compilation struct {
	model  *schema.Model
	report *report.Report
	sink   Sink
	used   *usage
}

// orbit makes the orbit's own stacks in one region.
func (c compilation) orbit(region *schema.OrbitRegion) error {
	net := network{c.model.Orbit, region}
	countOrbitAddresses(region, c.report)
	noteOpenBastions(region, c.report)
	stacks := map[string]*part{
		document.StackVPC:    vpc(net, c.report),
		document.StackTables: tables(net),
	}
	if region.BastionInstanceCount > 0 {
		stacks[document.StackBastion] = bastion(net, c.report)
	}
	for name, p := range stacks {
		if err := c.emit(p, header{net: net, name: name, at: region.Pos, tags: region.Tags}); err != nil {
			return err
		}
	}
	return nil
}

// app makes an app's stacks, one region after the other.
func (c compilation) app(app *schema.App, scope Scope) error {
	for _, region := range app.Regions {
		if !scope.includes(region.Region) {
			continue
		}
		net := network{c.model.Orbit, c.model.Orbit.Region(region.Region)}
		p, err := appStack(appContext{model: c.model, app: app, region: region, net: net, sink: c.sink}, c.report)
		if err != nil {
			return err
		}
		err = c.emit(p, header{net: net, name: app.Name, app: app.Name, at: region.Pos, tags: region.Tags})
		if err != nil {
			return err
		}
	}
	return nil
}

// emit checks a stack and hands it to the sink. Problems found by cfn go to the report at the stack's place, since they
// concern no single field.
func (c compilation) emit(p *part, h header) error {
	if err := c.bound(p, h); err != nil {
		return fmt.Errorf("set the permissions boundary of %s in %s: %w", h.stackName(), h.net.region.Region, err)
	}
	if p.refused {
		return nil
	}
	stack, body, problems, err := finish(p, h)
	if err != nil {
		return fmt.Errorf("encode the template of %s in %s: %w", h.stackName(), h.net.region.Region, err)
	}
	for _, problem := range problems {
		c.report.Errorf(h.at, "%s in %s: %s", h.stackName(), h.net.region.Region, problem)
	}
	if len(problems) > 0 {
		return nil
	}
	c.used.add(stack.Region, stack.App, &p.Template)
	return c.sink.Stack(stack, body, places(p.origins))
}

// places are origins as text.
func places(origins map[string]report.Pos) map[string]string {
	out := make(map[string]string, len(origins))
	for id, at := range origins {
		out[id] = at.String()
	}
	return out
}
