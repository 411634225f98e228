// Each configuration key that turns something off, and how to ask AWS whether it is off.
import { GetApisCommand } from "@aws-sdk/client-apigatewayv2";
import { GetWorkGroupCommand } from "@aws-sdk/client-athena";
import { paginateDescribeBudgets } from "@aws-sdk/client-budgets";
import { ListDashboardsCommand, paginateDescribeAlarms } from "@aws-sdk/client-cloudwatch";
import { paginateDescribeLogGroups } from "@aws-sdk/client-cloudwatch-logs";
import { DescribeStreamSummaryCommand, ListTagsForStreamCommand } from "@aws-sdk/client-kinesis";
import { DescribeKeyCommand } from "@aws-sdk/client-kms";
import { GetFunctionConfigurationCommand, ListEventSourceMappingsCommand } from "@aws-sdk/client-lambda";
import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketVersioningCommand,
} from "@aws-sdk/client-s3";
import { paginateListSchedules } from "@aws-sdk/client-scheduler";
import { paginateListSecrets, type SecretListEntry } from "@aws-sdk/client-secrets-manager";
import { DescribeStateMachineCommand } from "@aws-sdk/client-sfn";
import { GetTopicAttributesCommand } from "@aws-sdk/client-sns";
import { budgetName } from "../../infra/blocks/names";
import { PROJECT_TAG, STACK_TAG } from "../teardown/leftovers";
import { SITE } from "./checks/collector";
import type { Settings } from "./settings";
import { qualified, type World } from "./world";

export interface Switch {
  /** The key. It also names the step and the row. */
  id: string;
  on: Settings;
  off: Settings;
  /** The AWS CLI command that shows it. */
  command: string;
  /** What the command should show. */
  see: string;
  /** What is still on, according to the services; empty if it is off. */
  isOn(world: World): Promise<string[]>;
}

/**
 * In the order in which they are turned off. customerKey is near the end: what it encrypted cannot be read
 * afterwards. privacyHashKey comes after it: its secret must outlive the stack's key.
 */
