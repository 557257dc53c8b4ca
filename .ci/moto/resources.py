"""Resource types, and parts of them, that moto's services have and its CloudFormation does not."""

import hashlib
import re

from moto.cloudformation.exceptions import ValidationError
from moto.core.common_models import CloudFormationModel
from moto.dynamodb import models as dynamodb
from moto.ec2.models import ec2_backends, security_groups
from moto.ec2.models.elastic_ip_addresses import ElasticAddress
from moto.ec2.models.internet_gateways import InternetGateway
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.models.route_tables import RouteTable
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPCEndPoint
from moto.ec2.models.vpn_gateway import VPCGatewayAttachment
from moto.elbv2 import models as elbv2
from moto.kms import models as kms
from moto.logs import models as logs
from moto.route53 import models as route53
from moto.ssm import models as ssm

import stacks

DEBIAN = re.compile(r"/aws/service/debian/(release|daily)/\d+/latest/(amd64|arm64)")


def rule(properties, other):
    """A rule's other end, as the calls that make rules take it."""
    ranges, groups, lists = [], [], []
    if properties.get("CidrIp"):
        ranges.append({"CidrIp": properties["CidrIp"]})
    if properties.get("CidrIpv6"):
        ranges.append({"CidrIpv6": properties["CidrIpv6"]})
    if properties.get(f"{other}SecurityGroupId"):
        groups.append({"GroupId": properties[f"{other}SecurityGroupId"]})
    if properties.get(f"{other}PrefixListId"):
        lists.append({"PrefixListId": properties[f"{other}PrefixListId"]})
    return {
        "group_name_or_id": properties["GroupId"], "ip_protocol": properties["IpProtocol"],
        "from_port": properties.get("FromPort"), "to_port": properties.get("ToPort"),
        "ip_ranges": ranges, "source_groups": groups, "prefix_list_ids": lists,
    }


class Rule:
    """A rule of a security group that is a resource of its own."""

    direction = other = ""

    def __init__(self, backend, properties):
        self.backend = backend
        self.rule = rule(properties, self.other)
        self.physical_resource_id = "sgr-" + hashlib.sha256(repr(sorted(properties.items())).encode()).hexdigest()[:17]
        self.call("authorize")

    def call(self, verb):
        arguments = dict(self.rule)
        getattr(self.backend, f"{verb}_security_group_{self.direction}")(**arguments)

    @staticmethod
    def cloudformation_name_type():
        return ""

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **_):
        return cls(ec2_backends[account_id][region_name], cloudformation_json["Properties"])

    def delete(self, *_):
        try:
            self.call("revoke")
        except security_groups.InvalidSecurityGroupNotFoundError:
            pass  # it went with its group

    def is_created(self):
        return True


class Egress(Rule, CloudFormationModel):
    __module__ = "moto.ec2.models"  # moto counts its models by service
    direction, other = "egress", "Destination"

    @staticmethod
    def cloudformation_type():
        return "AWS::EC2::SecurityGroupEgress"


class Ingress(Rule, CloudFormationModel):
    __module__ = "moto.ec2.models"
    direction, other = "ingress", "Source"

    @staticmethod
    def cloudformation_type():
        return "AWS::EC2::SecurityGroupIngress"


class CacheSubnets(CloudFormationModel):
    """A subnet group of ElastiCache, of which moto's ElastiCache knows nothing: a name."""

    __module__ = "moto.elasticache.models"

    def __init__(self, name):
        self.physical_resource_id = name

    @staticmethod
    def cloudformation_name_type():
        return "CacheSubnetGroupName"

    @staticmethod
    def cloudformation_type():
        return "AWS::ElastiCache::SubnetGroup"

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, *_, **__):
        return cls(resource_name.lower())

    def delete(self, *_):
        pass

    def is_created(self):
        return True


def load_balancer(cls, resource_name, cloudformation_json, account_id, region_name, **_):
    """A balancer of the type that the template says. Moto takes every one for an application's."""
    p = cloudformation_json["Properties"]
    return elbv2.elbv2_backends[account_id][region_name].create_load_balancer(
        resource_name, p.get("SecurityGroups"), p.get("Subnets"), scheme=p.get("Scheme", "internet-facing"),
        loadbalancer_type=p.get("Type", "application"), ip_address_type=p.get("IpAddressType", "ipv4"),
    )


def subnet(cls, resource_name, cloudformation_json, account_id, region_name, **_):
    """A subnet in the zone that the template names by its id. Moto puts every such one into the first."""
    p = cloudformation_json["Properties"]
    made = ec2_backends[account_id][region_name].create_subnet(
        vpc_id=p["VpcId"], cidr_block=p["CidrBlock"], availability_zone=p.get("AvailabilityZone"),
        availability_zone_id=p.get("AvailabilityZoneId"),
    )
    for tag in p.get("Tags", []):
        made.add_tag(tag["Key"], tag["Value"])
    return made


