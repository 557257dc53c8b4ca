package diff

import "slices"

// dataTypes are the types of resources whose deletion loses what cannot be made again: data, an address, a key.
var dataTypes = []string{
	"AWS::DocDB::DBCluster", "AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table", "AWS::EC2::EIP", "AWS::EC2::Volume",
	"AWS::ECR::Repository", "AWS::EFS::FileSystem", "AWS::ElastiCache::CacheCluster", "AWS::ElastiCache::ReplicationGroup",
	"AWS::ElastiCache::ServerlessCache", "AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::Neptune::DBCluster",
	"AWS::OpenSearchService::Domain", "AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::RDS::GlobalCluster",
	"AWS::Redshift::Cluster", "AWS::Route53::HostedZone", "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SecretsManager::Secret",
}

// HoldsData says whether the end of a resource of this type loses what cannot be made again.
func HoldsData(kind string) bool { return slices.Contains(dataTypes, kind) }

// dataOf says what becomes of the data of a resource that is replaced or deleted; nil when it holds none or stays. Before
// is the resource as it is deployed.
func dataOf(before, now resource, action Action) *Data {
	if !HoldsData(before.kind) {
		return nil
	}
	switch action {
	case Delete:
		return outcome(deletionPolicy(before), "DeletionPolicy")
	case Replace, MaybeReplace:
		policy, _ := now.attributes["UpdateReplacePolicy"].(string)
		return outcome(policy, "UpdateReplacePolicy")
	}
	return nil
}

// deletionPolicy is a resource's own, else CloudFormation's default.
func deletionPolicy(r resource) string {
	if policy, ok := r.attributes["DeletionPolicy"].(string); ok {
		return policy
	}
	return DefaultDeletionPolicy(r.kind, r.properties)
}

// DefaultDeletionPolicy is what CloudFormation does with a resource that has no policy (Template Reference, DeletionPolicy
// attribute).
func DefaultDeletionPolicy(kind string, properties map[string]any) string {
	if kind == "AWS::RDS::DBCluster" || kind == "AWS::RDS::DBInstance" && properties["DBClusterIdentifier"] == nil {
		return "Snapshot"
	}
	return "Delete"
}

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
