// Lists every resource of the kinds that the program creates, in an account and region, by asking each service.

import { ApiGatewayV2Client, GetApisCommand, GetStagesCommand } from "@aws-sdk/client-apigatewayv2";
import { AthenaClient, ListNamedQueriesCommand, ListWorkGroupsCommand } from "@aws-sdk/client-athena";
import { BudgetsClient, paginateDescribeBudgets } from "@aws-sdk/client-budgets";
import { CloudWatchClient, ListDashboardsCommand, paginateDescribeAlarms } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogsClient, paginateDescribeLogGroups } from "@aws-sdk/client-cloudwatch-logs";
import { FirehoseClient, ListDeliveryStreamsCommand } from "@aws-sdk/client-firehose";
import {
  GlueClient,
  paginateGetCrawlers,
  paginateGetDatabases,
  paginateGetJobs,
  paginateGetPartitions,
  paginateGetTables,
} from "@aws-sdk/client-glue";
import {
  IAMClient,
  paginateListPolicies,
  paginateListRolePolicies,
  paginateListRoles,
} from "@aws-sdk/client-iam";
import { KinesisClient, ListStreamsCommand } from "@aws-sdk/client-kinesis";
import { DescribeKeyCommand, KMSClient, paginateListAliases, paginateListKeys } from "@aws-sdk/client-kms";
import { LambdaClient, paginateListEventSourceMappings, paginateListFunctions } from "@aws-sdk/client-lambda";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import {
  paginateListScheduleGroups,
  paginateListSchedules,
  SchedulerClient,
} from "@aws-sdk/client-scheduler";
import { paginateListSecrets, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { paginateListStateMachines, SFNClient } from "@aws-sdk/client-sfn";
import { paginateListSubscriptions, paginateListTopics, SNSClient } from "@aws-sdk/client-sns";
import { paginateListQueues, SQSClient } from "@aws-sdk/client-sqs";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { partitionOf } from "../../stack/partition";
import type { TargetConfig } from "../../stack/target";
import { logPolicies } from "./log-policies";

export interface Item {
  /** Service and kind, such as "lambda function". */
  kind: string;
  /** Its name or id in its service. */
  id: string;
  arn?: string;
  /** What it belongs to, if its name does not show it: a schedule's target, a mapping's function. */
  serves?: string;
  /** The command that removes it. */
  remove: string;
}

/** `wanted` filters databases, workgroups and roles by name, to save the calls for their contents. */
type Lister = (config: TargetConfig, wanted: (name: string) => boolean) => Promise<Item[]>;

/** Everything that the services list, one line each, sorted. */
export async function listEverything(config: TargetConfig): Promise<string[]> {
  const lists = await Promise.all(Object.values(LISTERS).map((list) => list(config, () => true)));
  return lists
    .flat()
    .map(({ kind, id }) => `${kind} ${id}`)
    .sort();
}

/** In the order in which resources can be removed: event source mappings before their functions. */
export const LISTERS: Readonly<Record<string, Lister>> = {
  schedules,
  mappings,
  stateMachines,
  apis,
  functions,
  streams,
  deliveryStreams,
  queues,
  crawlers,
  jobs,
  catalog,
  workgroups,
  namedQueries,
  subscriptions,
  topics,
  alarms,
  dashboards,
  budgets,
  secrets,
  aliases,
  keys,
  roles,
  policies,
  logGroups,
  logDelivery,
  buckets,
};

/** All pages of an SDK paginator as one list. */
async function all<Page, T>(
  paginator: AsyncIterable<Page>,
  of: (page: Page) => T[] | undefined,
): Promise<T[]> {
  const found: T[] = [];
  for await (const page of paginator) found.push(...(of(page) ?? []));
  return found;
}

const text = (value: string | undefined): string => value ?? "";

async function schedules(config: TargetConfig): Promise<Item[]> {
  const client = new SchedulerClient(config);
  const found = await all(paginateListSchedules({ client }, {}), ({ Schedules }) => Schedules);
  const groups = await all(
    paginateListScheduleGroups({ client }, {}),
    ({ ScheduleGroups }) => ScheduleGroups,
  );
  return [
    ...found.map(({ Name, GroupName, Arn, Target }) => ({
      kind: "schedule",
      id: text(Name),
      arn: Arn,
      serves: Target?.Arn,
      remove: `aws scheduler delete-schedule --group-name ${GroupName ?? "default"} --name ${Name}`,
    })),
    ...groups
      .filter(({ Name }) => Name !== "default")
      .map(({ Name, Arn }) => ({
        kind: "schedule group",
        id: text(Name),
        arn: Arn,
        remove: `aws scheduler delete-schedule-group --name ${Name}`,
      })),
  ];
}

async function mappings(config: TargetConfig): Promise<Item[]> {
  const client = new LambdaClient(config);
  const found = await all(
    paginateListEventSourceMappings({ client }, {}),
    (page) => page.EventSourceMappings,
  );
  return found.map(({ UUID, EventSourceMappingArn, FunctionArn }) => ({
    kind: "event source mapping",
    id: text(UUID),
    arn: EventSourceMappingArn,
    serves: FunctionArn,
    remove: `aws lambda delete-event-source-mapping --uuid ${UUID}`,
  }));
}

async function stateMachines(config: TargetConfig): Promise<Item[]> {
  const found = await all(
    paginateListStateMachines({ client: new SFNClient(config) }, {}),
    (page) => page.stateMachines,
  );
  return found.map(({ name, stateMachineArn }) => ({
    kind: "state machine",
    id: text(name),
    arn: stateMachineArn,
    remove: `aws stepfunctions delete-state-machine --state-machine-arn ${stateMachineArn}`,
  }));
}

/** HTTP APIs and the stages of those that are wanted. Routes and integrations go with their API. */
async function apis(config: TargetConfig, wanted: (name: string) => boolean): Promise<Item[]> {
  const client = new ApiGatewayV2Client(config);
  const arnOf = (path: string) =>
    `arn:${partitionOf(config.region)}:apigateway:${config.region}::/apis/${path}`;
  const items: Item[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.send(new GetApisCommand({ NextToken }));
    for (const { Name = "", ApiId = "" } of page.Items ?? []) {
      if (wanted(Name)) {
        const { Items: stages = [] } = await client.send(new GetStagesCommand({ ApiId }));
        for (const { StageName = "" } of stages) {
          items.push({
            kind: "API stage",
            id: `${Name}/${StageName}`,
            arn: arnOf(`${ApiId}/stages/${StageName}`),
            remove: `aws apigatewayv2 delete-stage --api-id ${ApiId} --stage-name '${StageName}'`,
          });
        }
      }
      items.push({
        kind: "HTTP API",
        id: Name,
        arn: arnOf(ApiId),
        remove: `aws apigatewayv2 delete-api --api-id ${ApiId}`,
      });
    }
    NextToken = page.NextToken;
  } while (NextToken);
  return items;
}

async function functions(config: TargetConfig): Promise<Item[]> {
  const found = await all(
    paginateListFunctions({ client: new LambdaClient(config) }, {}),
    (page) => page.Functions,
  );
  return found.map(({ FunctionName, FunctionArn }) => ({
    kind: "function",
    id: text(FunctionName),
    arn: FunctionArn,
    remove: `aws lambda delete-function --function-name ${FunctionName}`,
  }));
}

async function streams(config: TargetConfig): Promise<Item[]> {
  const client = new KinesisClient(config);
  const found: Item[] = [];
  let ExclusiveStartStreamName: string | undefined;
  for (;;) {
    const { StreamNames = [], HasMoreStreams } = await client.send(
      new ListStreamsCommand({ ExclusiveStartStreamName }),
    );
    for (const id of StreamNames) {
      found.push({
        kind: "stream",
        id,
        remove: `aws kinesis delete-stream --enforce-consumer-deletion --stream-name ${id}`,
      });
    }
    if (!HasMoreStreams) return found;
    ExclusiveStartStreamName = StreamNames.at(-1);
  }
}

async function deliveryStreams(config: TargetConfig): Promise<Item[]> {
  const client = new FirehoseClient(config);
  const found: Item[] = [];
  let ExclusiveStartDeliveryStreamName: string | undefined;
  for (;;) {
    const { DeliveryStreamNames = [], HasMoreDeliveryStreams } = await client.send(
      new ListDeliveryStreamsCommand({ ExclusiveStartDeliveryStreamName }),
    );
    for (const id of DeliveryStreamNames) {
      found.push({
        kind: "delivery stream",
        id,
        remove: `aws firehose delete-delivery-stream --delivery-stream-name ${id}`,
      });
    }
    if (!HasMoreDeliveryStreams) return found;
    ExclusiveStartDeliveryStreamName = DeliveryStreamNames.at(-1);
  }
}

/** What S3 and Lambda keep for a queue's function (notification, settings of its retries) goes with the bucket and the function. */
async function queues(config: TargetConfig): Promise<Item[]> {
  const client = new SQSClient(config);
  // Without a size of the page, SQS answers the first thousand and no token.
  const urls = await all(paginateListQueues({ client, pageSize: 1000 }, {}), ({ QueueUrls }) => QueueUrls);
  return urls.map((url) => ({
    kind: "queue",
    id: url.split("/").at(-1) ?? url,
    remove: `aws sqs delete-queue --queue-url ${url}`,
  }));
}

async function crawlers(config: TargetConfig): Promise<Item[]> {
  const found = await all(
    paginateGetCrawlers({ client: new GlueClient(config) }, {}),
    (page) => page.Crawlers,
  );
  return found.map(({ Name }) => ({
    kind: "Glue crawler",
    id: text(Name),
    remove: `aws glue delete-crawler --name ${Name}`,
  }));
}

async function jobs(config: TargetConfig): Promise<Item[]> {
  const found = await all(paginateGetJobs({ client: new GlueClient(config) }, {}), ({ Jobs }) => Jobs);
  return found.map(({ Name }) => ({
    kind: "Glue job",
    id: text(Name),
    remove: `aws glue delete-job --job-name ${Name}`,
  }));
}

/** Databases, tables and partitions. The tag index does not contain tables and partitions. */
async function catalog(config: TargetConfig, wanted: (name: string) => boolean): Promise<Item[]> {
  const client = new GlueClient(config);
  const items: Item[] = [];
  for (const { Name: DatabaseName = "" } of await all(
    paginateGetDatabases({ client }, {}),
    (page) => page.DatabaseList,
  )) {
    if (!wanted(DatabaseName)) continue;
    items.push({
      kind: "Glue database",
      id: DatabaseName,
      remove: `aws glue delete-database --name ${DatabaseName}`,
    });
    for (const { Name: TableName = "" } of await all(
      paginateGetTables({ client }, { DatabaseName }),
      (page) => page.TableList,
    )) {
      const remove = `aws glue delete-table --database-name ${DatabaseName} --name ${TableName}`;
      items.push({ kind: "Glue table", id: `${DatabaseName}.${TableName}`, remove });
      const partitions = await all(
        paginateGetPartitions({ client }, { DatabaseName, TableName }),
        (page) => page.Partitions,
      );
      for (const { Values = [] } of partitions) {
        items.push({
          kind: "Glue partition",
          id: `${DatabaseName}.${TableName}/${Values.join("/")}`,
          remove: `aws glue delete-partition --database-name ${DatabaseName} --table-name ${TableName} --partition-values ${Values.join(" ")}`,
        });
      }
    }
  }
  return items;
}

/** Includes the account's workgroup `primary`, which cannot be removed. */
async function workgroupNames(client: AthenaClient): Promise<string[]> {
  const names: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.send(new ListWorkGroupsCommand({ NextToken }));
    names.push(...(page.WorkGroups ?? []).map(({ Name }) => text(Name)));
    NextToken = page.NextToken;
  } while (NextToken);
  return names;
}

