package compiler

import (
	"strings"

	"github.com/pebble/spacel/compiler/cfn"
)

// bound gives every role and user of a finished stack the orbit's permissions boundary. It comes after the patches, so that no
// resource of the manifest, and no patch, makes a role without it. Another boundary in the manifest is a mistake: it could allow more.
func (c compilation) bound(p *part, h header) error {
	orbit := c.model.Orbit
	if orbit.PermissionsBoundary == "" {
		return nil
	}
	others, err := p.SetBoundary(boundaryARN(orbit.PermissionsBoundary))
	for _, id := range others {
		at, known := p.origins[id]
		if !known {
			at = h.at
		}
		c.report.Errorf(at, "%s in %s: %s has another PermissionsBoundary than the orbit, which has %s (%s): remove it here",
			h.stackName(), h.net.region.Region, id, orbit.PermissionsBoundary, orbit.At("permissions_boundary"))
		p.refused = true
	}
	return err
}

// boundaryARN returns the ARN of a managed policy. A name means a policy of the stack's own account.
func boundaryARN(policy string) cfn.Value {
	if strings.HasPrefix(policy, "arn:") {
		return cfn.String(policy)
	}
	return cfn.Sub(cfn.String("arn:"), cfn.Partition, cfn.String(":iam::"), cfn.AccountID, cfn.String(":policy/"+policy))
}