export const SWITCHES: readonly Switch[] = [
  {
    id: "tracing",
    on: { tracing: true },
    off: { tracing: false },
    command: "aws lambda get-function-configuration --function-name NAME --query TracingConfig",
    see: "`PassThrough`; `aws stepfunctions describe-state-machine`: `tracingConfiguration.enabled` is false",
    isOn: tracing,
  },
  {
    id: "collector",
    on: { collector: true, collectorOrigins: [SITE], collectorRespectGpc: true, collectorRespectDnt: true },
    off: {
      collector: false,
      collectorOrigins: undefined,
      collectorRespectGpc: false,
      collectorRespectDnt: false,
    },
    command: "aws apigatewayv2 get-apis --query \"Items[?Tags.Stack=='NAME'].ApiId\"",
    see: "no API",
    isOn: apis,
  },
  {
    id: "dashboard",
    on: { dashboard: true },
    off: { dashboard: false },
    command: "aws cloudwatch list-dashboards --dashboard-name-prefix clickstream-NAME",
    see: "no dashboard",
    isOn: dashboards,
  },
  {
    id: "monthlyBudgetUsd",
    on: { monthlyBudgetUsd: 100 },
    off: { monthlyBudgetUsd: 0 },
    command: "aws budgets describe-budgets --account-id ACCOUNT",
    see: "no budget of the stack",
    isOn: budgets,
  },
  {
    id: "alarm thresholds",
    on: {},
    off: {
      alarmNoEventsMinutes: 0,
      alarmVolumeDropPercent: 0,
      alarmIteratorAgeMinutes: 0,
      alarmQuarantinePercent: 0,
      alarmNoSuccessHours: 0,
    },
    command: "aws cloudwatch describe-alarms --alarm-name-prefix clickstream-NAME-",
    see: "no `no-events`, `volume-drop`, `iterator-age`, `quarantine-ratio`, `no-success`",
    isOn: async (world) =>
      (await alarms(world)).filter((name) =>
        /-(no-events|volume-drop|iterator-age|quarantine-ratio|no-success)$/.test(name),
      ),
  },
  {
    id: "alarms",
    on: { alarms: true },
    off: { alarms: false },
    command: "aws cloudwatch describe-alarms --alarm-name-prefix clickstream-NAME-",
    see: "no alarm; `aws lambda list-event-source-mappings`: no `MetricsConfig` with `EventCount`",
    // The mapping's metrics serve alarms and the dashboard. The dashboard is already off.
    isOn: async (world) => [...(await alarms(world)), ...(await mappingCounts(world))],
  },
  {
    id: "versioning",
    on: { versioning: true },
    off: { versioning: false },
    command: "aws s3api get-bucket-versioning --bucket RAW_BUCKET",
    see: "`Suspended`",
    isOn: versioned,
  },
  {
    id: "retention in days",
    on: { rawInfrequentAccessDays: 90, rawRetentionDays: 730, quarantineRetentionDays: 365 },
    off: { rawInfrequentAccessDays: 0, rawRetentionDays: 0, quarantineRetentionDays: 0 },
    command: "aws s3api get-bucket-lifecycle-configuration --bucket RAW_BUCKET",
    see: "no rule `raw`, `quarantine`, `failed-batches`",
    isOn: retention,
  },
  {
    id: "athenaScanLimitGb",
    on: { athenaScanLimitGb: 100 },
    off: { athenaScanLimitGb: 0 },
    command: "aws athena get-work-group --work-group WORKGROUP --query WorkGroup.Configuration",
    see: "no `BytesScannedCutoffPerQuery`",
    isOn: scanLimit,
  },
  {
    id: "tags",
    on: { tags: { Purpose: "acceptance" } },
    off: { tags: undefined },
    command: 'aws kinesis list-tags-for-stream --stream-name "$(pulumi stack output streamName)"',
    see: "no tag `Purpose`",
    isOn: ownTags,
  },
  {
    id: "customerKey",
    on: { customerKey: true },
    off: { customerKey: false },
    command: "aws s3api get-bucket-encryption --bucket RAW_BUCKET; aws logs describe-log-groups",
    see: "`AES256`; no `kmsKeyId`; the stream, buckets, topics and secret name no key of the account",
    isOn: customerKeys,
  },
  {
    id: "privacyHashKey",
    on: { privacy: { user_id: "hash" } },
    off: { privacy: { user_id: "keep" }, privacyHashKey: undefined },
    command: "aws secretsmanager list-secrets --filters Key=tag-value,Values=NAME",
    see: "no secret",
    isOn: secrets,
  },
];

/** For the step `schedule`. */
export const SCHEDULE_ON: Settings = { scheduleEnabled: true, scheduleExpression: "rate(1 minute)" };
export const SCHEDULE_OFF: Settings = { scheduleEnabled: false };

/** Keys that look like switches but are not turned off here, with the reason. A test checks that the list is complete. */
export const NOT_SWITCHED: Readonly<Record<string, string>> = {
  scheduleEnabled: "turned on and off by the step schedule",
  allowDataLoss: "destroy needs it",
  forceDestroy: "destroy needs it",
  successEmails: "AWS would send mails to a person",
  failureEmails: "AWS would send mails to a person",
  batchWindowSeconds: "0 is an ordinary length",
  firehoseBufferSeconds: "0 is an ordinary length, and the run deploys a stream",
  crawler: "each execution of the run would wait minutes for a crawl",
  ingestRetryAttempts: "0 is an ordinary number",
  latestEventLeadHours: "0 is an ordinary length",
  collectorConcurrency: "a new account has no concurrency to reserve",
  compaction: "no resource depends on it, and the lake that accept makes has no date to compact",
};

async function tracing({ clients, outputs }: World): Promise<string[]> {
  const found: string[] = [];
  for (const FunctionName of functionsOf(outputs)) {
    const { TracingConfig } = await clients.lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName }),
    );
    if (TracingConfig?.Mode === "Active") found.push(`${FunctionName}: Active`);
  }
  const { stateMachineArn } = outputs;
  const machine = await clients.sfn.send(new DescribeStateMachineCommand({ stateMachineArn }));
  if (machine.tracingConfiguration?.enabled) found.push(`${machine.name}: enabled`);
  return found;
}