async function workgroups(config: TargetConfig): Promise<Item[]> {
  const names = await workgroupNames(new AthenaClient(config));
  return names
    .filter((name) => name !== "primary")
    .map((id) => ({
      kind: "Athena workgroup",
      id,
      remove: `aws athena delete-work-group --recursive-delete-option --work-group ${id}`,
    }));
}

async function namedQueries(config: TargetConfig, wanted: (name: string) => boolean): Promise<Item[]> {
  const client = new AthenaClient(config);
  const items: Item[] = [];
  for (const WorkGroup of (await workgroupNames(client)).filter(wanted)) {
    const { NamedQueryIds = [] } = await client.send(new ListNamedQueriesCommand({ WorkGroup }));
    for (const id of NamedQueryIds) {
      const remove = `aws athena delete-named-query --named-query-id ${id}`;
      items.push({ kind: "Athena named query", id, serves: WorkGroup, remove });
    }
  }
  return items;
}

async function subscriptions(config: TargetConfig): Promise<Item[]> {
  const found = await all(
    paginateListSubscriptions({ client: new SNSClient(config) }, {}),
    (page) => page.Subscriptions,
  );
  return found.map(({ SubscriptionArn, Endpoint, TopicArn }) => ({
    kind: "subscription",
    id: `${Endpoint} to ${TopicArn}`,
    serves: TopicArn,
    remove: `aws sns unsubscribe --subscription-arn ${SubscriptionArn}`,
  }));
}

