package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/ecrimages"
)

// checkContainers checks that the app's images in Amazon ECR exist in the version to be deployed, and run on its instances. An image
// that cannot be pulled would be noticed minutes later, at the boot of an instance. An image that could not be checked is a warning.
func checkContainers(ctx context.Context, p *part) error {
	version := p.plan.inputs[document.ParameterVersion].Text
	var errs []error
	for _, container := range p.spec.Images {
		name := strings.ReplaceAll(container.Image, "__VERSION__", version)
		image, ok := document.ParseECRImage(name)
		if !ok {
			continue
		}
		err := ecrimages.Check(ctx, p.cloud, image, container.Architecture)
		if reason, unchecked := errors.AsType[*ecrimages.Unchecked](err); unchecked {
			p.unchecked = append(p.unchecked, fmt.Sprintf("%s: the image %s was not checked: %s", p.ref(), name, reason))
			continue
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: the image %s cannot be deployed: %w", p.ref(), name, err))
		}
	}
	return errors.Join(errs...)
}