def record(create):
    """A record whose name ends in a dot, as Route 53 gives all names."""

    def made(cls, resource_name, cloudformation_json, *args, **kwargs):
        p = cloudformation_json["Properties"]
        p["Name"] = p["Name"].rstrip(".") + "."
        return create(cls, resource_name, cloudformation_json, *args, **kwargs)

    return classmethod(made)


def delete_record(self, account_id, region):
    """Deletes this record, and not those of the same name in other regions."""
    zone = route53.route53_backends[account_id]["aws"].get_hosted_zone(self.hosted_zone_id)
    zone.rrsets = [r for r in zone.rrsets if (r.name, r.type, r.set_identifier) != (self.name, self.type, self.set_identifier)]


def update_record(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
    original_resource.delete(account_id, region_name)
    return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)


def deletions():
    """How to delete what moto's CloudFormation makes and then forgets."""

    def on_ec2(act):
        return lambda self, account, region: act(ec2_backends[account][region], self)

    def detach(backend, attachment):
        backend.detach_internet_gateway(attachment.gateway_id, attachment.vpc_id)

    def delete_table(backend, table):
        if table.id in backend.route_tables:  # moto may have taken it for the VPC's own, which goes with the VPC
            backend.delete_route_table(table.id)

    def release(backend, address):
        backend.release_address(allocation_id=address.allocation_id)

    return {
        ElasticAddress: on_ec2(release),
        InternetGateway: on_ec2(lambda b, r: b.delete_internet_gateway(r.id)),
        NatGateway: on_ec2(lambda b, r: b.delete_nat_gateway(r.id)),
        RouteTable: on_ec2(delete_table),
        VPCEndPoint: on_ec2(lambda b, r: b.delete_vpc_endpoints([r.id])),
        VPCGatewayAttachment: on_ec2(detach),
        elbv2.FakeTargetGroup: lambda self, account, region: elbv2.elbv2_backends[account][region].delete_target_group(self.arn),
    }


def named(model, find):
    """Has a resource with a name of its own refuse what exists, or take it over where the change set says so."""
    create = model.create_from_cloudformation_json.__func__

    def create_or_import(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        existing = find(resource_name, account_id, region_name)
        if existing is None:
            return create(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)
        if not stacks.importing:
            raise ValidationError(message=f"Resource of type '{cls.cloudformation_type()}' with identifier '{resource_name}' already exists.")
        return existing

    model.create_from_cloudformation_json = classmethod(create_or_import)


def debian(backend, find):
    """Debian's own parameters, which name an image in each region."""

    def get_parameter(self, name):
        found = DEBIAN.fullmatch(name)
        if not found:
            return find(self, name)
        value = "ami-0" + hashlib.sha256(f"{self.region_name} {name}".encode()).hexdigest()[:16]
        return ssm.Parameter(self.account_id, name, value, "String", "", None, None, 0, 1, "text")

    backend.get_parameter = get_parameter


def key(original):
    """Makes a key of the template's usage and spec. Moto makes every key of a template one for encryption, so no MAC could be made."""

    def create(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        properties = cloudformation_json["Properties"]
        made = original(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)
        made.key_usage = properties.get("KeyUsage", made.key_usage)
        made.key_spec = properties.get("KeySpec", made.key_spec)
        return made

    return classmethod(create)


def install():
    kms.Key.create_from_cloudformation_json = key(kms.Key.create_from_cloudformation_json.__func__)
    old = security_groups.SecurityGroupIngress
    old.cloudformation_type = staticmethod(lambda: "Moto::EC2::SecurityGroupIngress")  # Ingress takes its place
    elbv2.FakeLoadBalancer.create_from_cloudformation_json = classmethod(load_balancer)
    Subnet.create_from_cloudformation_json = classmethod(subnet)
    route53.RecordSet.create_from_cloudformation_json = record(route53.RecordSet.create_from_cloudformation_json.__func__)
    route53.RecordSet.update_from_cloudformation_json = classmethod(update_record)
    route53.RecordSet.delete = delete_record
    for model, delete in deletions().items():
        model.delete = delete
    named(dynamodb.Table, lambda name, account, region: dynamodb.dynamodb_backends[account][region].tables.get(name))
    named(logs.LogGroup, lambda name, account, region: logs.logs_backends[account][region].groups.get(name))
    debian(ssm.SimpleSystemManagerBackend, ssm.SimpleSystemManagerBackend.get_parameter)