async function topics(config: TargetConfig): Promise<Item[]> {
  const found = await all(paginateListTopics({ client: new SNSClient(config) }, {}), ({ Topics }) => Topics);
  return found.map(({ TopicArn = "" }) => ({
    kind: "topic",
    id: TopicArn.split(":").at(-1) ?? TopicArn,
    arn: TopicArn,
    remove: `aws sns delete-topic --topic-arn ${TopicArn}`,
  }));
}

async function alarms(config: TargetConfig): Promise<Item[]> {
  const client = new CloudWatchClient(config);
  const found = await all(paginateDescribeAlarms({ client }, {}), (page) => [
    ...(page.MetricAlarms ?? []),
    ...(page.CompositeAlarms ?? []),
  ]);
  return found.map(({ AlarmName, AlarmArn }) => ({
    kind: "alarm",
    id: text(AlarmName),
    arn: AlarmArn,
    remove: `aws cloudwatch delete-alarms --alarm-names ${AlarmName}`,
  }));
}

async function dashboards(config: TargetConfig): Promise<Item[]> {
  const { DashboardEntries = [] } = await new CloudWatchClient(config).send(new ListDashboardsCommand({}));
  return DashboardEntries.map(({ DashboardName, DashboardArn }) => ({
    kind: "dashboard",
    id: text(DashboardName),
    arn: DashboardArn,
    remove: `aws cloudwatch delete-dashboards --dashboard-names ${DashboardName}`,
  }));
}

