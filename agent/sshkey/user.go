package sshkey

import (
	"fmt"
	"regexp"
)

// userName is what useradd, systemd-logind and sudo all take for a user: of Debian's looser rule only the dot is kept, for
// people called first.last.
var userName = regexp.MustCompile(`^[a-z_][a-z0-9_.-]{0,31}$`)

// CheckUser says whether a person of this name can have a user on an instance.
func CheckUser(name string) error {
	if userName.MatchString(name) {
		return nil
	}
	return fmt.Errorf("user %q: expected a Linux user name: up to 32 of a-z, 0-9, -, _ and ., starting with a letter or _", name)
}
