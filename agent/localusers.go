package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// accounts are the machine's users and groups.
type accounts struct {
	users  map[string]int  // uid by name
	groups map[string]bool // names
	ours   map[string]bool // users made by the agent
}

// foreign reports whether the system has a user or a group of this name beside the agent's own. useradd refuses the name of a
// group, too.
func (a accounts) foreign(name string) bool {
	_, user := a.users[name]
	return (user || a.groups[name]) && !a.ours[name]
}

// readAccounts reads /etc/passwd and /etc/group. The agent's own users are the members of peopleGroup, so no list of
// them is kept elsewhere.
func readAccounts(m Machine) (accounts, error) {
	a := accounts{users: map[string]int{}, groups: map[string]bool{}, ours: map[string]bool{}}
	users, err := readDatabase(m, "/etc/passwd", 4)
	if err != nil {
		return a, err
	}
	for _, fields := range users {
		if a.users[fields[0]], err = strconv.Atoi(fields[2]); err != nil {
			return a, fmt.Errorf("read the uid of %s in /etc/passwd: %w", fields[0], err)
		}
	}
	groups, err := readDatabase(m, "/etc/group", 4)
	if err != nil {
		return a, err
	}
	for _, fields := range groups {
		a.groups[fields[0]] = true
		if fields[0] == peopleGroup {
			a.own(strings.Split(fields[3], ","))
		}
	}
	return a, nil
}

// own notes the members of the agent's group. Members with a system's uid are left out, so the agent never removes one.
func (a accounts) own(members []string) {
	for _, name := range members {
		if uid, exists := a.users[name]; exists && uid >= accountsFloor {
			a.ours[name] = true
		}
	}
}

// readDatabase reads a file of lines with fields between colons. It leaves out lines with fewer fields than asked for.
func readDatabase(m Machine, path string, fields int) ([][]string, error) {
	body, err := os.ReadFile(filepath.Join(m.Root, path))
	if err != nil {
		return nil, fmt.Errorf("read the system's accounts: %w", err)
	}
	var all [][]string
	for line := range strings.Lines(string(body)) {
		all = append(all, strings.Split(strings.TrimSuffix(line, "\n"), ":"))
	}
	return slices.DeleteFunc(all, func(line []string) bool { return len(line) < fields }), nil
}

// addUser makes a user with a home directory and no password: only a key lets the person in.
func (p *People) addUser(ctx context.Context, name string) error {
	if _, err := p.Machine.Run(ctx, "useradd", "--create-home", "--shell", "/bin/bash", "--groups", peopleGroup, name); err != nil {
		return fmt.Errorf("make the user %s: %w", name, err)
	}
	p.Log.Info("made a user", "user", name)
	return nil
}

// removeUser ends a user's processes and removes the user. The home directory goes to root, because the next user may
// get the same uid and must not read it. The next synchronisation repeats a step that failed.
func (p *People) removeUser(ctx context.Context, name string) error {
	// It fails, too, when the user is not logged in.
	_, _ = p.Machine.Run(ctx, "loginctl", "kill-user", "--signal=SIGKILL", name)
	if err := p.setHomeAside(name); err != nil {
		return fmt.Errorf("remove the user %s: %w", name, err)
	}
	if _, err := p.Machine.Run(ctx, "userdel", name); err != nil {
		return fmt.Errorf("remove the user %s: %w", name, err)
	}
	p.Log.Info("removed a user without access", "user", name)
	return nil
}

// setHomeAside gives a home to root under another name. Nothing is below it that another user can reach.
func (p *People) setHomeAside(name string) error {
	homes := filepath.Join(p.Machine.Root, "/home")
	aside := filepath.Join(homes, fmt.Sprintf(".removed-%s-%d", name, p.Now().Unix()))
	err := os.Rename(filepath.Join(homes, name), aside)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(os.Lchown(aside, os.Geteuid(), os.Getegid()), os.Chmod(aside, 0o700))
}
