// The program as a CloudFormation template, so that checkers of templates can look at it. Nothing is left out unsaid: an
// input keeps its name, with a capital, unless the tables below say what CloudFormation calls it or why it has none.
import awsTypes from "../infra/aws-types.json";
import type { Declared } from "../infra/program";
import { withRealArns } from "./arns";

type Properties = Record<string, unknown>;

export interface Template {
  AWSTemplateFormatVersion: "2010-09-09";
  Resources: Record<string, { Type: string; Properties: Properties }>;
}

interface Rendering {
  /** What CloudFormation calls inputs, at any depth. */
  names?: Record<string, string>;
  /** Inputs whose keys are data, not names of properties. */
  verbatim?: string[];
  /** Inputs that CloudFormation has nothing for, each with the reason. */
  without?: Record<string, string>;
  /** Where the form differs, too. */
  form?: (properties: Properties, resource: Declared) => Properties;
}

const ACCOUNT = "123456789012";
/** Policies, which CloudFormation wants as objects. */
const DOCUMENTS = ["AssumeRolePolicyDocument", "KeyPolicy", "PolicyDocument"];

const TYPES: Record<string, Rendering> = {
  "aws:apigatewayv2/api:Api": { form: (properties, { name }) => ({ Name: name, ...tagMap(properties) }) },
  "aws:apigatewayv2/integration:Integration": { names: { timeoutMilliseconds: "TimeoutInMillis" } },
  "aws:apigatewayv2/stage:Stage": { names: { name: "StageName" }, form: tagMap },
  "aws:athena/namedQuery:NamedQuery": { names: { query: "QueryString", workgroup: "WorkGroup" } },
  "aws:athena/workgroup:Workgroup": {
    names: {
      configuration: "WorkGroupConfiguration",
      enforceWorkgroupConfiguration: "EnforceWorkGroupConfiguration",
      publishCloudwatchMetricsEnabled: "PublishCloudWatchMetricsEnabled",
      kmsKeyArn: "KmsKey",
      forceDestroy: "RecursiveDeleteOption",
    },
    form: (properties, { name }) => ({ Name: name, ...properties }),
  },
  "aws:budgets/budget:Budget": {
    names: { ands: "And", name: "BudgetName" },
    form: budget,
  },
  "aws:cloudwatch/logGroup:LogGroup": { names: { name: "LogGroupName" } },
  "aws:cloudwatch/logStream:LogStream": { names: { name: "LogStreamName" } },
  "aws:cloudwatch/logMetricFilter:LogMetricFilter": {
    names: {
      pattern: "FilterPattern",
      name: "MetricName",
      namespace: "MetricNamespace",
      value: "MetricValue",
    },
    verbatim: ["dimensions"],
    form: ({ MetricTransformation, ...properties }) => {
      const { Dimensions, ...metric } = MetricTransformation as Properties;
      return {
        ...properties,
        MetricTransformations: [{ ...metric, Dimensions: pairs(Dimensions, "Key") }],
      };
    },
  },
  "aws:cloudwatch/metricAlarm:MetricAlarm": {
    names: { name: "AlarmName", okActions: "OKActions", metricQueries: "Metrics" },
    verbatim: ["dimensions"],
    form: alarm,
  },
  "aws:glue/catalogDatabase:CatalogDatabase": {
    without: { tags: "CloudFormation cannot tag a database" },
    form: (properties) => ({ CatalogId: ACCOUNT, DatabaseInput: properties }),
  },
  "aws:glue/catalogTable:CatalogTable": {
    names: { serDeInfo: "SerdeInfo" },
    verbatim: ["parameters"],
    form: ({ DatabaseName, ...table }) => ({ CatalogId: ACCOUNT, DatabaseName, TableInput: table }),
  },
  "aws:glue/crawler:Crawler": {
    form: ({ CatalogTargets, ...properties }) => ({ ...tagMap(properties), Targets: { CatalogTargets } }),
  },
  "aws:glue/job:Job": {
    names: { roleArn: "Role" },
    verbatim: ["defaultArguments"],
    form: tagMap,
  },
  "aws:iam/role:Role": { names: { assumeRolePolicy: "AssumeRolePolicyDocument" } },
  "aws:iam/rolePolicy:RolePolicy": {
    names: { role: "RoleName", policy: "PolicyDocument" },
    form: (properties, { name }) => ({ PolicyName: name, ...properties }),
  },
  "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": {
    names: {
      bucketArn: "BucketARN",
      cloudwatchLoggingOptions: "CloudWatchLoggingOptions",
      extendedS3Configuration: "ExtendedS3DestinationConfiguration",
      keyArn: "KeyARN",
      roleArn: "RoleARN",
    },
    without: { destination: "CloudFormation tells it by the configuration" },
    form: deliveryStream,
  },
  "aws:kinesis/stream:Stream": {
    names: { retentionPeriod: "RetentionPeriodHours" },
    form: ({ EncryptionType, KmsKeyId, ...properties }) => ({
      ...properties,
      StreamEncryption: { EncryptionType, KeyId: KmsKeyId },
    }),
  },
  "aws:kms/alias:Alias": { names: { name: "AliasName" } },
  "aws:kms/key:Key": { names: { deletionWindowInDays: "PendingWindowInDays", policy: "KeyPolicy" } },
  "aws:lambda/eventSourceMapping:EventSourceMapping": { names: { destinationArn: "Destination" } },
  "aws:lambda/function:Function": {
    verbatim: ["variables", "code"],
    // Where the code lies is Pulumi's business: it is an archive in the program.
    form: (properties) => ({ ...properties, Code: { S3Bucket: "bundles", S3Key: "bundle.zip" } }),
  },
  "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": {
    form: (properties) => ({ Qualifier: "$LATEST", ...properties }),
  },
  "aws:lambda/permission:Permission": { names: { function: "FunctionName" } },
  "aws:s3/bucket:Bucket": {
    without: { forceDestroy: "CloudFormation empties no bucket" },
    form: (properties, { name }) => ({ BucketName: idOf(name), ...properties }),
  },
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": { form: lifecycle },
  "aws:s3/bucketNotification:BucketNotification": { form: notification },
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": {
    form: ({ Rule, ...others }) => ({ ...others, Rules: [Rule] }),
  },
  "aws:s3/bucketPolicy:BucketPolicy": { names: { policy: "PolicyDocument" } },
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": {
    names: {
      applyServerSideEncryptionByDefault: "ServerSideEncryptionByDefault",
      rules: "ServerSideEncryptionConfiguration",
      sseAlgorithm: "SSEAlgorithm",
      kmsMasterKeyId: "KMSMasterKeyID",
    },
    form: ({ ServerSideEncryptionConfiguration: rules, ...others }) => ({
      ...others,
      ServerSideEncryptionConfiguration: (rules as Properties[]).map(
        ({ BlockedEncryptionTypes, ...rule }) => ({
          ...rule,
          BlockedEncryptionTypes: { EncryptionType: BlockedEncryptionTypes },
        }),
      ),
    }),
  },
  "aws:s3/bucketVersioning:BucketVersioning": {
    form: ({ VersioningConfiguration, ...others }) => ({
      ...others,
      ...(VersioningConfiguration as Properties),
    }),
  },
  "aws:secretsmanager/secret:Secret": {
    without: { recoveryWindowInDays: "a deletion's argument, not the secret's" },
  },
  "aws:sfn/stateMachine:StateMachine": {
    names: { definition: "DefinitionString", type: "StateMachineType" },
    form: stateMachine,
  },
  "aws:sns/topicPolicy:TopicPolicy": {
    names: { arn: "Topics", policy: "PolicyDocument" },
    form: ({ Topics, ...properties }) => ({ ...properties, Topics: [Topics] }),
  },
  "aws:sns/topicSubscription:TopicSubscription": { names: { topic: "TopicArn" } },
  "aws:sqs/queue:Queue": {
    names: {
      messageRetentionSeconds: "MessageRetentionPeriod",
      visibilityTimeoutSeconds: "VisibilityTimeout",
    },
  },
  "aws:sqs/queuePolicy:QueuePolicy": {
    names: { policy: "PolicyDocument", queueUrl: "Queues" },
    form: ({ Queues, ...properties }) => ({ ...properties, Queues: [Queues] }),
  },
};

