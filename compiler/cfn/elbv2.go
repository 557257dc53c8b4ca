package cfn

// LoadBalancer is AWS::ElasticLoadBalancingV2::LoadBalancer: an ALB (application) or NLB (network).
type LoadBalancer struct {
	Attributes `json:"-"`

	Type_                  string                  `json:"Type"`
	Scheme                 string                  // internet-facing or internal
	IpAddressType          string                  // ipv4 or dualstack
	Subnets                Value                   // one per zone
	SecurityGroups         []Value                 `json:",omitempty"` // an NLB takes them at creation or never
	LoadBalancerAttributes []LoadBalancerAttribute `json:",omitempty"`
	Tags                   []Tag                   `json:",omitempty"`
}

func (*LoadBalancer) Type() string { return "AWS::ElasticLoadBalancingV2::LoadBalancer" }

// DNSName is the balancer's own name.
func (l *LoadBalancer) DNSName() Value { return l.att("DNSName") }

// CanonicalHostedZoneID is the id of AWS's own hosted zone of the balancer's name, for AliasTarget.
func (l *LoadBalancer) CanonicalHostedZoneID() Value { return l.att("CanonicalHostedZoneID") }

// LoadBalancerFullName is the balancer's dimension in CloudWatch.
func (l *LoadBalancer) LoadBalancerFullName() Value { return l.att("LoadBalancerFullName") }

// LoadBalancerAttribute is a setting of a balancer, a target group or a listener; values are text.
type LoadBalancerAttribute struct{ Key, Value string }

// TargetGroup is AWS::ElasticLoadBalancingV2::TargetGroup. Its Ref is its ARN. Times in seconds.
type TargetGroup struct {
	Attributes `json:"-"`

	VpcId                      Value
	TargetType                 string
	Protocol                   string
	Port                       int
	HealthCheckProtocol        string
	HealthCheckPort            string
	HealthCheckPath            string   `json:",omitempty"`
	Matcher                    *Matcher `json:",omitempty"`
	HealthCheckIntervalSeconds int
	HealthCheckTimeoutSeconds  int
	HealthyThresholdCount      int
	UnhealthyThresholdCount    int
	TargetGroupAttributes      []LoadBalancerAttribute `json:",omitempty"`
	Tags                       []Tag                   `json:",omitempty"`
}

func (*TargetGroup) Type() string { return "AWS::ElasticLoadBalancingV2::TargetGroup" }

// TargetGroupFullName is the group's dimension in CloudWatch.
func (t *TargetGroup) TargetGroupFullName() Value { return t.att("TargetGroupFullName") }

// Matcher says which answers pass, such as 200 or 200-499: an ALB knows up to 499, an NLB up to 599.
type Matcher struct{ HttpCode string }

// Listener is AWS::ElasticLoadBalancingV2::Listener. Its Ref is its ARN. A balancer has at most one listener on a port.
type Listener struct {
	Attributes `json:"-"`

	LoadBalancerArn    Value
	Port               int
	Protocol           string
	SslPolicy          string                  `json:",omitempty"`
	Certificates       []ListenerCertificate   `json:",omitempty"`
	DefaultActions     []ListenerAction        `json:""`
	ListenerAttributes []LoadBalancerAttribute `json:",omitempty"`
}

func (*Listener) Type() string { return "AWS::ElasticLoadBalancingV2::Listener" }

// ListenerCertificate is a certificate by its ARN.
type ListenerCertificate struct{ CertificateArn Value }

// ListenerAction forwards to a target group or redirects.
type ListenerAction struct {
	Type           string
	TargetGroupArn Value           `json:",omitempty"`
	RedirectConfig *RedirectConfig `json:",omitempty"`
}

// RedirectConfig sends the client to another URL. Host, path and query keep their default #{host}, #{path} and #{query},
// the values of the request.
type RedirectConfig struct{ Protocol, Port, StatusCode string }