async function budgets(config: TargetConfig): Promise<Item[]> {
  const { Account } = await new STSClient(config).send(new GetCallerIdentityCommand({}));
  const client = new BudgetsClient(config);
  const found = await all(
    paginateDescribeBudgets({ client }, { AccountId: Account }),
    ({ Budgets }) => Budgets,
  );
  return found.map(({ BudgetName }) => ({
    kind: "budget",
    id: text(BudgetName),
    remove: `aws budgets delete-budget --account-id ${Account} --budget-name ${BudgetName}`,
  }));
}

async function secrets(config: TargetConfig): Promise<Item[]> {
  const client = new SecretsManagerClient(config);
  const found = await all(paginateListSecrets({ client }, {}), ({ SecretList }) => SecretList);
  return found.map(({ Name, ARN }) => ({
    kind: "secret",
    id: text(Name),
    arn: ARN,
    remove: `aws secretsmanager delete-secret --force-delete-without-recovery --secret-id ${ARN}`,
  }));
}

async function aliases(config: TargetConfig): Promise<Item[]> {
  const found = await all(
    paginateListAliases({ client: new KMSClient(config) }, {}),
    ({ Aliases }) => Aliases,
  );
  return found
    .filter(({ AliasName }) => !AliasName?.startsWith("alias/aws/"))
    .map(({ AliasName, AliasArn }) => ({
      kind: "KMS alias",
      id: text(AliasName),
      arn: AliasArn,
      remove: `aws kms delete-alias --alias-name ${AliasName}`,
    }));
}

