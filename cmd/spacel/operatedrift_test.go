package main

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/rogpeppe/go-internal/testscript"
)

// opensPort adds a rule to a security group as somebody with the console does: opens REGION STACK GROUP PORT.
func (o *scriptAccount) opensPort(ts *testscript.TestScript, args []string) {
	port, err := strconv.ParseInt(args[3], 10, 32)
	ts.Check(err)
	group := o.resource(ts, args[0], args[1], args[2])
	_, err = o.cloud.Region(args[0]).EC2().AuthorizeSecurityGroupIngress(o.Context(), &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &group, IpPermissions: []ec2types.IpPermission{{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(int32(port)),
			ToPort: aws.Int32(int32(port)), IpRanges: []ec2types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}},
	})
	ts.Check(err)
}

// resizes sets the maximum of a group: resizes REGION STACK GROUP MAX.
func (o *scriptAccount) resizes(ts *testscript.TestScript, args []string) {
	most, err := strconv.ParseInt(args[3], 10, 32)
	ts.Check(err)
	group := o.resource(ts, args[0], args[1], args[2])
	_, err = o.cloud.Region(args[0]).AutoScaling().UpdateAutoScalingGroup(o.Context(), &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: &group, MaxSize: aws.Int32(int32(most))})
	ts.Check(err)
}

// allows writes a policy into a role: allows REGION STACK ROLE POLICY ACTION.
func (o *scriptAccount) allows(ts *testscript.TestScript, args []string) {
	role := o.resource(ts, args[0], args[1], args[2])
	_, err := o.cloud.Region(args[0]).IAM().PutRolePolicy(o.Context(), &iam.PutRolePolicyInput{RoleName: &role, PolicyName: &args[3],
		PolicyDocument: aws.String(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "` + args[4] +
			`", "Resource": "*"}]}`)})
	ts.Check(err)
}
