package drift

import (
	"fmt"
	"strings"
)

// A finding has the manifest's word where a field of the manifest sets the property. Many properties come from no field, and have their
// own names. Resources of the manifest's resources section have CloudFormation's names there, too.

// fields are the manifest's words for properties, by type and property. A path below a property has its word, too.
var fields = map[string]string{
	groupType + ".MinSize":                       "instance_min",
	groupType + ".MaxSize":                       "instance_max",
	groupType + ".VPCZoneIdentifier":             "azs",
	groupType + ".HealthCheckGracePeriod":        "boot_timeout",
	launchType + ".LaunchTemplateData.ImageId":   "ami",
	launchType + ".LaunchTemplateData.UserData":  "services, units or files",
	recordType + ".AliasTarget":                  "hostnames",
	recordType + ".ResourceRecords":              "hostnames",
	recordType + ".Weight":                       "dns",
	"AWS::RDS::DBInstance.DBInstanceClass":       "databases: instance_type",
	"AWS::RDS::DBInstance.AllocatedStorage":      "databases: size",
	"AWS::RDS::DBInstance.StorageType":           "databases: storage_type",
	"AWS::RDS::DBInstance.EngineVersion":         "databases: version",
	"AWS::RDS::DBInstance.MultiAZ":               "databases: multi_az",
	"AWS::RDS::DBInstance.BackupRetentionPeriod": "databases: backups",
	"AWS::RDS::DBInstance.DeletionProtection":    "databases: deletion_protection",

	launchType + ".LaunchTemplateData.InstanceType": "instance_type",

	"AWS::ElastiCache::ReplicationGroup.CacheNodeType":          "caches: instance_type",
	"AWS::ElastiCache::ReplicationGroup.EngineVersion":          "caches: version",
	"AWS::ElastiCache::ReplicationGroup.SnapshotRetentionLimit": "caches: backups",
	"AWS::Logs::LogGroup.RetentionInDays":                       "logging: retention",
}

// orbitFields are the words of the orbit's own stacks, where they differ: the bastions.
var orbitFields = map[string]string{
	groupType + ".MinSize":                          "bastion_instance_count",
	groupType + ".MaxSize":                          "bastion_instance_count",
	launchType + ".LaunchTemplateData.InstanceType": "bastion_instance_type",
}

// fieldOf returns the manifest's word for a property, "" for one that no field sets.
func fieldOf(kind, property string, ofApp bool) string {
	// The longest path with a word counts: AliasTarget.DNSName has the word of AliasTarget.
	for path := kind + "." + property; path != kind && path != ""; {
		if word, ok := orbitFields[path]; ok && !ofApp {
			return word
		}
		if word, ok := fields[path]; ok {
			return word
		}
		i := strings.LastIndexByte(path, '.')
		if i < 0 {
			break
		}
		path = path[:i]
	}
	return ""
}

// differs describes a property with another value: instance_max (MaxSize) is 40, deployed as 10.
func differs(kind, property string, ofApp bool, expected, actual string) string {
	name := property
	if word := fieldOf(kind, property, ofApp); word != "" {
		name = fmt.Sprintf("%s (%s)", word, property[strings.LastIndexByte(property, '.')+1:])
	}
	return fmt.Sprintf("%s is %s, deployed as %s", name, orNone(actual), orNone(expected))
}

// orNone is a value, or a word for its absence.
func orNone(value string) string {
	if value == "" {
		return "(none)"
	}
	return value
}
