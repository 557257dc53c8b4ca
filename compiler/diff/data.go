package diff

import (
	"fmt"
	"slices"

	"github.com/pebble/spacel/compiler/template"
)

// dataTypes are the resource types whose deletion destroys data, an address or a key that cannot be created again with
// the same content.
var dataTypes = []string{
	"AWS::DocDB::DBCluster", "AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table", "AWS::EC2::EIP", "AWS::EC2::Volume",
	"AWS::ECR::Repository", "AWS::EFS::FileSystem", "AWS::ElastiCache::CacheCluster", "AWS::ElastiCache::ReplicationGroup",
	"AWS::ElastiCache::ServerlessCache", "AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::Neptune::DBCluster",
	"AWS::OpenSearchService::Domain", "AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::RDS::GlobalCluster",
	"AWS::Redshift::Cluster", "AWS::Route53::HostedZone", "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SecretsManager::Secret",
}

// HoldsData reports whether deleting a resource of this type destroys data, an address or a key.
func HoldsData(kind string) bool { return slices.Contains(dataTypes, kind) }

// dataOf describes the fate of a resource's data when the resource is replaced or deleted. It returns nil if the type
// holds no data or the resource stays. Before is the deployed resource.
//
// CloudFormation deletes by the DeletionPolicy in the deployed template, but replaces by the UpdateReplacePolicy in the
// new one.
func dataOf(before, now template.Resource, action Action) *Data {
	if !HoldsData(before.Type) {
		return nil
	}
	switch action {
	case Delete:
		return outcome(deletionPolicy(before), "DeletionPolicy")
	case Replace, MaybeReplace:
		policy, _ := now.Attributes["UpdateReplacePolicy"].(string)
		d := outcome(policy, "UpdateReplacePolicy")
		d.Outcome += restoredFrom(before, now)
		return d
	}
	return nil
}

// restoredFrom says what a database holds whose snapshot changes: "After you restore a DB instance with a DBSnapshotIdentifier property,
// you must specify the same DBSnapshotIdentifier property for any future updates" (Template Reference, AWS::RDS::DBInstance).
func restoredFrom(before, now template.Resource) string {
	const property = "DBSnapshotIdentifier"
	was, is := before.Properties[property], now.Properties[property]
	switch {
	case was == is:
		return ""
	case is == nil:
		return fmt.Sprintf("; the new one is empty: write snapshot: %v again to keep the database as it is", was)
	}
	return fmt.Sprintf("; the new one holds what the snapshot %v holds", is)
}

// deletionPolicy is a resource's own, else CloudFormation's default.
func deletionPolicy(r template.Resource) string {
	if policy, ok := r.Attributes["DeletionPolicy"].(string); ok {
		return policy
	}
	return DefaultDeletionPolicy(r.Type, r.Properties)
}

// DefaultDeletionPolicy returns CloudFormation's policy for a resource without one: Snapshot for DB clusters and for DB
// instances outside a cluster, otherwise Delete (Template Reference, DeletionPolicy attribute).
func DefaultDeletionPolicy(kind string, properties map[string]any) string {
	if kind == "AWS::RDS::DBCluster" || kind == "AWS::RDS::DBInstance" && properties["DBClusterIdentifier"] == nil {
		return "Snapshot"
	}
	return "Delete"
}

// outcome puts a policy into words. An empty UpdateReplacePolicy means Delete.
func outcome(policy, attribute string) *Data {
	switch policy {
	case "Retain", "RetainExceptOnCreate":
		return &Data{policy, "the old one is kept, outside the stack (" + attribute + ": " + policy + ")"}
	case "Snapshot":
		return &Data{policy, "a snapshot of the old one is kept (" + attribute + ": " + policy + ")"}
	case "":
		policy = "Delete"
	}
	return &Data{policy, "the old one is lost with what it holds (" + attribute + ": " + policy + ")"}
}
