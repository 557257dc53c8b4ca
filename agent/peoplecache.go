package agent

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// seen is the last answer of the tables. The file is readable by every user: public keys are no secret, and sshd's command reads
// it as an ordinary user.
type seen struct {
	Asked   time.Time           `json:"asked"`
	Keys    map[string][]string `json:"keys"`              // of those who may log in
	Refused map[string]string   `json:"refused,omitempty"` // name → why the person has no user here, to log it once only
}

// readSeen reads the last answer of the tables. Before the first synchronisation there is none, which is an error.
func readSeen(m Machine) (seen, error) {
	body, err := os.ReadFile(filepath.Join(m.Root, peoplePath))
	if err != nil {
		return seen{}, fmt.Errorf("read the keys last seen: %w", err)
	}
	var s seen
	if err := json.Unmarshal(body, &s); err != nil {
		return seen{}, fmt.Errorf("read the keys last seen in %s: %w", peoplePath, err)
	}
	return s, nil
}

// write replaces the file. Every user may read it: it has public keys only, and sshd's command needs it.
func (s seen) write(m Machine) error {
	body, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode the keys last seen: %w", err)
	}
	return m.writeFile(peoplePath, body, 0o644)
}
