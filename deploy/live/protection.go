package live

import "fmt"

// protections are the properties with which AWS refuses to delete a resource, by type.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DeleteInstance.html: "You can't delete a DB instance when deletion
// protection is turned on for it".
var protections = map[string]string{
	"AWS::RDS::DBInstance": "DeletionProtection", "AWS::RDS::DBCluster": "DeletionProtection",
	"AWS::RDS::GlobalCluster": "DeletionProtection",
	"AWS::DocDB::DBCluster":   "DeletionProtection", "AWS::Neptune::DBCluster": "DeletionProtection",
	"AWS::DynamoDB::Table": "DeletionProtectionEnabled",
}

// Protects reports whether a template protects a resource from being deleted, and a deletion of the stack would try to delete it.
func (t *Template) Protects(id string) bool {
	r := t.Resources[id]
	if r.protected {
		return true
	}
	property, ok := protections[r.Type]
	policy := t.DeletionPolicy(id, r.Type)
	return ok && policy != "Retain" && policy != "RetainExceptOnCreate" && fmt.Sprint(r.Properties[property]) == "true"
}

// Protected returns the resources which AWS would refuse to delete, of those that exist.
func (t *Template) Protected(resources []Resource) []Resource {
	var out []Resource
	for _, r := range resources {
		if r.PhysicalID != "" && t.Protects(r.LogicalID) {
			out = append(out, r)
		}
	}
	return out
}

// Unprotect returns the command that turns the protection of a resource off.
func (r Resource) Unprotect(region string) string {
	switch r.Type {
	case "AWS::RDS::DBInstance":
		return fmt.Sprintf("aws rds modify-db-instance --region %s --db-instance-identifier %s --no-deletion-protection", region,
			r.PhysicalID)
	case "AWS::DynamoDB::Table":
		return fmt.Sprintf("aws dynamodb update-table --region %s --table-name %s --no-deletion-protection-enabled", region, r.PhysicalID)
	case "AWS::RDS::GlobalCluster":
		return fmt.Sprintf("aws rds modify-global-cluster --region %s --global-cluster-identifier %s --no-deletion-protection", region,
			r.PhysicalID)
	}
	return fmt.Sprintf("aws rds modify-db-cluster --region %s --db-cluster-identifier %s --no-deletion-protection", region, r.PhysicalID)
}