/** @throws for a type or a value that it does not know. */
export function cloudFormation(resources: Declared[]): { template: Template; withoutEquivalent: string[] } {
  const found: Template["Resources"] = {};
  const withoutEquivalent: string[] = [];
  for (const resource of resources) {
    const [whole, part] = equivalent(resource.type);
    if (whole === undefined) withoutEquivalent.push(`${resource.name} (${resource.type})`);
    else if (part === undefined)
      found[logicalId(resource)] = { Type: whole, Properties: properties(resource) };
  }
  for (const resource of resources) {
    const [, part] = equivalent(resource.type);
    if (part !== undefined) bucketOf(resource, resources, found)[part] = partOfBucket(resource);
  }
  const text = withRealArns(JSON.stringify({ AWSTemplateFormatVersion: "2010-09-09", Resources: found }));
  return { template: JSON.parse(text), withoutEquivalent };
}

/** CloudFormation's type, and the property where it is just a part of one. */
function equivalent(type: string): [string?, string?] {
  const known = (awsTypes.types as Record<string, { cloudFormation: string | null }>)[type];
  if (!known) throw new Error(`test/infra/aws_types.py does not know ${type}`);
  const [whole, part] = known.cloudFormation?.split("/") ?? [];
  return [whole, part];
}

/** Letters and digits, as CloudFormation demands; resources of several types share a name. */
function logicalId({ name, type }: Declared): string {
  return `${name}${type.split(":").pop()}`.replace(/\W|_/g, "");
}

