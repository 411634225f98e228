// The ARNs that AWS would give to what the program declares, with the names that Pulumi makes up: `<name>-<seven digits>`.
import type { Declared, Program } from "./program";

export interface Place {
  partition: string;
  region: string;
  accountId: string;
}

export const KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab";
const SUFFIX = "1a2b3c4";

/** All of them have to be allowed for a call on the resource. The mocks' ids (`<name>-id`) stand for names. */
export function arnsOf(resource: Declared, program: Program, place: Place): string[] {
  const form = FORMS[resource.type];
  if (!form) throw new Error(`Give ${resource.type} its ARN in test/infra/deployed-arns.ts`);
  const { partition, region, accountId } = place;
  return form(resource, program).map((arn) => {
    const [service, rest] = [arn.slice(0, arn.indexOf(":")), arn.slice(arn.indexOf(":") + 1)];
    if (service === "apigateway") return `arn:${partition}:apigateway:${region}::${rest}`;
    if (service === "s3") return `arn:${partition}:s3:::${rest}`;
    if (GLOBAL.includes(service) || rest.startsWith("dashboard/"))
      return `arn:${partition}:${service}::${accountId}:${rest}`;
    return `arn:${partition}:${service}:${region}:${accountId}:${rest}`;
  });
}

/** A role's ARN by what the program names it with: its ARN or its name under the mocks. */
export function roleArn(reference: unknown, program: Program, place: Place): string {
  const name = String(reference)
    .replace(/^arn:aws:iam\/role:Role:/, "")
    .replace(/-id$/, "");
  const role = program.of("aws:iam/role:Role").find((declared) => declared.name === name);
  if (!role) throw new Error(`${String(reference)} is no role of the program`);
  return arnsOf(role, program, place)[0] as string;
}

const GLOBAL = ["iam", "budgets"];

/** The name that it was given, or the one that Pulumi makes of its logical name. */
function named({ name, inputs }: Declared, input = "name"): string {
  return typeof inputs[input] === "string" ? inputs[input] : `${name}-${SUFFIX}`;
}

const physical = (reference: unknown) => String(reference).replace(/-id$/, `-${SUFFIX}`);
const bucket = ({ inputs }: Declared) => [`s3:${physical(inputs.bucket)}`];
const topic = (reference: unknown) => `sns:${String(reference).split(":").at(-1)}-${SUFFIX}`;

/** An API has an id that AWS makes. */
const API = "apigateway:/apis/a1b2c3d4e5";

