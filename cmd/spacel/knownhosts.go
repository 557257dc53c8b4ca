package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// ssh decides which host keys to accept, and spacel writes the file from which it decides. So every part of ssh that users rely on stays
// as they know it: agents, configuration, jump hosts. The file is written for each connection from the tag of the machine, and a
// changed tag is compared with the file of earlier connections.

// knownHosts is a directory with a file for each instance whose host key was needed, in the form of ssh's known_hosts. An instance's
// id is never used again, so a file holds one key for ever.
type knownHosts struct {
	dir    string
	accept bool // take the key of the first connection where the instance recorded none
}

// forgetAfter is the age at which a file is removed that no connection has needed since.
const forgetAfter = 90 * 24 * time.Hour

// openKnownHosts makes the directory in the user's cache.
func openKnownHosts(accept bool) (knownHosts, error) {
	// Not ~/.ssh/known_hosts: a line of another tool, or a pattern for private addresses there, would be accepted as well.
	cache, err := os.UserCacheDir()
	if err != nil {
		return knownHosts{}, fmt.Errorf("find a place for the host keys of instances: %w", err)
	}
	k := knownHosts{filepath.Join(cache, "spacel", "known_hosts"), accept}
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return knownHosts{}, err
	}
	k.prune()
	return k, nil
}

// prune removes the files of old instances. A file that cannot be removed does no harm.
func (k knownHosts) prune() {
	entries, _ := os.ReadDir(k.dir)
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > forgetAfter {
			_ = os.Remove(filepath.Join(k.dir, entry.Name()))
		}
	}
}

// options returns ssh's options for a machine: its name in the file of keys, the file, and that ssh refuses every other key. Recorded
// is the key in the instance's tag. What names the machine in messages.
func (k knownHosts) options(what, id, recorded string) ([]string, error) {
	file := filepath.Join(k.dir, id)
	checking, err := k.remember(what, id, recorded, file)
	if err != nil {
		return nil, err
	}
	return []string{
		"-o", "HostKeyAlias=" + id, "-o", "UserKnownHostsFile=" + sshPath(file), "-o", "GlobalKnownHostsFile=none",
		"-o", "HashKnownHosts=no", "-o", "StrictHostKeyChecking=" + checking,
	}, nil
}

// remember writes the recorded key into the machine's file, and returns ssh's word for how to check the key. A key that differs from
// an earlier one is an error: sshd makes a new key only when somebody removes the old one.
func (k knownHosts) remember(what, id, recorded, file string) (checking string, err error) {
	// ssh itself writes the file when it accepts a first key, so both writers leave one line.
	before, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	known := keyOf(string(before))
	switch {
	case recorded == "" && known != "":
		return "yes", nil // accepted at an earlier connection
	case recorded == "" && k.accept:
		return "accept-new", nil
	case recorded == "":
		return "", fmt.Errorf("%s has recorded no SSH host key, so nobody can tell it from an impostor: its agent is older than this "+
			"spacel (deploy with --upgrade agent), or its boot has not come so far; to trust the key of this connection, "+
			"add --accept-host-key", what)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(recorded))
	if err != nil {
		return "", fmt.Errorf("%s: the tag with its SSH host key holds none: %q", what, recorded)
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	if known != "" && known != line {
		return "", fmt.Errorf("the SSH host key of %s changed: it was %s, and now its tag says %s; somebody may have "+
			"replaced the machine's key or the tag; if you know why, remove %s and try again",
			what, fingerprint(known), ssh.FingerprintSHA256(key), file)
	}
	// It is written again each time, so that the file's age tells of its last use.
	return "yes", os.WriteFile(file, []byte(id+" "+line+"\n"), 0o600)
}

// keyOf returns the type and the key in a line of known_hosts.
func keyOf(line string) string {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return ""
	}
	return fields[1] + " " + fields[2]
}

// fingerprint returns a key's fingerprint, or the text itself if it is no key.
func fingerprint(line string) string {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return fmt.Sprintf("%q", line)
	}
	return ssh.FingerprintSHA256(key)
}

// sshPath writes a file's name for an option of ssh, which splits names at spaces and replaces words that begin with %
// (ssh_config(5), "TOKENS").
func sshPath(file string) string {
	file = strings.ReplaceAll(filepath.ToSlash(file), "%", "%%")
	if strings.ContainsAny(file, " \t'\"\\") {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(file) + `"`
	}
	return file
}