export function functionsOf(outputs: World["outputs"]): string[] {
  return [
    outputs.ingestFunction,
    outputs.awaitIngestFunction,
    outputs.lookForNewFunction,
    outputs.simulatorFunction,
    ...(outputs.collectorFunction === "" ? [] : [outputs.collectorFunction]),
  ];
}

async function apis({ clients, project, stack }: World): Promise<string[]> {
  const found: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await clients.apigateway.send(new GetApisCommand({ NextToken }));
    for (const { ApiId, Tags } of page.Items ?? []) {
      if (Tags?.[PROJECT_TAG] === project && Tags?.[STACK_TAG] === stack) found.push(`API ${ApiId}`);
    }
    NextToken = page.NextToken;
  } while (NextToken);
  return found;
}

async function dashboards(world: World): Promise<string[]> {
  const { DashboardEntries = [] } = await world.clients.cloudwatch.send(new ListDashboardsCommand({}));
  return DashboardEntries.flatMap(({ DashboardName = "" }) =>
    DashboardName === qualified(world) ? [`dashboard ${DashboardName}`] : [],
  );
}

async function budgets(world: World): Promise<string[]> {
  const AccountId = world.outputs.stateMachineArn.split(":")[4];
  const wanted = budgetName(world.project, world.stack);
  const found: string[] = [];
  const client = world.clients.budgets;
  for await (const { Budgets = [] } of paginateDescribeBudgets({ client }, { AccountId })) {
    for (const { BudgetName } of Budgets) if (BudgetName === wanted) found.push(`budget ${BudgetName}`);
  }
  return found;
}

export async function alarms(world: World): Promise<string[]> {
  const found: string[] = [];
  const client = world.clients.cloudwatch;
  for await (const { MetricAlarms = [] } of paginateDescribeAlarms(
    { client },
    { AlarmNamePrefix: `${qualified(world)}-` },
  )) {
    found.push(...MetricAlarms.map(({ AlarmName = "" }) => AlarmName));
  }
  return found;
}

async function mappingCounts({ clients, outputs }: World): Promise<string[]> {
  const { EventSourceMappings = [] } = await clients.lambda.send(
    new ListEventSourceMappingsCommand({ FunctionName: outputs.ingestFunction }),
  );
  return EventSourceMappings.flatMap(({ UUID, MetricsConfig }) =>
    MetricsConfig?.Metrics?.length ? [`mapping ${UUID}: ${MetricsConfig.Metrics.join(", ")}`] : [],
  );
}

const dataBuckets = ({ rawBucket, curatedBucket, resultsBucket }: World["outputs"]) => [
  rawBucket,
  curatedBucket,
  resultsBucket,
];

async function versioned({ clients, outputs }: World): Promise<string[]> {
  const found: string[] = [];
  for (const Bucket of dataBuckets(outputs)) {
    const { Status } = await clients.s3.send(new GetBucketVersioningCommand({ Bucket }));
    if (Status === "Enabled") found.push(`${Bucket}: Enabled`);
  }
  return found;
}

async function retention({ clients, outputs }: World): Promise<string[]> {
  const { Rules = [] } = await clients.s3.send(
    new GetBucketLifecycleConfigurationCommand({ Bucket: outputs.rawBucket }),
  );
  return Rules.flatMap(({ ID = "" }) =>
    ["raw", "quarantine", "failed-batches"].includes(ID) ? [`rule ${ID}`] : [],
  );
}

async function scanLimit({ clients, outputs }: World): Promise<string[]> {
  const { WorkGroup } = await clients.athena.send(new GetWorkGroupCommand({ WorkGroup: outputs.workgroup }));
  const limit = WorkGroup?.Configuration?.BytesScannedCutoffPerQuery;
  return limit ? [`BytesScannedCutoffPerQuery ${limit}`] : [];
}

async function secrets(world: World): Promise<string[]> {
  return (await itsSecrets(world)).map(({ Name }) => `secret ${Name}`);
}

