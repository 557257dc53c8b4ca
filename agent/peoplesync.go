package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pebble/spacel/agent/sshkey"
)

// Sync makes the local users match those who may log in, which sshd needs before it asks for keys, and keeps their keys for
// when DynamoDB does not answer. While it does not, users stay as they are.
func (p *People) Sync(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	now := seen{Asked: p.Now(), Refused: map[string]string{}}
	admins, err := p.admins(ctx)
	if err != nil {
		return fmt.Errorf("read the admins from DynamoDB: %w", err)
	}
	// A name that could not be a local user must not reach useradd. The others still get their access.
	admins = slices.DeleteFunc(admins, func(name string) bool {
		err := sshkey.CheckUser(name)
		if err != nil {
			now.Refused[name] = err.Error()
		}
		return err != nil
	})
	if now.Keys, err = p.keys(ctx, admins); err != nil {
		return fmt.Errorf("read the admins' keys from DynamoDB: %w", err)
	}
	return p.match(ctx, now)
}

// syncTimeout ends a synchronisation before the next one is due.
const syncTimeout = 50 * time.Second

// match makes users of those who may log in, and removes ours of those who may not. The keys are kept first: a removed user
// that still runs something must not get in again.
func (p *People) match(ctx context.Context, now seen) error {
	local, err := readAccounts(p.Machine)
	if err != nil {
		return err
	}
	for name := range now.Keys {
		// A person called root or postgres must not take over the system's user of that name.
		if local.foreign(name) {
			now.Refused[name] = "the system has a user or a group of this name"
			delete(now.Keys, name)
		}
	}
	p.tellRefused(now)
	if err := now.write(p.Machine); err != nil {
		return err
	}
	var failed []error
	for _, name := range slices.Sorted(maps.Keys(now.Keys)) {
		if !local.ours[name] {
			failed = append(failed, p.addUser(ctx, name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(local.ours)) {
		if _, may := now.Keys[name]; !may {
			failed = append(failed, p.removeUser(ctx, name))
		}
	}
	return errors.Join(failed...)
}

// tellRefused logs people who may log in but cannot have a user here. It logs each reason once, not every minute.
func (p *People) tellRefused(now seen) {
	before, _ := readSeen(p.Machine)
	for _, name := range slices.Sorted(maps.Keys(now.Refused)) {
		if before.Refused[name] != now.Refused[name] {
			p.Log.Warn("a person with access cannot have a user here", "user", name, "reason", now.Refused[name])
		}
	}
}
