package compiler

import (
	"strconv"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
)

// appURLs outputs the address of each public port: a URL for HTTP and HTTPS, otherwise host:port. The host is the app's
// first host name or, if it has none, the load balancer's DNS name.
func appURLs(a appContext, b balancing, lb loadBalancer, own addresses) *part {
	p := &part{}
	name := appHost(a, lb, own)
	if name == nil {
		return p
	}
	for _, port := range a.region.PublicPorts {
		p.Output(document.OutputEndpoint+strconv.Itoa(port.Port), cfn.Output{
			Description: "Where port " + strconv.Itoa(port.Port) + " is reached.",
			Value:       appURL(port, name),
		})
	}
	return p
}

// appHost is the host of all the app's URLs. It is nil if the app has neither a load balancer nor elastic addresses. A
// wildcard is no host.
func appHost(a appContext, lb loadBalancer, own addresses) cfn.Value {
	// Without a balancer or fixed addresses no DNS record is made for the host names.
	answered := lb.balancer != nil || len(own.all) > 0
	for _, host := range a.region.Hostnames {
		if answered && !strings.HasPrefix(host.Name, "*") {
			return cfn.String(host.Name)
		}
	}
	if lb.balancer != nil {
		return lb.balancer.DNSName()
	}
	return nil
}

// appURL returns an app's URL. It leaves out the default port of the scheme.
func appURL(port schema.PublicPort, name cfn.Value) cfn.Value {
	number := ":" + strconv.Itoa(port.Port)
	switch {
	case port.Scheme == "HTTP" && port.Port == 80:
		return cfn.Concat(cfn.String("http://"), name)
	case port.Scheme == "HTTPS" && port.Port == 443:
		return cfn.Concat(cfn.String("https://"), name)
	case port.Scheme == "HTTP" || port.Scheme == "HTTPS":
		return cfn.Concat(cfn.String(strings.ToLower(port.Scheme)+"://"), name, cfn.String(number))
	}
	return cfn.Concat(name, cfn.String(number))
}