/** The mocks' id of a resource. */
function idOf(name: string): string {
  return `${name}-id`;
}

function bucketOf({ name, inputs }: Declared, all: Declared[], rendered: Template["Resources"]): Properties {
  const bucket = all.find(
    ({ type, name: other }) => type === "aws:s3/bucket:Bucket" && idOf(other) === inputs.bucket,
  );
  const properties = bucket && rendered[logicalId(bucket)]?.Properties;
  if (!properties) throw new Error(`${name}: there is no bucket ${inputs.bucket}`);
  return properties;
}

function partOfBucket(resource: Declared): Properties {
  const { bucket, ...inputs } = resource.inputs;
  return properties({ ...resource, inputs });
}

function properties(resource: Declared): Properties {
  const rendering = TYPES[resource.type] ?? {};
  const { tags, ...inputs } = Object.fromEntries(
    Object.entries(resource.inputs).filter(([key]) => rendering.without?.[key] === undefined),
  );
  const named = renamed(inputs, rendering) as Properties;
  const tagged = tags === undefined ? named : { ...named, Tags: pairs(tags, "Key") };
  return rendering.form?.(tagged, resource) ?? tagged;
}

function renamed(value: unknown, rendering: Rendering): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rendering));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      // Assets, archives and secrets: what they become is for the tables to say.
      if (/^(__|[0-9a-f]{32}$)/.test(key)) throw new Error(`No table says how to render ${key}`);
      const name = rendering.names?.[key] ?? `${key.charAt(0).toUpperCase()}${key.slice(1)}`;
      if (DOCUMENTS.includes(name)) return [name, JSON.parse(String(inner))];
      return [name, rendering.verbatim?.includes(key) ? inner : renamed(inner, rendering)];
    }),
  );
}

function pairs(map: unknown, key: "Key" | "Name"): Properties[] {
  return Object.entries(map as Properties).map(([name, value]) => ({ [key]: name, Value: value }));
}

/** Tags as an object, where CloudFormation wants them so. */
function tagMap({ Tags, ...properties }: Properties): Properties {
  return { ...properties, Tags: mapOf(Tags) };
}

function mapOf(tags: unknown): Properties {
  return Object.fromEntries((tags as { Key: string; Value: string }[]).map(({ Key, Value }) => [Key, Value]));
}

