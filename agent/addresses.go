package agent

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// sharedAddresses are the elastic addresses of the stack. The template makes as many as the group may have instances,
// and the instances hand them on among themselves, so an address is always in use somewhere while instances are
// replaced.
type sharedAddresses struct {
	ec2      *ec2.Client
	ids      []string // allocation ids
	instance string   // this instance's id
	machine  Machine
	log      *slog.Logger
}

// newSharedAddresses takes the parts of the boot which the addresses need.
func newSharedAddresses(b *Boot) sharedAddresses {
	return sharedAddresses{b.AWS.EC2, b.Document.Addresses, b.Instance.ID, b.Machine, b.Log}
}

// claimAddress takes a free elastic address, if there is one. It runs early in the boot, since units may need the
// address. An instance that finds none goes on and tries again in takeAddress.
func claimAddress(ctx context.Context, b *Boot) error {
	if len(b.Document.Addresses) == 0 {
		return nil
	}
	all, err := newSharedAddresses(b).describe(ctx)
	if err != nil {
		return err
	}
	got, err := newSharedAddresses(b).takeFree(ctx, all)
	if err == nil && !got {
		b.Log.Info("no elastic address is free; one is looked for again when the instance is healthy")
	}
	return err
}

// leavingPatience is how long an app's instance waits for the address of an instance in termination.
const leavingPatience = time.Minute

// takeAddress gives a healthy instance an address. It takes a free one, or takes one over from an instance of an older
// version of the launch template, never from the same or a newer version: else two new instances could take the address
// from each other forever. When newer instances or ones of the same version have all addresses, it goes on without: during an update or a
// rollback there are fewer addresses than instances, and watchAddress takes one as soon as it is free. A bastion waits longer than an app's
// instance for one in termination, since nobody can reach it without an address.
func takeAddress(ctx context.Context, b *Boot) error {
	if len(b.Document.Addresses) == 0 {
		return nil
	}
	patient, cancel := ctx, context.CancelFunc(func() {})
	if !b.Document.Bastion {
		patient, cancel = context.WithTimeout(ctx, leavingPatience)
	}
	defer cancel()
	err := until(patient, b.Log, func(ctx context.Context) (string, error) {
		waiting, hopeless, err := newSharedAddresses(b).try(ctx)
		if hopeless {
			b.Log.Warn("the instance goes on without an elastic address: " + waiting)
			return "", nil
		}
		return waiting, err
	})
	if err != nil && patient.Err() != nil && ctx.Err() == nil {
		b.Log.Warn("the instance goes on without an elastic address: " + err.Error())
		return nil
	}
	return err
}

// try gets the instance an address, or returns the reason to wait. hopeless reports whether the wait may never end,
// because no holder is older or in termination.
func (s sharedAddresses) try(ctx context.Context) (waiting string, hopeless bool, err error) {
	all, err := s.describe(ctx)
	if err != nil {
		return "", false, err
	}
	if got, err := s.takeFree(ctx, all); got || err != nil {
		return "", false, err
	}
	holders, err := s.holders(ctx, all)
	if err != nil {
		return "", false, err
	}
	hopeless = true
	var held []string
	for _, h := range holders {
		if h.older {
			waiting, err := s.takeOver(ctx, h)
			return waiting, false, err
		}
		hopeless = hopeless && !h.leaving()
		held = append(held, h.String())
	}
	return "no elastic address is free: " + strings.Join(held, ", "), hopeless, nil
}

// describe describes the addresses. It leaves out an address that CloudFormation has deleted since the document was
// written.
func (s sharedAddresses) describe(ctx context.Context) ([]ec2types.Address, error) {
	found, err := s.ec2.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{
		Filters: []ec2types.Filter{filter("allocation-id", s.ids...)},
	})
	if err != nil {
		return nil, fmt.Errorf("describe the elastic addresses: %w", err)
	}
	return s.inTurn(found.Addresses), nil
}

// inTurn sorts the addresses and rotates them by a hash of the instance id. Instances that start together then seldom
// try the same address first.
func (s sharedAddresses) inTurn(all []ec2types.Address) []ec2types.Address {
	slices.SortFunc(all, func(x, y ec2types.Address) int {
		return strings.Compare(aws.ToString(x.AllocationId), aws.ToString(y.AllocationId))
	})
	if len(all) == 0 {
		return nil
	}
	hash := fnv.New32a()
	hash.Write([]byte(s.instance))
	first := int(hash.Sum32() % uint32(len(all)))
	return append(slices.Clone(all[first:]), all[:first]...)
}

