"""Resource types of CloudFormation that ministack 1.5.33 lacks, each by ministack's own calls of EC2."""

import re

from ministack.services import ec2
from ministack.services.cloudformation import provisioners


def form(**fields):
    """The parameters of a call as EC2's query protocol has them."""
    return {name: [str(value)] for name, value in fields.items() if value is not None}


def call(operation, **fields):
    """Calls EC2, and raises what it answers when it refuses."""
    status, _, body = ec2._ACTION_MAP[operation](form(**fields))
    text = body.decode() if isinstance(body, bytes) else body
    if status >= 300:
        raise ValueError(f"{operation}: {text}")
    return text


def element(text, name):
    """The first XML element of a name."""
    return re.search(f"<{name}>([^<]*)</{name}>", text).group(1)


def create_address(logical_id, props, stack_name):
    text = call("AllocateAddress", Domain="vpc")
    allocation, ip = element(text, "allocationId"), element(text, "publicIp")
    provisioners._ec2_apply_tags(allocation, props)
    return ip, {"AllocationId": allocation, "PublicIp": ip}


def delete_address(physical_id, props):
    for allocation, address in list(ec2._addresses.items()):
        if address["PublicIp"] == physical_id:
            call("ReleaseAddress", AllocationId=allocation)


def create_nat(logical_id, props, stack_name):
    text = call("CreateNatGateway", SubnetId=props["SubnetId"], AllocationId=props.get("AllocationId"))
    gateway = element(text, "natGatewayId")
    return gateway, {"NatGatewayId": gateway}


def create_egress_gateway(logical_id, props, stack_name):
    gateway = element(call("CreateEgressOnlyInternetGateway", VpcId=props["VpcId"]), "egressOnlyInternetGatewayId")
    return gateway, {"Id": gateway}


def create_block(logical_id, props, stack_name):
    """A further block of addresses. ministack has no call for IPv6 blocks, and nothing reads more of it than its id."""
    return f"vpc-cidr-assoc-{logical_id}", {"Id": f"vpc-cidr-assoc-{logical_id}"}


def create_flow_log(logical_id, props, stack_name):
    text = call("CreateFlowLogs", **{"ResourceId.1": props["ResourceId"], "ResourceType": props["ResourceType"],
                                     "TrafficType": props["TrafficType"], "LogGroupName": props.get("LogGroupName")})
    log = re.search(r"fl-[0-9a-fA-F]+", text).group(0)
    return log, {"Id": log}


def rule(props):
    """A rule in the form of the call. Its source or destination is a block, a group or a prefix list."""
    fields = {"GroupId": props["GroupId"], "IpPermissions.1.IpProtocol": props["IpProtocol"],
              "IpPermissions.1.FromPort": props.get("FromPort"), "IpPermissions.1.ToPort": props.get("ToPort")}
    for names, field in (
        (("CidrIp",), "IpRanges.1.CidrIp"),
        (("CidrIpv6",), "Ipv6Ranges.1.CidrIpv6"),
        (("SourceSecurityGroupId", "DestinationSecurityGroupId"), "UserIdGroupPairs.1.GroupId"),
        (("SourcePrefixListId", "DestinationPrefixListId"), "PrefixListIds.1.PrefixListId"),
    ):
        for name in names:
            if props.get(name):
                fields["IpPermissions.1." + field] = props[name]
    return fields


def ruled(direction):
    """Rules that are resources of their own."""
    def create(logical_id, props, stack_name):
        call("AuthorizeSecurityGroup" + direction, **rule(props))
        return f"sgr-{stack_name}-{logical_id}", {"Id": f"sgr-{stack_name}-{logical_id}"}

    def delete(physical_id, props):
        try:
            call("RevokeSecurityGroup" + direction, **rule(props))
        except ValueError:
            pass  # the group is gone, with its rules

    return {"create": create, "delete": delete}


def install():
    handlers = provisioners._RESOURCE_HANDLERS
    missing = {
        "AWS::EC2::EIP": {"create": create_address, "delete": delete_address},
        "AWS::EC2::NatGateway": {"create": create_nat,
                                 "delete": lambda physical_id, props: call("DeleteNatGateway", NatGatewayId=physical_id)},
        "AWS::EC2::EgressOnlyInternetGateway": {
            "create": create_egress_gateway,
            "delete": lambda physical_id, props: call("DeleteEgressOnlyInternetGateway",
                                                      EgressOnlyInternetGatewayId=physical_id)},
        "AWS::EC2::VPCCidrBlock": {"create": create_block, "delete": lambda physical_id, props: None},
        "AWS::EC2::FlowLog": {"create": create_flow_log,
                              "delete": lambda physical_id, props: call("DeleteFlowLogs", **{"FlowLogId.1": physical_id})},
        "AWS::EC2::SecurityGroupIngress": ruled("Ingress"),
        "AWS::EC2::SecurityGroupEgress": ruled("Egress"),
    }
    for kind, handler in missing.items():
        if kind in handlers:
            raise SystemExit(f"ministack has {kind} by now: take its repair out of {__file__}")
        handlers[kind] = handler