function alarm({ Metrics, Dimensions, ...properties }: Properties): Properties {
  return {
    ...properties,
    ...(Dimensions !== undefined && { Dimensions: pairs(Dimensions, "Name") }),
    ...(Metrics !== undefined && { Metrics: (Metrics as Properties[]).map(metricQuery) }),
  };
}

function metricQuery({ Metric, ...query }: Properties): Properties {
  if (Metric === undefined) return query;
  const { Period, Stat, Unit, Dimensions, ...metric } = Metric as Properties;
  const dimensions = Dimensions === undefined ? {} : { Dimensions: pairs(Dimensions, "Name") };
  return {
    ...query,
    MetricStat: { Metric: { ...metric, ...dimensions }, Period, Stat, ...(Unit !== undefined && { Unit }) },
  };
}

function budget({ Notifications, Tags, LimitAmount, LimitUnit, Metrics, ...data }: Properties): Properties {
  return {
    Budget: { ...data, Metrics: [Metrics], BudgetLimit: { Amount: LimitAmount, Unit: LimitUnit } },
    ResourceTags: Tags,
    NotificationsWithSubscribers: (Notifications as Properties[]).map(
      ({ SubscriberSnsTopicArns, ...notification }) => ({
        Notification: notification,
        Subscribers: (SubscriberSnsTopicArns as string[]).map((arn) => ({
          SubscriptionType: "SNS",
          Address: arn,
        })),
      }),
    ),
  };
}

/** CloudFormation has the filter's members in the rule itself, and a tag as a list. */
function ruleFilter({ Tag, ...filter }: Properties): Properties {
  return { ...filter, ...(Tag !== undefined && { TagFilters: [Tag] }) };
}

function lifecycle({ Rules, ...properties }: Properties): Properties {
  return {
    ...properties,
    Rules: (Rules as Properties[]).map(({ Filter, Expiration, Transitions, ...rule }) => {
      const { Days, ...expiration } = (Expiration ?? {}) as Properties;
      const transitions = (Transitions as Properties[] | undefined)?.map(({ Days, ...transition }) => ({
        ...transition,
        TransitionInDays: Days,
      }));
      return {
        ...rule,
        ...ruleFilter((Filter ?? {}) as Properties),
        ...expiration,
        ...(Days !== undefined && { ExpirationInDays: Days }),
        ...(transitions && { Transitions: transitions }),
      };
    }),
  };
}

function deliveryStream({
  ExtendedS3DestinationConfiguration: destination,
  ServerSideEncryption: encryption,
  ...properties
}: Properties): Properties {
  const { BufferingInterval, BufferingSize, ...others } = destination as Properties;
  const { Enabled: _, ...key } = encryption as Properties;
  return {
    ...properties,
    DeliveryStreamEncryptionConfigurationInput: key,
    ExtendedS3DestinationConfiguration: {
      ...others,
      BufferingHints: { IntervalInSeconds: BufferingInterval, SizeInMBs: BufferingSize },
    },
  };
}

function notification({ LambdaFunctions, ...properties }: Properties): Properties {
  const rule = (Name: string, Value: unknown) => ({ Name, Value });
  return {
    ...properties,
    LambdaConfigurations: (LambdaFunctions as Properties[]).flatMap(
      ({ Events, FilterPrefix, FilterSuffix, LambdaFunctionArn }) =>
        (Events as string[]).map((Event) => ({
          Event,
          Filter: { S3Key: { Rules: [rule("prefix", FilterPrefix), rule("suffix", FilterSuffix)] } },
          Function: LambdaFunctionArn,
        })),
    ),
  };
}

function stateMachine({ LoggingConfiguration, ...properties }: Properties): Properties {
  const { LogDestination, ...logging } = LoggingConfiguration as Properties;
  const destination = { CloudWatchLogsLogGroup: { LogGroupArn: LogDestination } };
  return { ...properties, LoggingConfiguration: { ...logging, Destinations: [destination] } };
}
