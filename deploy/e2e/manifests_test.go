package e2e

import "strings"

const threeRegions = `{
  "name": "test", "regions": ["us-east-1", "us-west-2", "eu-west-1"],
  "all": {"domain": "example.com", "nat": "enabled", "bastion_sources": ["203.0.113.0/24"]}
}`

// web is an app behind a balancer.
const web = `{
  "name": "web",
  "all": {"instance_type": "t4g.small", "instance_max": 2, "public_ports": {"80": {"internal_port": 8080}},
    "health_check": "HTTP:8080/health",
    "services": {"web": {"image": "example/web", "ports": {"8080": 8080}}}}
}`

// left and right name each other.
const (
	left = `{
  "name": "left",
  "all": {"elb_availability": "disabled", "public_ports": {"7000": {"scheme": "TCP", "sources": ["right"]}},
    "services": {"left": {"image": "example/left:1"}}}
}`
	right = `{
  "name": "right",
  "all": {"elb_availability": "private", "public_ports": {"80": {"sources": ["left"]}},
    "services": {"right": {"image": "example/right:1", "ports": {"80": 80}}}}
}`
)

// written is a manifest with a part changed.
func written(manifest, old, now string) string { return strings.Replace(manifest, old, now, 1) }

// store is an app with volumes, whose zones deploy looks up.
const store = `{
  "name": "store",
  "all": {"instance_type": "t4g.small", "instance_max": 1, "elb_availability": "disabled",
    "volumes": {"data": {}},
    "services": {"store": {"image": "example/store:1"}}}
}`
