package assembly

import "encoding/json"

// Release says how an app is released in a region. It is in the artifact directory, and in an output of the stack for commands without
// one.
type Release struct {
	Wave  int           `json:"wave,omitempty"`  // of this region, from 1; 0: there are no waves
	Waves int           `json:"waves,omitempty"` // how many there are
	Pause int           `json:"pause,omitempty"` // minutes between two waves
	Tasks []ReleaseTask `json:"tasks,omitempty"` // in the order in which they run
}

// ReleaseTask is a container that one instance of a release runs before the new instances serve.
type ReleaseTask struct {
	Name       string `json:"name"`
	Region     string `json:"region"`     // the region where it runs
	Definition string `json:"definition"` // see document.TaskLock
}

// ParseRelease reads the output of a stack. It returns nil for an absent or odd text: the stack of an app without tasks, or of a later
// release of spacel.
func ParseRelease(text string) *Release {
	var r Release
	if text == "" || json.Unmarshal([]byte(text), &r) != nil {
		return nil
	}
	return &r
}
