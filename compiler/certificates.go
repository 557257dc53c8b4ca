package compiler

import (
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// maxCertificateNames is ACM's limit, unless AWS has raised it for the account (ACM User Guide, "Quotas").
const maxCertificateNames = 10

// certificates are the certificates of secure listeners. A port's certificate is one of three: made in the stack for all
// the app's names, found by deploy, or an ARN in the manifest.
type certificates struct {
	*part
	made   cfn.Value // nil unless a port wants it
	lookup cfn.Value // likewise
}

// certificatesFor makes at most one certificate and one lookup, however many ports need them.
func certificatesFor(a appContext, b balancing, r *report.Report) certificates {
	c := certificates{part: &part{}}
	for _, route := range b.routes {
		switch port := route.port; {
		case !route.secure() || strings.HasPrefix(port.Certificate, "arn:"):
		case len(a.region.Hostnames) == 0: // reported by the schema
		case port.Certificate == "lookup" && c.lookup == nil:
			c.lookup = c.find(a, port)
		case port.Certificate == "" && c.made == nil:
			c.made = c.make(a, port, r)
		}
	}
	return c
}

// of is the ARN of a port's certificate.
func (c certificates) of(port schema.PublicPort) cfn.Value {
	switch port.Certificate {
	case "":
		return c.made
	case "lookup":
		return c.lookup
	}
	return cfn.String(port.Certificate)
}

// find declares a parameter for a certificate that deploy finds in ACM.
func (c certificates) find(a appContext, port schema.PublicPort) cfn.Value {
	names := hostnames(a.region)
	return c.parameter("CertificateArn", cfn.Parameter{
		Type:        "String",
		Description: "The ARN of an issued certificate for the app's names.",
	}, assembly.ValueFrom{Certificate: &assembly.Certificate{Hostnames: names}}).Ref()
}

// make requests a certificate that CloudFormation validates itself, by a record in each name's hosted zone.
func (c certificates) make(a appContext, port schema.PublicPort, r *report.Report) cfn.Value {
	names := hostnames(a.region)
	at := a.region.At("hostnames")
	if len(names) > maxCertificateNames {
		r.Errorf(at, "expected at most %d names for one certificate, got %d; "+
			"give port %d the ARN of a certificate, or certificate: lookup", maxCertificateNames, len(names), port.Port)
	}
	certificate := &cfn.Certificate{
		DomainName:              names[0],
		SubjectAlternativeNames: names[1:],
		ValidationMethod:        "DNS",
		Tags:                    a.nameTag(),
	}
	for _, name := range names {
		certificate.DomainValidationOptions = append(certificate.DomainValidationOptions,
			cfn.DomainValidationOption{DomainName: name, HostedZoneId: hostedZone(c.part, name)})
	}
	return add(c.part, at, "Certificate", certificate).Ref()
}

// hostnames are the app's names: the first, which stands on the certificate, as it is written, then the others sorted, so that
// their order makes no new certificate.
func hostnames(app *schema.AppRegion) []string {
	var names []string
	for _, host := range app.Hostnames {
		names = append(names, host.Name)
	}
	slices.Sort(names[1:])
	return names
}

// hostedZone declares a parameter for the id of the public hosted zone that contains a name. Deploy looks it up, because
// only the account knows it.
func hostedZone(p *part, host string) cfn.Value {
	return p.parameter("HostedZone"+idPart(host), cfn.Parameter{
		Type:        "AWS::Route53::HostedZone::Id",
		Description: "The hosted zone of " + host + ".",
	}, assembly.ValueFrom{HostedZone: &assembly.HostedZone{Hostname: host}}).Ref()
}
