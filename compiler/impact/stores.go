package impact

import (
	"strings"

	"github.com/pebble/spacel/compiler/diff"
)

// data is the rule about resources that hold data and are replaced or deleted. Addresses have a rule of their own.
func (f *forecast) data() {
	words := map[diff.Action]string{diff.Delete: "is deleted", diff.Replace: "is replaced by an empty one",
		diff.MaybeReplace: "may be replaced by an empty one"}
	for _, id := range f.old.t.IDs() {
		c := f.changes[id]
		if word := words[c.Action]; word != "" && c.Data != nil && f.old.t.Resources[id].Type != "AWS::EC2::EIP" {
			f.say(Effect{Kind: DataMoves, Resource: id, Text: f.old.dataName(id) + " " + word + ": " + c.Data.Outcome})
		}
	}
}

// dataName names a resource with data for people.
func (s *Side) dataName(id string) string {
	kind := s.t.Resources[id].Type
	switch o := s.ownerOf(id, s.t.Resources[id]); o.what {
	case "database", "cache":
		return "the " + o.what + " " + o.name
	}
	return id + " (" + strings.TrimPrefix(kind, "AWS::") + ")"
}

// restarting are the properties whose change makes a store unavailable for some minutes ("Update requires: Some interruptions" in the
// Template Reference; of EngineVersion, RDS User Guide, "Upgrading a DB instance engine version").
var restarting = map[string][]string{
	"AWS::RDS::DBInstance":               {"AvailabilityZone", "DBInstanceClass", "DBParameterGroupName", "EngineVersion", "StorageType"},
	"AWS::RDS::DBCluster":                {"DBClusterInstanceClass", "DBClusterParameterGroupName", "EngineVersion", "Port"},
	"AWS::ElastiCache::ReplicationGroup": {"CacheNodeType", "EngineVersion", "CacheParameterGroupName"},
}

// stores is the rule about stores that are changed in place.
func (f *forecast) stores() {
	for kind, properties := range restarting {
		for _, id := range f.both(kind) {
			if c, changes := f.changes[id]; !changes || c.Action != diff.Update || !f.changed(id, properties...) {
				continue
			}
			text := f.now.dataName(id) + " is unavailable for some minutes while it changes"
			if property(f.now.t.Resources[id], "MultiAZ") == "true" || property(f.now.t.Resources[id], "MultiAZEnabled") == "true" {
				text = f.now.dataName(id) + " is unavailable for about a minute while it fails over"
			}
			f.say(Effect{Kind: Restarts, Resource: id, Text: text})
		}
	}
}
