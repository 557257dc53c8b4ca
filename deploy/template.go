package deploy

import (
	"encoding/json"
	"strings"
)

// CloudFormation's quotas (User Guide, "Understand CloudFormation quotas"), in bytes and counts.
const (
	maxInline         = 51_200 // of a template that is sent with the call
	maxTemplate       = 1_000_000
	maxResources      = 500
	maxParameters     = 200
	maxParameterValue = 4_096
)

// template is what deploy must know of a template, and its bytes.
type template struct {
	body       []byte
	Parameters map[string]any
	Resources  map[string]resource
}

// resource is one of a template's.
type resource struct {
	Type                                string
	DeletionPolicy, UpdateReplacePolicy string
	Properties                          map[string]any
}

func parseTemplate(body []byte) (*template, error) {
	t := &template{body: body}
	if err := json.Unmarshal(body, t); err != nil {
		return nil, err
	}
	return t, nil
}

// retains says whether anything stays when the stack goes, so that a new stack may find it there. CloudFormation only takes
// in what has such a policy (User Guide, "Import AWS resources into a CloudFormation stack").
func (t *template) retains() bool {
	for _, r := range t.Resources {
		if strings.HasPrefix(r.DeletionPolicy, "Retain") {
			return true
		}
	}
	return false
}
