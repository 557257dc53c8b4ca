package agent

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pebble/spacel/agent/document"
)

// statusFile is where a boot says how it goes.
const statusFile = document.StatusPath

// Status is how the last boot went, or how the present one goes.
type Status struct {
	Instance string    `json:"instance"`
	Outcome  string    `json:"outcome"` // booting, booted or failed
	Stage    string    `json:"stage,omitempty"`
	Reason   string    `json:"reason,omitempty"` // why it failed
	Began    time.Time `json:"began"`
	Ended    time.Time `json:"ended,omitzero"`
	Signal   string    `json:"signal,omitempty"` // what CloudFormation was told of this instance, by whichever boot was first
}

// The outcomes of a boot.
const (
	Booting = "booting"
	Booted  = "booted"
	Failed  = "failed"
)

// ReadStatus reads how the last boot of the machine went.
func ReadStatus(root string) (Status, error) {
	var s Status
	data, err := os.ReadFile(filepath.Join(root, statusFile))
	if err != nil {
		return s, fmt.Errorf("read how the boot went: %w", err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("read how the boot went: %s: %w", statusFile, err)
	}
	return s, nil
}

// String is the status for people.
func (s Status) String() string {
	took := s.Ended.Sub(s.Began).Round(time.Second)
	switch s.Outcome {
	case Booting:
		return fmt.Sprintf("%s is booting since %s, in stage %s", s.Instance, s.Began.Format(time.RFC3339), s.Stage)
	case Booted:
		return fmt.Sprintf("%s booted at %s, in %s", s.Instance, s.Ended.Format(time.RFC3339), took)
	}
	return fmt.Sprintf("%s failed to boot at %s, after %s, in stage %s: %s", s.Instance, s.Ended.Format(time.RFC3339), took, s.Stage,
		s.Reason)
}

// saveStatus is for people only, and no reason to fail.
func (b *Boot) saveStatus(s Status) {
	data, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = b.Machine.writeFile(statusFile, append(data, '\n'), 0o644)
	}
	if err != nil {
		b.Log.Warn("the status was not saved: " + err.Error())
	}
}

// earlier returns the status of an earlier boot of this instance. A status with another instance's id came with the image, and
// counts as none.
func (b *Boot) earlier() Status {
	s, err := ReadStatus(b.Machine.Root)
	if err != nil || s.Instance != b.Instance.ID {
		return Status{}
	}
	return s
}
