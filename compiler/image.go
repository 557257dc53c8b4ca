package compiler

import (
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
)

// imageParameter is the machine image's id. Deploy keeps a parameter's value until told otherwise, so its name holds all
// that the image depends on: instances of another architecture or release get another parameter, and so another image.
func imageParameter(p *part, image schema.Image, architecture string) cfn.Value {
	id := "Image" + idPart("debian"+image.Debian+"-"+architecture)
	if image.AMI != "" {
		id = "Image" + idPart(image.AMI) + idPart(architecture)
	}
	return p.parameter(id, cfn.Parameter{Type: "AWS::EC2::Image::Id", Description: "The machine image."},
		assembly.ValueFrom{Image: &assembly.Image{Debian: image.Debian, Architecture: architecture, AMI: image.AMI}}).Ref()
}
