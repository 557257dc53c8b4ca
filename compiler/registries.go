package compiler

import (
	"maps"
	"slices"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema/report"
)

// registries puts the logins to registries into the instance document: those of the manifest, and one for each registry of Amazon
// ECR with an image of the app. Docker on the instance asks the agent for a login when it pulls an image.
func registries(a appContext, r *report.Report) *part {
	all := map[string]document.Registry{}
	images, repositories := map[string]bool{}, map[string]bool{}
	for _, image := range ecrImages(a) {
		images[image.String()] = true
		all[image.Host] = document.Registry{ECR: true}
		repositories[image.ARN()] = true
	}
	for _, registry := range a.region.Registries {
		username, password := variable(registry.Username), variable(registry.Password)
		all[registry.Host] = document.Registry{Username: &username, Password: &password}
	}
	foreignRegistries(a, r)
	p := &part{}
	if len(all) == 0 {
		return p
	}
	p.document = func(d *document.Document[cfn.Value]) { d.Registries = all }
	for _, image := range slices.Sorted(maps.Keys(images)) {
		p.images = append(p.images, assembly.ContainerImage{Image: image, Architecture: a.region.Architecture})
	}
	if len(repositories) > 0 {
		p.statements = pulling(slices.Sorted(maps.Keys(repositories)))
	}
	return p
}

// pulling lets instances pull images of repositories. GetAuthorizationToken takes no resource (Service Authorization Reference,
// "Actions, resources, and condition keys for Amazon Elastic Container Registry"). BatchImportUpstreamImage has ECR fetch an image
// that a pull through cache does not hold yet (Amazon ECR User Guide, "IAM permissions required to sync an upstream registry").
func pulling(repositories []string) []cfn.Statement {
	return []cfn.Statement{
		cfn.Allow([]string{"ecr:GetAuthorizationToken"}, cfn.String("*")),
		cfn.Allow([]string{"ecr:BatchGetImage", "ecr:BatchImportUpstreamImage", "ecr:GetDownloadUrlForLayer"},
			cfn.Strings(repositories...)...),
	}
}

// ecrImages returns the images of the app's containers that are in ECR, but for registries with a login of the manifest's.
func ecrImages(a appContext) []document.ECRImage {
	var images []document.ECRImage
	for _, service := range a.region.Containers() {
		image, ok := document.ParseECRImage(versioned(service.Image))
		if ok && !hasLogin(a, image.Host) {
			images = append(images, image)
		}
	}
	return images
}

// hasLogin reports whether the manifest has a login for a host.
func hasLogin(a appContext, host string) bool {
	for _, registry := range a.region.Registries {
		if registry.Host == host {
			return true
		}
	}
	return false
}

// foreignRegistries warns about images in a partition of AWS in which the instances' role is unknown, such as China's.
func foreignRegistries(a appContext, r *report.Report) {
	for _, service := range a.region.Containers() {
		image, ok := document.ParseECRImage(service.Image)
		if ok && image.Partition != "aws" && !hasLogin(a, image.Host) {
			r.Warnf(service.At("image"), "is in the partition %s of AWS, where the role of an instance in %s has no rights: "+
				"copy the image into a registry of the partition aws", image.Partition, a.region.Region)
		}
	}
}
