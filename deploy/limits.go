package deploy

import "fmt"

// CloudFormation's quotas (User Guide, "Understand CloudFormation quotas"), in bytes and counts.
const (
	maxInline         = 51_200 // of a template sent with the call
	maxTemplate       = 1_000_000
	maxResources      = 500
	maxParameters     = 200
	maxParameterValue = 4_096
)

// checkLimits refuses a template that CloudFormation would refuse for its size.
func (s *stack) checkLimits() error {
	// The limits are checked before any call, since CloudFormation's own message names neither the file nor a way out.
	switch t := s.template; {
	case t.size > maxTemplate:
		return fmt.Errorf("%s: its template is %d bytes, CloudFormation takes %d: write fewer services, or make two apps of it",
			s.ref(), t.size, maxTemplate)
	case t.resources > maxResources:
		return fmt.Errorf("%s: its template has %d resources, CloudFormation takes %d: make two apps of it",
			s.ref(), t.resources, maxResources)
	case t.parameters > maxParameters:
		return fmt.Errorf("%s: its template has %d parameters, CloudFormation takes %d: make two apps of it",
			s.ref(), t.parameters, maxParameters)
	}
	return nil
}
