package agent

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pebble/spacel/agent/sshkey"
)

const (
	// askTimeout is how long a login waits for DynamoDB. sshd asks once for each offered key, at most six times, and gives
	// up after 120 s (sshd_config(5), MaxAuthTries, LoginGraceTime).
	askTimeout = 5 * time.Second

	// CacheLimit is how long people may log in with the keys that were last seen while DynamoDB does not answer. When it does,
	// only its answer counts.
	CacheLimit = 12 * time.Hour
)

// AuthorizedKeys returns the lines of a user's keys, as sshd wants them, and none for a user who may not log in. sshd
// calls this for each login (sshd_config(5), AuthorizedKeysCommand). The answer comes from DynamoDB, so a removed user
// is locked out at once. When DynamoDB does not answer, it comes from the last synchronisation.
func (p *People) AuthorizedKeys(ctx context.Context, user string) ([]string, error) {
	if err := sshkey.CheckUser(user); err != nil {
		return nil, err
	}
	keys, err := p.askKeys(ctx, user)
	if err == nil {
		return p.usable(user, keys), nil
	}
	p.Log.Warn("DynamoDB did not answer: using the keys of the last synchronisation", "user", user, "error", err)
	last, err := p.lastSeen()
	if err != nil {
		return nil, err
	}
	return p.usable(user, last.Keys[user]), nil
}

// askKeys asks the tables whether a user may log in, and with which keys.
func (p *People) askKeys(ctx context.Context, user string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	admins, err := p.admins(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(admins, user) {
		return nil, nil
	}
	keys, err := p.keys(ctx, []string{user})
	if err != nil {
		return nil, err
	}
	return keys[user], nil
}

// lastSeen returns the result of the last synchronisation. One older than CacheLimit is an error.
func (p *People) lastSeen() (seen, error) {
	last, err := readSeen(p.Machine)
	if err != nil {
		return seen{}, err
	}
	if age := p.Now().Sub(last.Asked); age.Abs() > CacheLimit {
		return seen{}, fmt.Errorf("the keys last seen are of %s, more than %s ago: nobody may log in until DynamoDB answers",
			last.Asked.Format(time.RFC3339), CacheLimit)
	}
	return last, nil
}

// usable returns the valid keys of the list, each as a line for sshd. It logs the others.
func (p *People) usable(user string, keys []string) []string {
	var lines []string
	for _, line := range keys {
		key, err := sshkey.Parse(line)
		if err != nil {
			p.Log.Warn("a key may not be used", "user", user, "error", err)
			continue
		}
		lines = append(lines, key.String())
	}
	return lines
}