const FORMS: Record<string, (resource: Declared, program: Program) => string[]> = {
  "aws:apigatewayv2/api:Api": () => [API],
  "aws:apigatewayv2/integration:Integration": () => [`${API}/integrations/1a2b3c4`],
  "aws:apigatewayv2/route:Route": () => [`${API}/routes/1a2b3c4`],
  "aws:apigatewayv2/stage:Stage": ({ inputs }) => [`${API}/stages/${inputs.name}`],
  "aws:athena/namedQuery:NamedQuery": ({ inputs }) => [`athena:workgroup/${physical(inputs.workgroup)}`],
  "aws:athena/workgroup:Workgroup": (resource) => [`athena:workgroup/${named(resource)}`],
  "aws:budgets/budget:Budget": (resource) => [`budgets:budget/${named(resource)}`],
  "aws:cloudwatch/dashboard:Dashboard": (resource) => [
    `cloudwatch:dashboard/${named(resource, "dashboardName")}`,
  ],
  "aws:cloudwatch/logGroup:LogGroup": (resource) => [`logs:log-group:${named(resource)}`],
  "aws:cloudwatch/logMetricFilter:LogMetricFilter": ({ inputs }) => [`logs:log-group:${inputs.logGroupName}`],
  "aws:cloudwatch/logStream:LogStream": ({ inputs }) => [
    `logs:log-group:${inputs.logGroupName}`,
    `logs:log-group:${inputs.logGroupName}:log-stream:${inputs.name}`,
  ],
  "aws:cloudwatch/metricAlarm:MetricAlarm": (resource) => [`cloudwatch:alarm:${named(resource)}`],
  "aws:glue/catalogDatabase:CatalogDatabase": (resource) => [
    "glue:catalog",
    `glue:database/${named(resource)}`,
    `glue:table/${named(resource)}/events`,
    `glue:userDefinedFunction/${named(resource)}/any`,
  ],
  "aws:glue/catalogTable:CatalogTable": ({ inputs }) => [
    "glue:catalog",
    `glue:database/${inputs.databaseName}`,
    `glue:table/${inputs.databaseName}/${inputs.name}`,
  ],
  "aws:glue/crawler:Crawler": (resource) => [`glue:crawler/${named(resource)}`],
  "aws:glue/job:Job": (resource) => [`glue:job/${named(resource)}`],
  "aws:iam/role:Role": (resource) => [`iam:role${resource.inputs.path}${named(resource)}`],
  "aws:iam/rolePolicy:RolePolicy": ({ inputs }, program) => {
    const role = program
      .of("aws:iam/role:Role")
      .find(({ name }) => name === String(inputs.role).replace(/-id$/, ""));
    return [`iam:role${role?.inputs.path}${role?.name}-${SUFFIX}`];
  },
  "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": (resource) => [
    `firehose:deliverystream/${named(resource)}`,
  ],
  "aws:kinesis/stream:Stream": (resource) => [`kinesis:stream/${named(resource)}`],
  "aws:kms/alias:Alias": (resource) => [`kms:${named(resource)}`, `kms:key/${KEY_ID}`],
  "aws:kms/key:Key": () => [`kms:key/${KEY_ID}`],
  "aws:lambda/eventSourceMapping:EventSourceMapping": () => [`lambda:event-source-mapping:${KEY_ID}`],
  "aws:lambda/function:Function": (resource) => [`lambda:function:${named(resource)}`],
  "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": ({ inputs }) => [
    `lambda:function:${physical(inputs.functionName)}`,
  ],
  "aws:lambda/permission:Permission": ({ inputs }) => [`lambda:function:${physical(inputs.function)}`],
  "aws:s3/bucket:Bucket": (resource) => [`s3:${named(resource, "bucket")}`],
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": bucket,
  "aws:s3/bucketNotification:BucketNotification": bucket,
  "aws:s3/bucketObjectv2:BucketObjectv2": bucket,
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": bucket,
  "aws:s3/bucketPolicy:BucketPolicy": bucket,
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": bucket,
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": bucket,
  "aws:s3/bucketVersioning:BucketVersioning": bucket,
  "aws:scheduler/schedule:Schedule": (resource) => [
    `scheduler:schedule/${physical(resource.inputs.groupName)}/${named(resource)}`,
  ],
  "aws:scheduler/scheduleGroup:ScheduleGroup": (resource) => [`scheduler:schedule-group/${named(resource)}`],
  "aws:secretsmanager/secret:Secret": (resource) => [`secretsmanager:secret:${named(resource)}-AbCdEf`],
  "aws:secretsmanager/secretVersion:SecretVersion": ({ inputs }) => [
    `secretsmanager:secret:${physical(inputs.secretId)}-AbCdEf`,
  ],
  "aws:sfn/stateMachine:StateMachine": (resource) => [`states:stateMachine:${named(resource)}`],
  "aws:sqs/queue:Queue": (resource) => [`sqs:${named(resource)}`],
  "aws:sqs/queuePolicy:QueuePolicy": ({ inputs }) => [
    `sqs:${physical(String(inputs.queueUrl).split("/").at(-1))}`,
  ],
  "aws:sns/topic:Topic": (resource) => [`sns:${named(resource)}`],
  "aws:sns/topicPolicy:TopicPolicy": ({ inputs }) => [topic(inputs.arn)],
  "aws:sns/topicSubscription:TopicSubscription": ({ inputs }) => [topic(inputs.topic)],
};