// takeFree takes the first free address, unless the instance has one already.
func (s sharedAddresses) takeFree(ctx context.Context, all []ec2types.Address) (got bool, err error) {
	for _, a := range all {
		if aws.ToString(a.InstanceId) == s.instance {
			s.log.Info("the elastic address is this instance's", "address", aws.ToString(a.PublicIp))
			return true, nil
		}
	}
	for _, a := range all {
		if aws.ToString(a.AssociationId) != "" || aws.ToString(a.InstanceId) != "" {
			continue
		}
		err := s.associate(ctx, *a.AllocationId, s.instance, false)
		switch apiCode(err) {
		case "Resource.AlreadyAssociated", "InvalidAllocationID.NotFound": // another was faster, or the stack
			continue
		}
		if err != nil {
			return false, err
		}
		s.log.Info("elastic address taken, which was free", "address", aws.ToString(a.PublicIp))
		return true, nil
	}
	return false, nil
}

// associate gives an address to an instance. Without takeOver, EC2 refuses an address that another instance has: two
// instances that want the same free address cannot both get it.
func (s sharedAddresses) associate(ctx context.Context, allocation, instance string, takeOver bool) error {
	_, err := s.ec2.AssociateAddress(ctx, &ec2.AssociateAddressInput{
		AllocationId: aws.String(allocation), InstanceId: aws.String(instance), AllowReassociation: aws.Bool(takeOver),
	})
	if err != nil {
		return fmt.Errorf("associate elastic address %s with %s: %w", allocation, instance, err)
	}
	return nil
}

// holder is an address and the instance with it.
type holder struct {
	allocation, address string
	instance            string
	state               ec2types.InstanceStateName
	version             int  // of the launch template, 0 when it is unknown
	older               bool // than this instance, by the version of the launch template they share
}

// String describes the holder for the log.
func (h holder) String() string {
	return fmt.Sprintf("%s is that of %s (%s, launch template version %d)", h.address, h.instance, stateText(h.state), h.version)
}

// leaving reports whether EC2 is about to take the address from its holder.
func (h holder) leaving() bool {
	return h.state == ec2types.InstanceStateNameShuttingDown || h.state == ec2types.InstanceStateNameTerminated
}

// The tags that tell which instances are of one kind (EC2 and CloudFormation set them; nobody else can).
const (
	tagTemplate        = "aws:ec2launchtemplate:id"
	tagTemplateVersion = "aws:ec2launchtemplate:version"
	tagStack           = "aws:cloudformation:stack-id"
)

// holders returns the holder of each address, the oldest version first.
func (s sharedAddresses) holders(ctx context.Context, all []ec2types.Address) ([]holder, error) {
	ids := []string{s.instance}
	for _, a := range all {
		if id := aws.ToString(a.InstanceId); id != "" {
			ids = append(ids, id)
		}
	}
	known, err := describeInstances(ctx, s.ec2, ids)
	if err != nil {
		return nil, err
	}
	own := known[s.instance]
	var holders []holder
	for _, a := range all {
		id := aws.ToString(a.InstanceId)
		holders = append(holders, holder{
			allocation: aws.ToString(a.AllocationId),
			address:    aws.ToString(a.PublicIp),
			instance:   cmp.Or(id, aws.ToString(a.AssociationId)),
			state:      stateOf(known[id]),
			version:    templateVersion(known[id]),
			older:      olderThan(own, known[id]),
		})
	}
	slices.SortStableFunc(holders, func(x, y holder) int { return cmp.Compare(x.version, y.version) })
	return holders, nil
}

// olderThan reports whether other is of the same stack and launch template as own, and of an older version.
func olderThan(own, other ec2types.Instance) bool {
	for _, same := range []string{tagStack, tagTemplate} {
		if value := tagOf(own.Tags, same); value == "" || value != tagOf(other.Tags, same) {
			return false
		}
	}
	version := templateVersion(other)
	return version > 0 && version < templateVersion(own)
}

// templateVersion returns the version of an instance's launch template, 0 when it is unknown.
func templateVersion(i ec2types.Instance) int {
	version, _ := strconv.Atoi(tagOf(i.Tags, tagTemplateVersion)) // 0 is no version
	return version
}

// minHold is how long the agent waits after it took an address over, before it looks whether the address stayed. EC2
// cannot make AssociateAddress depend on the present holder. When two instances take over the same address, the second
// wins, and the first sees that after this pause and looks for another.
const minHold = 3 * time.Second

// takeOver takes an address from an older instance. It records the other instance before the call, so a failed boot can give the
// address back. The caller asks again, to see whether the address stayed.
func (s sharedAddresses) takeOver(ctx context.Context, h holder) (string, error) {
	if err := s.rememberTaken(taken{Allocation: h.allocation, From: h.instance}); err != nil {
		return "", err
	}
	if err := s.associate(ctx, h.allocation, s.instance, true); err != nil {
		return "", err
	}
	s.log.Info("elastic address taken over from an older instance", "address", h.address, "from", h.instance, "version", h.version)
	sleep(ctx, minHold)
	return "elastic address " + h.address + " may be taken by another instance", nil
}
