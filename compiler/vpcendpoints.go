package compiler

import "github.com/pebble/spacel/compiler/cfn"

// gatewayEndpoints route traffic to S3 and DynamoDB past the NAT gateways, free of charge. Their policy stays AWS's open
// default. An instance's role limits its rights already, and a list of buckets here would block the app's own buckets,
// package mirrors, and container layers, which registries keep in S3.
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
