// The checks of a stack on AWS: pulumi, configuration, credentials, quotas, and what is deployed. Each is independent.
import { spawnSync } from "node:child_process";
import { CloudWatchClient, paginateDescribeAlarms } from "@aws-sdk/client-cloudwatch";
import { LambdaClient, ListEventSourceMappingsCommand } from "@aws-sdk/client-lambda";
import { paginateListSchedules, SchedulerClient } from "@aws-sdk/client-scheduler";
import { paginateListServiceQuotas, ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { paginateListSubscriptionsByTopic, SNSClient } from "@aws-sdk/client-sns";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { consoleHost } from "../../infra/blocks/account";
import { readConfig } from "../../infra/config/config";
import type { ClickstreamConfig } from "../../infra/config/keys";
import { dpusOf } from "../../infra/transform/worker-types";
import { explainAwsError } from "../../stack/aws-errors";
import { NoSuchStack, type StackConfiguration, stackConfiguration } from "../../stack/configuration";
import { checkOutputs, type StackOutputs } from "../../stack/outputs";
import { partitionOf } from "../../stack/partition";
import { PROJECT_ROOT } from "../../stack/runs";
import type { TargetConfig } from "../../stack/target";
import { accountChecks } from "./account";
import { deliveryCheck } from "./delivery";
import { guarded } from "./guarded";
import type { Check } from "./machine.mjs";
import { shardCheck } from "./shards";

/** Runs the pulumi CLI; undefined if it is not installed. */
export type Pulumi = (
  ...args: string[]
) => { status: number | null; stdout: string; stderr: string } | undefined;

const OLDEST_PULUMI = [3, 100];

export async function checkStack(stack: string, pulumi: Pulumi = runPulumi): Promise<Check[]> {
  const checks = [pulumiCheck(pulumi)];
  const configuration = readStack(stack, checks);
  if (!configuration) return checks;
  const region = configuration.values["aws:region"] ?? process.env.AWS_REGION;
  checks.push(regionCheck(stack, region));
  const outputs = readOutputs(stack, pulumi, checks);
  if (region === undefined) return checks;
  const config = { region };
  const identity = await credentialsCheck(config, outputs);
  checks.push(identity);
  if (identity.state === "bad") return checks;
  checks.push(...(await quotaChecks(config, configuration)));
  const { monthlyBudgetUsd } = readConfig(configuration.project, configuration.values);
  checks.push(...(await accountChecks(config, monthlyBudgetUsd)));
  if (outputs) checks.push(...(await deployedChecks(config, outputs, configuration)));
  return checks;
}

function runPulumi(...args: string[]) {
  const { error, status, stdout, stderr } = spawnSync("pulumi", args, {
    cwd: PROJECT_ROOT,
    encoding: "utf8",
  });
  return error ? undefined : { status, stdout, stderr };
}

function pulumiCheck(pulumi: Pulumi): Check {
  const name = "pulumi";
  const answer = pulumi("version");
  if (answer?.status !== 0) {
    return { name, state: "bad", says: "not on the PATH", remedy: "https://www.pulumi.com/docs/install/" };
  }
  const version = answer.stdout.trim();
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  if (major < (OLDEST_PULUMI[0] ?? 0) || (major === OLDEST_PULUMI[0] && minor < (OLDEST_PULUMI[1] ?? 0))) {
    return {
      name,
      state: "bad",
      says: `${version} is too old`,
      remedy: "https://www.pulumi.com/docs/install/",
    };
  }
  const who = pulumi("whoami");
  if (who?.status !== 0) {
    return {
      name,
      state: "bad",
      says: `${version}, not logged in`,
      remedy: "pulumi login, or pulumi login --local",
    };
  }
  return { name, state: "ok", says: `${version}, logged in as ${who.stdout.trim()}` };
}

function readStack(stack: string, checks: Check[]): StackConfiguration | undefined {
  const name = "Configuration";
  try {
    const configuration = stackConfiguration(stack);
    readConfig(configuration.project, configuration.values);
    checks.push({ name, state: "ok", says: `Pulumi.${stack}.yaml is valid` });
    return configuration;
  } catch (error) {
    const says = (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, " ");
    const remedy = error instanceof NoSuchStack ? `pulumi stack init ${stack}` : "fix the keys listed";
    checks.push({ name, state: "bad", says, remedy });
    return undefined;
  }
}

function regionCheck(stack: string, region: string | undefined): Check {
  return region === undefined
    ? {
        name: "Region",
        state: "bad",
        says: "not set",
        remedy: `pulumi config set aws:region us-east-1 --stack ${stack}`,
      }
    : { name: "Region", state: "ok", says: region };
}

function readOutputs(stack: string, pulumi: Pulumi, checks: Check[]): StackOutputs | undefined {
  const name = "Deployment";
  const answer = pulumi("stack", "output", "--json", "--stack", stack);
  if (answer?.status !== 0) {
    const says = answer ? answer.stderr.trim().replaceAll(/\s*\n\s*/g, " ") : "unknown without pulumi";
    checks.push({ name, state: "unknown", says, remedy: `pulumi up --stack ${stack}` });
    return undefined;
  }
  try {
    const outputs = checkOutputs(JSON.parse(answer.stdout) as Record<string, unknown>, `the stack ${stack}`);
    checks.push({ name, state: "ok", says: "deployed" });
    return outputs;
  } catch (error) {
    checks.push({
      name,
      state: "unknown",
      says: (error as Error).message,
      remedy: `pulumi up --stack ${stack}`,
    });
    return undefined;
  }
}

/** Whether the credentials work, and belong to the account of the stack. */
export async function credentialsCheck(
  config: TargetConfig,
  outputs: StackOutputs | undefined,
): Promise<Check> {
  const name = "Credentials";
  try {
    const { Account, Arn } = await new STSClient({ maxAttempts: 2, ...config }).send(
      new GetCallerIdentityCommand({}),
    );
    const deployed = outputs?.stateMachineArn.split(":")[4];
    if (deployed !== undefined && deployed !== Account) {
      const remedy = "set AWS_PROFILE to the stack's account";
      return {
        name,
        state: "bad",
        says: `they belong to the account ${Account}, but the stack is in ${deployed}`,
        remedy,
      };
    }
    return { name, state: "ok", says: `${Arn}` };
  } catch (error) {
    return {
      name,
      state: "bad",
      says: "AWS rejected them or could not be reached",
      remedy: explainAwsError(error) ?? String(error),
    };
  }
}

interface Need {
  service: string;
  quota: RegExp;
  what: string;
  needed: number;
}

function needs({ project, values }: StackConfiguration): Need[] {
  const config = readConfig(project, values);
  const { shardCount, glueWorkers, glueWorkerType, glueExecutionClass } = config;
  return [
    {
      service: "lambda",
      quota: /^Concurrent executions$/,
      what: "Lambda: concurrent executions",
      needed: concurrency(config),
    },
    ...(config.collector
      ? [
          {
            service: "apigateway",
            quota: /^Throttle rate$/,
            what: "API Gateway: requests a second",
            needed: config.collectorRequestsPerSecond,
          },
        ]
      : []),
    { service: "kinesis", quota: /^Shards per Region$/, what: "Kinesis: shards", needed: shardCount },
    {
      service: "glue",
      quota: /^Max task DPUs per account$/,
      what: "Glue: DPUs at once",
      needed: glueWorkers * dpusOf(glueWorkerType),
    },
    ...(glueExecutionClass === "FLEX"
      ? [
          {
            service: "glue",
            quota: /^Max spare compute capacity consumed in data processing units \(DPUs\) per account\.?$/,
            what: "Glue: DPUs of FLEX runs at once",
            needed: glueWorkers * dpusOf(glueWorkerType),
          },
        ]
      : []),
    {
      service: "glue",
      quota: /^Max concurrent job runs per account$/,
      what: "Glue: job runs at once",
      needed: 1,
    },
  ];
}

/** Lambda: "Lambda reserves 100 units of concurrency for your functions that don't have reserved concurrency". */
const UNRESERVED = 100;

/** One batch per shard and the two functions that the state machine calls, besides other functions of the account. */
function concurrency({ shardCount, collector, collectorConcurrency }: ClickstreamConfig): number {
  const others = shardCount + 2;
  if (!collector) return others;
  return collectorConcurrency > 0 ? Math.max(UNRESERVED, others) + collectorConcurrency : others + 1;
}

/** Finds quotas by the names that AWS gives them. Where the account has no value of its own, AWS returns the default. */
export async function quotaChecks(config: TargetConfig, configuration: StackConfiguration): Promise<Check[]> {
  const client = new ServiceQuotasClient({ maxAttempts: 2, ...config });
  const checks: Check[] = [];
  for (const need of needs(configuration)) {
    const name = `Quota, ${need.what}`;
    checks.push(await guarded(name, () => quotaCheck(client, config.region, name, need)));
  }
  return checks;
}

async function quotaCheck(
  client: ServiceQuotasClient,
  region: string,
  name: string,
  { service, quota, needed }: Need,
): Promise<Check> {
  let found: number | undefined;
  for await (const { Quotas = [] } of paginateListServiceQuotas({ client }, { ServiceCode: service })) {
    found ??= Quotas.find(({ QuotaName = "" }) => quota.test(QuotaName))?.Value;
  }
  if (found === undefined)
    return { name, state: "unknown", says: "AWS lists no such quota for this account" };
  if (found >= needed) return { name, state: "ok", says: `${found}; this stack needs ${needed}` };
  const page = `https://${region}.${consoleHost(partitionOf(region))}/servicequotas/home/services/${service}/quotas`;
  return {
    name,
    state: "bad",
    says: `${found}; this stack needs ${needed}`,
    remedy: `request an increase: ${page}`,
  };
}

/** The checks of a deployed stack. */
export async function deployedChecks(
  config: TargetConfig,
  outputs: StackOutputs,
  { project, stack, values }: StackConfiguration,
): Promise<Check[]> {
  const { scheduleEnabled, streamMode, shardCount, successEmails, failureEmails } = readConfig(
    project,
    values,
  );
  const wanted = { project, streamMode, shardCount };
  const { deliveryStreamName } = outputs;
  const intake = deliveryStreamName
    ? [await guarded("Delivery stream", () => deliveryCheck(config, deliveryStreamName))]
    : [
        await guarded("Shards", () => shardCheck(config, outputs.streamName, stack, wanted)),
        await guarded("Ingest", () => mappingCheck(config, outputs.ingestFunction)),
      ];
  return [
    ...intake,
    await guarded("Mails of success", () =>
      subscriptionCheck(config, "Mails of success", outputs.successTopicArn, successEmails),
    ),
    await guarded("Mails of failure", () =>
      subscriptionCheck(config, "Mails of failure", outputs.failureTopicArn, failureEmails, true),
    ),
    ...(outputs.collectorUrl === ""
      ? []
      : [await guarded("Collector", () => collectorCheck(outputs.collectorUrl))]),
    await guarded("Schedule", () => scheduleCheck(config, outputs.stateMachineArn, scheduleEnabled)),
    await guarded("Alarms", () => alarmCheck(config, outputs.failureTopicArn)),
  ];
}

async function subscriptionCheck(
  config: TargetConfig,
  name: string,
  TopicArn: string,
  configured: readonly string[],
  needed = false,
): Promise<Check> {
  const client = new SNSClient(config);
  const waiting: string[] = [];
  const confirmed: string[] = [];
  for await (const { Subscriptions = [] } of paginateListSubscriptionsByTopic({ client }, { TopicArn })) {
    for (const { SubscriptionArn, Endpoint = "?" } of Subscriptions) {
      (SubscriptionArn === "PendingConfirmation" ? waiting : confirmed).push(Endpoint);
    }
  }
  if (waiting.length > 0) {
    const remedy =
      'follow the link in the mail "AWS Notification - Subscription Confirmation" (check the spam folder). It is valid for two days. After that, AWS deletes the subscription: pulumi up --refresh, or subscribe again (pulumi stack output subscribeCommand)';
    return { name, state: "bad", says: `not confirmed: ${waiting.join(", ")}`, remedy };
  }
  const gone = configured.filter((email) => !confirmed.includes(email));
  if (gone.length > 0) {
    return {
      name,
      state: "bad",
      says: `configured but not subscribed: ${gone.join(", ")}. AWS deletes subscriptions that are not confirmed within two days`,
      remedy: "pulumi up --refresh, then follow the link in the confirmation mail",
    };
  }
  if (confirmed.length > 0) return { name, state: "ok", says: `${confirmed.length} confirmed` };
  return {
    name,
    state: needed ? "bad" : "unknown",
    says: "nobody is subscribed",
    remedy: "to subscribe: pulumi stack output subscribeCommand",
  };
}

async function mappingCheck(config: TargetConfig, FunctionName: string): Promise<Check> {
  const name = "Ingest";
  const { EventSourceMappings = [] } = await new LambdaClient(config).send(
    new ListEventSourceMappingsCommand({ FunctionName }),
  );
  const [mapping] = EventSourceMappings;
  if (!mapping) {
    return {
      name,
      state: "bad",
      says: "the Lambda is not connected to the stream",
      remedy: "pulumi up --refresh",
    };
  }
  const { State = "", UUID, LastProcessingResult = "" } = mapping;
  if (!["Enabled", "Creating", "Enabling", "Updating"].includes(State)) {
    const remedy = `aws lambda update-event-source-mapping --enabled --uuid ${UUID}`;
    return { name, state: "bad", says: `the event source mapping is ${State}`, remedy };
  }
  if (/PROBLEM|failed/i.test(LastProcessingResult)) {
    return { name, state: "bad", says: LastProcessingResult, remedy: "docs/operations.md, ingest" };
  }
  return { name, state: "ok", says: `the event source mapping is ${State}` };
}

const ANSWER_WITHIN_MS = 10_000;

/** Whether a request reaches the collector's Lambda and comes back. Nothing is stored for it. */
async function collectorCheck(url: string): Promise<Check> {
  const name = "Collector";
  const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  if (answer.ok) return { name, state: "ok", says: `${url} answers` };
  return {
    name,
    state: "bad",
    says: `${url}/health answers ${answer.status}: ${(await answer.text()).slice(0, 200)}`,
    remedy: 'docs/operations.md, section "Alarm collector-errors"',
  };
}

async function scheduleCheck(config: TargetConfig, stateMachineArn: string, wanted: boolean): Promise<Check> {
  const name = "Schedule";
  const client = new SchedulerClient(config);
  for await (const { Schedules = [] } of paginateListSchedules({ client }, {})) {
    for (const { Name, State, Target } of Schedules) {
      if (Target?.Arn !== stateMachineArn) continue;
      if (State === "ENABLED") return { name, state: "ok", says: `${Name} is enabled` };
      return {
        name,
        state: wanted ? "bad" : "unknown",
        says: `${Name} is ${State}`,
        remedy: "pulumi up --refresh",
      };
    }
  }
  return wanted
    ? {
        name,
        state: "bad",
        says: "enabled in the configuration, but it does not exist",
        remedy: "pulumi up --refresh",
      }
    : { name, state: "unknown", says: "disabled in the configuration; executions are started by hand" };
}

async function alarmCheck(config: TargetConfig, failureTopicArn: string): Promise<Check> {
  const name = "Alarms";
  const client = new CloudWatchClient(config);
  const firing: string[] = [];
  let count = 0;
  for await (const { MetricAlarms = [] } of paginateDescribeAlarms({ client }, {})) {
    for (const { AlarmName = "?", AlarmActions = [], StateValue } of MetricAlarms) {
      if (!AlarmActions.includes(failureTopicArn)) continue;
      count += 1;
      if (StateValue === "ALARM") firing.push(AlarmName);
    }
  }
  if (firing.length > 0) {
    return {
      name,
      state: "bad",
      says: firing.join(", "),
      remedy: "docs/operations.md has a section for each alarm",
    };
  }
  return count > 0
    ? { name, state: "ok", says: `0 of ${count} alarms firing` }
    : { name, state: "unknown", says: "the stack has none" };
}