/** Customer keys that are not pending deletion. A key waits for 7 to 30 days and is free meanwhile. */
async function keys(config: TargetConfig): Promise<Item[]> {
  const client = new KMSClient(config);
  const items: Item[] = [];
  for (const { KeyId } of await all(paginateListKeys({ client }, {}), ({ Keys }) => Keys)) {
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId }));
    if (KeyMetadata?.KeyManager !== "CUSTOMER" || KeyMetadata.KeyState === "PendingDeletion") continue;
    items.push({
      kind: "KMS key",
      id: text(KeyId),
      arn: KeyMetadata.Arn,
      remove: `aws kms schedule-key-deletion --key-id ${KeyId}`,
    });
  }
  return items;
}

async function roles(config: TargetConfig, wanted: (name: string) => boolean): Promise<Item[]> {
  const client = new IAMClient(config);
  const items: Item[] = [];
  for (const { RoleName = "", Arn } of await all(paginateListRoles({ client }, {}), ({ Roles }) => Roles)) {
    if (!wanted(RoleName)) continue;
    for (const policy of await all(
      paginateListRolePolicies({ client }, { RoleName }),
      (page) => page.PolicyNames,
    )) {
      items.push({
        kind: "inline policy",
        id: `${RoleName}/${policy}`,
        serves: Arn,
        remove: `aws iam delete-role-policy --role-name ${RoleName} --policy-name ${policy}`,
      });
    }
    items.push({
      kind: "role",
      id: RoleName,
      arn: Arn,
      remove: `aws iam delete-role --role-name ${RoleName}`,
    });
  }
  return items;
}

async function policies(config: TargetConfig): Promise<Item[]> {
  const found = await all(
    paginateListPolicies({ client: new IAMClient(config) }, { Scope: "Local" }),
    (page) => page.Policies,
  );
  return found.map(({ PolicyName, Arn }) => ({
    kind: "managed policy",
    id: text(PolicyName),
    arn: Arn,
    remove: `aws iam delete-policy --policy-arn ${Arn}`,
  }));
}

async function logGroups(config: TargetConfig): Promise<Item[]> {
  const client = new CloudWatchLogsClient(config);
  const found = await all(paginateDescribeLogGroups({ client }, {}), (page) => page.logGroups);
  return found.map(({ logGroupName, arn }) => ({
    kind: "log group",
    id: text(logGroupName),
    arn: arn?.replace(/:\*$/, ""),
    remove: `aws logs delete-log-group --log-group-name ${logGroupName}`,
  }));
}

async function logDelivery(config: TargetConfig, wanted: (name: string) => boolean): Promise<Item[]> {
  const found = await logPolicies(config, wanted);
  return found.map((item) => ({ kind: "log resource policy", ...item }));
}

async function buckets(config: TargetConfig): Promise<Item[]> {
  const { Buckets = [] } = await new S3Client(config).send(new ListBucketsCommand({}));
  return Buckets.map(({ Name }) => ({
    kind: "bucket",
    id: text(Name),
    arn: `arn:${partitionOf(config.region)}:s3:::${Name}`,
    remove: `aws s3 rb --force s3://${Name}`,
  }));
}
