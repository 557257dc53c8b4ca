package compiler

import (
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
)

// imageParameter declares the parameter for the machine image's id. Deploy keeps a parameter's value until an upgrade is
// asked for. So the parameter's name contains everything on which the image depends: another architecture or release is
// another parameter, and gets another image.
func imageParameter(p *part, image schema.Image, architecture string) cfn.Value {
	id := "Image" + idPart("debian"+image.Debian+"-"+architecture)
	if image.AMI != "" {
		id = "Image" + idPart(image.AMI) + idPart(architecture)
	}
	return p.parameter(id, cfn.Parameter{Type: "AWS::EC2::Image::Id", Description: "The machine image."},
		assembly.ValueFrom{Image: &assembly.Image{Debian: image.Debian, Architecture: architecture, AMI: image.AMI}}).Ref()
}
