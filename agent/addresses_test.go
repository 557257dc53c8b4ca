package agent

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// addresses makes n elastic addresses.
func (l *volumeEnv) addresses(n int) (ids []string) {
	l.t.Helper()
	for range n {
		made, err := l.ec2.AllocateAddress(l.t.Context(), &ec2.AllocateAddressInput{Domain: ec2types.DomainTypeVpc})
		l.must(err)
		ids = append(ids, *made.AllocationId)
	}
	return ids
}

// launchVersion starts an instance of a version of the stack's launch template that shares the addresses.
func (l *volumeEnv) launchVersion(version string, addresses []string) *node {
	l.t.Helper()
	h := l.launch("us-east-1a", nil, tagStack+"=stack", tagTemplate+"=lt-1", tagTemplateVersion+"="+version)
	h.boot.Document.Addresses = addresses
	return h
}

// holds is the one of the addresses that the instance has, "" without one.
func (h *node) holds() string {
	h.t.Helper()
	found, err := h.ec2.DescribeAddresses(h.t.Context(), &ec2.DescribeAddressesInput{AllocationIds: h.boot.Document.Addresses})
	h.must(err)
	for _, a := range found.Addresses {
		if aws.ToString(a.InstanceId) == h.id() {
			return *a.AllocationId
		}
	}
	return ""
}

func (h *node) claim() { h.t.Helper(); h.must(claimAddress(h.t.Context(), h.boot)) }

func (h *node) take() error {
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	return takeAddress(ctx, h.boot)
}

func (h *node) logged(text string) bool { return strings.Contains(h.log.String(), text) }

// free takes an address from an instance, as EC2 does when the instance is terminated, and moto does not.
func (l *volumeEnv) free(allocation string) {
	l.t.Helper()
	found, err := l.ec2.DescribeAddresses(l.t.Context(), &ec2.DescribeAddressesInput{AllocationIds: []string{allocation}})
	l.must(err)
	_, err = l.ec2.DisassociateAddress(l.t.Context(), &ec2.DisassociateAddressInput{AssociationId: found.Addresses[0].AssociationId})
	l.must(err)
}

// However many instances start at once, each free address becomes that of one of them, and no instance loses its own again.
func TestFreeAddresses(t *testing.T) {
	t.Parallel()
	l := newVolumeEnv(t)
	ids := l.addresses(2)
	var all []*node
	for range 3 {
		all = append(all, l.launchVersion("1", ids))
	}
	var wait sync.WaitGroup
	for _, h := range all {
		wait.Go(h.claim)
	}
	wait.Wait()
	var held []string
	for _, h := range all {
		had := h.holds()
		h.claim()
		if h.holds() != had {
			t.Error("claimed again, it is another")
		}
		if had != "" {
			held = append(held, had)
			continue
		}
		if err := h.take(); err != nil || h.holds() != "" ||
			!h.logged("the instance goes on without an elastic address: no elastic address is free:") {
			t.Errorf("%v\n%s", err, h.log)
		}
	}
	slices.Sort(held)
	slices.Sort(ids)
	if !slices.Equal(held, ids) {
		t.Errorf("%q are held of %q", held, ids)
	}
}

// An address is taken from an instance of an older version alone, from the oldest first, and a bastion fails without.
func TestWhoseAddressIsTaken(t *testing.T) {
	t.Parallel()
	l := newVolumeEnv(t)
	ids := l.addresses(3)
	older, oldest, newer := l.launchVersion("9", ids), l.launchVersion("8", ids), l.launchVersion("11", ids)
	for _, h := range []*node{older, oldest, newer} {
		h.claim()
	}
	wanted := oldest.holds()
	first, second, third := l.launchVersion("10", ids), l.launchVersion("10", ids), l.launchVersion("10", ids)
	l.must(first.take())
	l.must(second.take())
	if first.holds() != wanted || second.holds() == "" || oldest.holds()+older.holds() != "" || newer.holds() == "" {
		t.Errorf("%q %q %q %q %q", first.holds(), second.holds(), oldest.holds(), older.holds(), newer.holds())
	}
	third.boot.Document.Bastion = true
	if err := third.take(); err != nil || third.holds() != "" || !third.logged("launch template version 11") {
		t.Errorf("%v\n%s", err, third.log)
	}
}

// A rollback of two bastions: the new one has taken an address, the next new one failed. The group launches one of the old version, which
// must succeed, and gets the address as soon as the new one is gone.
func TestAddressAfterARollback(t *testing.T) {
	for name, bastion := range map[string]bool{"bastion": true, "app": false} {
		t.Run(name, func(t *testing.T) { rollback(t, bastion) })
	}
}

