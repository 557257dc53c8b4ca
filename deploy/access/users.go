package access

import (
	"context"
	"fmt"
	"slices"

	"github.com/pebble/spacel/agent/sshkey"
)

// AddKeys adds public keys to a user, and creates the user if there is none of that name.
func (t *Tables) AddKeys(ctx context.Context, user string, keys []sshkey.Key) []Outcome {
	var lines []string
	for _, key := range keys {
		lines = append(lines, key.String())
	}
	return t.inAllRegions(ctx, func(ctx context.Context, in table) (bool, error) {
		return in.add(ctx, users, user, lines)
	})
}

// RemoveKeys removes public keys from a user. A key matches whatever its comment says.
func (t *Tables) RemoveKeys(ctx context.Context, user string, keys []sshkey.Key) []Outcome {
	return t.inAllRegions(ctx, func(ctx context.Context, in table) (bool, error) {
		stored, _, err := in.get(ctx, users, user)
		if err != nil {
			return false, err
		}
		stored = slices.DeleteFunc(stored, func(line string) bool {
			return !slices.ContainsFunc(keys, func(key sshkey.Key) bool { return sshkey.Equal(key.String(), line) })
		})
		return in.remove(ctx, users, user, stored)
	})
}

// RemoveUser removes a user's keys and then every right. The keys go first: without them nobody can log in as that
// user, even if the second step fails.
func (t *Tables) RemoveUser(ctx context.Context, user string) []Outcome {
	return t.inAllRegions(ctx, func(ctx context.Context, in table) (bool, error) {
		removed, err := in.delete(ctx, users, user)
		if err != nil {
			return removed, err
		}
		revoked, err := in.revokeAll(ctx, user)
		return removed || revoked, err
	})
}

// Grant lets a user log in to a service's instances. A user without keys could not log in, so Grant refuses one.
func (t *Tables) Grant(ctx context.Context, user, service string) []Outcome {
	return t.inAllRegions(ctx, func(ctx context.Context, in table) (bool, error) {
		keys, _, err := in.get(ctx, users, user)
		if err != nil {
			return false, err
		}
		if len(keys) == 0 {
			return false, fmt.Errorf("there is no user %s with a key: add one with spacel access user add %s --key FILE", user, user)
		}
		return in.add(ctx, services, service, []string{user})
	})
}

// Revoke takes from a user the right to log in to a service's instances.
func (t *Tables) Revoke(ctx context.Context, user, service string) []Outcome {
	return t.inAllRegions(ctx, func(ctx context.Context, in table) (bool, error) {
		return in.revoke(ctx, user, service)
	})
}

// RevokeAll takes all rights from a user and leaves the keys.
func (t *Tables) RevokeAll(ctx context.Context, user string) []Outcome {
	return t.inAllRegions(ctx, func(ctx context.Context, in table) (bool, error) {
		return in.revokeAll(ctx, user)
	})
}

// revoke takes one right from a user in one region, and deletes the service's item when no user is left in it.
func (t table) revoke(ctx context.Context, user, service string) (bool, error) {
	changed, err := t.remove(ctx, services, service, []string{user})
	if err != nil {
		return changed, err
	}
	return changed, t.prune(ctx, services, service)
}

// revokeAll scans all services, because nothing indexes them by user. There are as many items as services, so one
// page is usual.
func (t table) revokeAll(ctx context.Context, user string) (bool, error) {
	granted, err := t.all(ctx, services)
	if err != nil {
		return false, err
	}
	any := false
	for service, admins := range granted {
		if !slices.Contains(admins, user) {
			continue
		}
		changed, err := t.revoke(ctx, user, service)
		if any = any || changed; err != nil {
			return any, err
		}
	}
	return any, nil
}
