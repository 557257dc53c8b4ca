package assembly

// Subnets are the subnets of an app's instances: those in some zones, out of an output that lists one subnet for each of the orbit's zones.
//
// An app with EBS volumes runs in few zones, since a volume cannot leave its zone but by a snapshot. Without Zones deploy finds them:
// the deployed ones, else those of the volumes in use, else some of Candidates, always the same for one app.
type Subnets struct {
	Of    Output   `json:"of"`
	Zones []string `json:"zones,omitempty"` // zone ids, as the manifest's azs has them

	// For apps with EBS volumes.
	Volumes       []string `json:"volumes,omitempty"`       // document.VolumeKey, sorted
	Candidates    []string `json:"candidates,omitempty"`    // zone ids to choose from
	Count         int      `json:"count,omitempty"`         // how many to choose
	InstanceTypes []string `json:"instanceTypes,omitempty"` // which the chosen zones must have
	BootTimeout   int      `json:"bootTimeout,omitempty"`   // seconds in which a volume must have moved
}
