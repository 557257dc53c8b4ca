package deploy

// CloudFormation's quotas (User Guide, "Understand CloudFormation quotas"), in bytes and counts.
const (
	maxInline         = 51_200 // of a template that is sent with the call
	maxTemplate       = 1_000_000
	maxResources      = 500
	maxParameters     = 200
	maxParameterValue = 4_096
)
