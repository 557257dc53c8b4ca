// usage: .ci/lint/install --node && node .ci/lint/replacement.mjs > compiler/diff/replacement.json
// Writes which property changes replace a resource ("replace") or may ("maybe"), for every type we make. What is not
// listed, nor below something listed, is updated in place. A path has [] for a list's items and * for a map's values.
import { createRequire } from 'node:module';

const require = createRequire(new URL('.tools/node/', import.meta.url));
const { loadAwsServiceSpecSync } = require('@aws-cdk/aws-service-spec');
const { version } = require('@aws-cdk/aws-service-spec/package.json');

const TYPES = {
  'AWS::AutoScaling': 'AutoScalingGroup LifecycleHook ScalingPolicy ScheduledAction',
  'AWS::CertificateManager': 'Certificate',
  'AWS::CloudWatch': 'Alarm',
  'AWS::DynamoDB': 'Table',
  'AWS::EC2':
    'EIP EgressOnlyInternetGateway FlowLog InternetGateway LaunchTemplate NatGateway NetworkAcl Route RouteTable' +
    ' SecurityGroup SecurityGroupEgress SecurityGroupIngress Subnet SubnetRouteTableAssociation VPC VPCCidrBlock' +
    ' VPCEndpoint VPCGatewayAttachment Volume',
  'AWS::ElastiCache': 'ParameterGroup ReplicationGroup SubnetGroup User UserGroup',
  'AWS::ElasticLoadBalancingV2': 'Listener ListenerCertificate ListenerRule LoadBalancer TargetGroup',
  'AWS::Events': 'EventBus',
  'AWS::IAM': 'InstanceProfile ManagedPolicy Policy Role',
  'AWS::KMS': 'Alias Key',
  'AWS::Lambda': 'Function Permission',
  'AWS::Logs': 'LogGroup MetricFilter',
  'AWS::RDS': 'DBInstance DBParameterGroup DBSubnetGroup',
  'AWS::Route53': 'HealthCheck RecordSet RecordSetGroup',
  'AWS::S3': 'Bucket BucketPolicy',
  'AWS::SNS': 'Subscription Topic TopicPolicy',
  'AWS::SQS': 'Queue QueuePolicy',
  'AWS::SSM': 'Parameter',
  'AWS::SecretsManager': 'ResourcePolicy Secret SecretTargetAttachment',
};
// Where the database keeps what the types' own schemas (createOnlyProperties, conditionalCreateOnlyProperties) and the
// reference now say otherwise. null: in place.
const CORRECTIONS = {
  // a replacing update policy replaces the group
  'AWS::AutoScaling::AutoScalingGroup': {
    LaunchConfigurationName: 'maybe',
    LaunchTemplate: 'maybe',
    MixedInstancesPolicy: 'maybe',
    VPCZoneIdentifier: 'maybe',
  },
  'AWS::DynamoDB::Table': { KeySchema: 'maybe' },
  'AWS::EC2::EIP': { Domain: null },
  // from redis to valkey in place
  'AWS::ElastiCache::ReplicationGroup': { Engine: null },
  'AWS::ElastiCache::User': { Engine: null },
  'AWS::ElastiCache::UserGroup': { Engine: null },
  'AWS::Lambda::Function': { DurableConfig: 'maybe' },
  'AWS::RDS::DBInstance': { Port: null, StorageType: null },
  'AWS::S3::Bucket': { ObjectLockEnabled: null },
  'AWS::SNS::Subscription': { Region: 'maybe' },
};
const EFFECT = { yes: 'replace', maybe: 'maybe' };

const db = loadAwsServiceSpecSync();

function replacements(type) {
  const resource = db.lookup('resource', 'cloudFormationType', 'equals', type).only();
  const found = {};
  walk(resource.properties, '', undefined, new Set(), found);
  for (const path of resource.additionalReplacementProperties ?? []) found[path.join('.')] = 'replace';
  correct(type, found);
  return sorted(found);
}

function correct(type, found) {
  for (const [path, effect] of Object.entries(CORRECTIONS[type] ?? {})) {
    if ((found[path] ?? null) === effect) throw new Error(`${type} ${path}: no longer in need of a correction`);
    if (effect) found[path] = effect;
    else delete found[path];
  }
}

// walk lists a property when its effect is not already said by what it is in.
function walk(properties, prefix, outer, above, found) {
  for (const [name, property] of Object.entries(properties)) {
    const path = prefix + name;
    const effect = EFFECT[property.causesReplacement] ?? outer;
    if (effect !== outer) found[path] = effect;
    if (effect !== 'replace') descend(property.type, path, effect, above, found);
  }
}

function descend(type, path, effect, above, found) {
  if (type.type === 'array') return descend(type.element, `${path}[]`, effect, above, found);
  if (type.type === 'map') return descend(type.element, `${path}.*`, effect, above, found);
  if (type.type === 'union') return type.types.forEach((t) => descend(t, path, effect, above, found));
  if (type.type !== 'ref') return;
  const definition = db.get('typeDefinition', type.reference.$ref);
  if (above.has(definition.$id)) return; // a type that holds itself
  walk(definition.properties, `${path}.`, effect, new Set(above).add(definition.$id), found);
}

function sorted(object) {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const types = Object.entries(TYPES).flatMap(([service, names]) => names.split(' ').map((n) => `${service}::${n}`));
const table = { $source: { '@aws-cdk/aws-service-spec': version, 'corrected in': '.ci/lint/replacement.mjs' } };
for (const type of types.sort()) table[type] = replacements(type);
console.log(JSON.stringify(table, null, 1));