async function itsSecrets(world: World): Promise<SecretListEntry[]> {
  const found: SecretListEntry[] = [];
  for await (const { SecretList = [] } of paginateListSecrets({ client: world.clients.secrets }, {})) {
    for (const secret of SecretList) {
      const tag = (name: string) => secret.Tags?.find(({ Key }) => Key === name)?.Value;
      if (tag(PROJECT_TAG) === world.project && tag(STACK_TAG) === world.stack) found.push(secret);
    }
  }
  return found;
}

async function ownTags({ clients, outputs }: World): Promise<string[]> {
  const { Tags = [] } = await clients.kinesis.send(
    new ListTagsForStreamCommand({ StreamName: outputs.streamName }),
  );
  return Tags.flatMap(({ Key, Value }) => (Key === "Purpose" ? [`${Key}=${Value}`] : []));
}

/** An encrypted resource and the key that its service reports. */
type Encrypted = [what: string, key: string | undefined];

async function customerKeys(world: World): Promise<string[]> {
  const { clients, outputs } = world;
  const { StreamDescriptionSummary } = await clients.kinesis.send(
    new DescribeStreamSummaryCommand({ StreamName: outputs.streamName }),
  );
  const all: Encrypted[] = [
    [outputs.streamName, StreamDescriptionSummary?.KeyId],
    ...(await bucketKeys(world)),
    ...(await topicKeys(world)),
    ...(await logGroupKeys(world)),
    ...(await itsSecrets(world)).map(({ Name, KmsKeyId }): Encrypted => [`secret ${Name}`, KmsKeyId]),
  ];
  const found: string[] = [];
  for (const [what, key] of all) {
    if (key && (await isOfTheAccount(world, key))) found.push(`${what}: ${key}`);
  }
  return found;
}

async function bucketKeys({ clients, outputs }: World): Promise<Encrypted[]> {
  const found: Encrypted[] = [];
  for (const Bucket of dataBuckets(outputs)) {
    const answer = await clients.s3.send(new GetBucketEncryptionCommand({ Bucket }));
    for (const rule of answer.ServerSideEncryptionConfiguration?.Rules ?? []) {
      found.push([Bucket, rule.ApplyServerSideEncryptionByDefault?.KMSMasterKeyID]);
    }
  }
  return found;
}

async function topicKeys({ clients, outputs }: World): Promise<Encrypted[]> {
  const found: Encrypted[] = [];
  for (const TopicArn of [outputs.successTopicArn, outputs.failureTopicArn]) {
    const { Attributes } = await clients.sns.send(new GetTopicAttributesCommand({ TopicArn }));
    found.push([TopicArn, Attributes?.KmsMasterKeyId]);
  }
  return found;
}

async function logGroupKeys(world: World): Promise<Encrypted[]> {
  const found: Encrypted[] = [];
  const client = world.clients.logs;
  for await (const { logGroups = [] } of paginateDescribeLogGroups({ client }, {})) {
    for (const { logGroupName = "", kmsKeyId } of logGroups) {
      if (logGroupName.includes(`/${qualified(world)}/`)) found.push([logGroupName, kmsKeyId]);
    }
  }
  return found;
}

/** AWS's own keys are named "alias/aws/…", or have an id that only KMS can tell from a customer's. */
async function isOfTheAccount({ clients }: World, KeyId: string): Promise<boolean> {
  if (/alias\/aws\//.test(KeyId)) return false;
  const { KeyMetadata } = await clients.kms.send(new DescribeKeyCommand({ KeyId }));
  return KeyMetadata?.KeyManager !== "AWS";
}

/** The schedules that start the state machine. */
export async function schedules({ clients, outputs }: World): Promise<string[]> {
  const found: string[] = [];
  for await (const { Schedules = [] } of paginateListSchedules({ client: clients.scheduler }, {})) {
    for (const { Name, Target, State } of Schedules) {
      if (Target?.Arn === outputs.stateMachineArn) found.push(`schedule ${Name}: ${State}`);
    }
  }
  return found;
}