func rollback(t *testing.T, bastion bool) {
	t.Parallel()
	l := newVolumeEnv(t)
	ids := l.addresses(2)
	one, two := l.launchVersion("1", ids), l.launchVersion("1", ids)
	one.claim()
	two.claim()
	newer := l.launchVersion("2", ids)
	newer.boot.Document.Bastion = bastion
	l.must(newer.take())
	taken := newer.holds()
	if one.holds() == "" {
		one.terminate()
	} else {
		two.terminate()
	}
	restored := l.launchVersion("1", ids)
	restored.boot.Document.Bastion = bastion
	l.must(restored.take())
	l.must(lookForAddress(t.Context(), restored.boot))
	if restored.holds() != "" || newer.holds() != taken || !restored.logged("the instance goes on without an elastic address") {
		t.Fatalf("it has %q, the newer one %q\n%s", restored.holds(), newer.holds(), restored.log)
	}
	newer.terminate()
	l.free(taken)
	l.must(lookForAddress(t.Context(), restored.boot))
	if restored.holds() != taken {
		t.Errorf("it has %q, want %q\n%s", restored.holds(), taken, restored.log)
	}
	l.must(lookForAddress(t.Context(), restored.boot))
	if strings.Count(restored.log.String(), "elastic address taken") != 1 {
		t.Errorf("it talks every two minutes:\n%s", restored.log)
	}
}

// An instance of another stack or template is no older one, whatever its version.
func TestStrangersKeepTheirAddress(t *testing.T) {
	t.Parallel()
	l := newVolumeEnv(t)
	ids := l.addresses(3)
	strangers := []*node{
		l.launch("us-east-1a", nil, tagStack+"=other", tagTemplate+"=lt-1", tagTemplateVersion+"=1"),
		l.launch("us-east-1a", nil, tagStack+"=stack", tagTemplate+"=lt-2", tagTemplateVersion+"=1"),
		l.launch("us-east-1a", nil),
	}
	for _, h := range strangers {
		h.boot.Document.Addresses = ids
		h.claim()
	}
	h := l.launchVersion("10", ids)
	if err := h.take(); err != nil || h.holds() != "" {
		t.Errorf("%v, has %q", err, h.holds())
	}
}

// An address that was taken over goes back when the boot fails, and not any more once one has succeeded.
func TestGiveBackAddress(t *testing.T) {
	t.Parallel()
	l := newVolumeEnv(t)
	ids := l.addresses(1)
	older, newer := l.launchVersion("1", ids), l.launchVersion("2", ids)
	older.claim()
	giveBack := func() {
		t.Helper()
		l.must(giveBackAddress(t.Context(), newer.boot))
	}
	giveBack() // has nothing to give back
	l.must(newer.take())
	giveBack()
	if older.holds() == "" {
		t.Fatalf("not given back\n%s", newer.log)
	}
	giveBack() // nor has it now
	l.must(newer.take())
	l.must(keepAddress(t.Context(), newer.boot))
	giveBack()
	if newer.holds() == "" {
		t.Error("given back after all was well")
	}
}

// What is given back goes to an instance that can use it, and is still one's own to give.
func TestNothingToGiveBack(t *testing.T) {
	t.Parallel()
	l := newVolumeEnv(t)
	ids := l.addresses(1)
	older, newer := l.launchVersion("1", ids), l.launchVersion("2", ids)
	older.claim()
	l.must(newer.take())
	newest := l.launchVersion("3", ids)
	l.must(newest.take())
	l.must(giveBackAddress(t.Context(), newer.boot))
	if newest.holds() == "" {
		t.Error("the newest lost it")
	}
	newer.terminate()
	l.must(giveBackAddress(t.Context(), newest.boot))
	if newest.holds() == "" || !newest.logged("the instance it is from is gone") {
		t.Errorf("given to an instance that ended\n%s", newest.log)
	}
	if _, err := os.Stat(newest.path(takenFile)); err == nil {
		t.Error("it is remembered forever")
	}
}

// Two instances that take from the same older one both notice who lost, and the loser finds another.
func TestTakersAtOnce(t *testing.T) {
	t.Parallel()
	l := newVolumeEnv(t)
	ids := l.addresses(2)
	for range 2 {
		l.launchVersion("1", ids).claim()
	}
	var wait sync.WaitGroup
	takers := []*node{l.launchVersion("2", ids), l.launchVersion("2", ids)}
	for _, h := range takers {
		wait.Go(func() {
			if err := h.take(); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if a, b := takers[0].holds(), takers[1].holds(); a == "" || b == "" || a == b {
		t.Errorf("%q %q", a, b)
	}
}
