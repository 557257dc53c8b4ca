package compiler

import (
	"strconv"

	"github.com/pebble/spacel/compiler/cfn"
)

// listen has the balancer listen on a port.
func (lb *loadBalancer) listen(a appContext, route route, to *cfn.TargetGroup, c certificates) {
	listener := &cfn.Listener{
		LoadBalancerArn: lb.balancer.Ref(),
		Port:            route.port.Port,
		Protocol:        route.protocol,
		DefaultActions:  []cfn.ListenerAction{defaultAction(route, to)},
	}
	// A TLS or HTTPS listener ends the encryption, so it needs a certificate.
	if route.secure() {
		listener.SslPolicy = a.region.TLSPolicy
		listener.Certificates = []cfn.ListenerCertificate{{CertificateArn: c.of(route.port)}}
	}
	if route.protocol == "TCP" && a.region.Written("idle_timeout") { // TLS and UDP listeners have a fixed one
		listener.ListenerAttributes = []cfn.LoadBalancerAttribute{
			{Key: "tcp.idle_timeout.seconds", Value: strconv.Itoa(a.region.IdleTimeout)},
		}
	}
	// The scheme is part of the id: a balancer that changes it is replaced, and its listeners with it.
	id := a.balancerScheme() + "Listener" + strconv.Itoa(route.port.Port)
	lb.listeners = append(lb.listeners, add(lb.part, route.port.Pos, id, listener))
}

// defaultAction redirects if the route has no target. HTTP_301 is permanent, so browsers remember it.
func defaultAction(route route, to *cfn.TargetGroup) cfn.ListenerAction {
	if to == nil {
		port := strconv.Itoa(route.port.RedirectTo)
		return cfn.ListenerAction{Type: "redirect",
			RedirectConfig: &cfn.RedirectConfig{Protocol: "HTTPS", Port: port, StatusCode: "HTTP_301"}}
	}
	return cfn.ListenerAction{Type: "forward", TargetGroupArn: to.Ref()}
}
