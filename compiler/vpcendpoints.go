package compiler

import "github.com/pebble/spacel/compiler/cfn"

// gatewayEndpoints keeps traffic to S3 and DynamoDB off the NAT gateways, for nothing. Their policy stays AWS's open one: what an
// instance may do is its role's to say, and a list of buckets here would cut apps off from their own, from package mirrors
// and from container layers, which registries keep in S3.
func (v *vpcPart) gatewayEndpoints() {
	for id, service := range map[string]string{"S3Endpoint": "s3", "DynamoDbEndpoint": "dynamodb"} {
		add(v.part, v.at, id, &cfn.VPCEndpoint{
			VpcId:           v.vpc.Ref(),
			VpcEndpointType: "Gateway",
			ServiceName:     "com.amazonaws." + v.net.region.Region + "." + service,
			RouteTableIds:   refs(append([]*cfn.RouteTable{v.public}, v.private...)),
			Tags:            v.named(service),
		})
	}
}
