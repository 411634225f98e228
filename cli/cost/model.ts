// The cost model: every billable part of the program, a line each, as quantity times price.

import { HOUR_SECONDS } from "../../lambdas/shared/durations";
import { PREFIX } from "../../schema/prefixes";
import type { Declared } from "../../stack/declared";
import { type Traffic, WORK } from "./assumptions";
import { type Flow, flowOf, GB, IDLE_PATH, storedGb, WORKING_PATH } from "./flow";
import { type Plan, readPlan } from "./plan";
import { isPrice, type PriceKey, price } from "./prices";
import { DAYS_PER_MONTH, HOURS_PER_MONTH } from "./schedule";

export interface Line {
  /** The stage, or what all stages share. */
  part:
    | "collect"
    | "ingest"
    | "storage"
    | "transform"
    | "catalog"
    | "orchestrate"
    | "notify"
    | "observe"
    | "keys";
  item: string;
  quantity: number;
  /** Dollars for one. */
  usd: number;
  unit: string;
  /** Dollars a month. */
  monthly: number;
  /** The resource types that this line bills. */
  types: string[];
}

export interface Estimate {
  lines: Line[];
  /** Dollars a month. */
  monthly: number;
  /** Dollars for a million events; undefined without events. */
  perMillion: number | undefined;
  flow: Flow;
  plan: Plan;
  /** Where the configuration does not handle the traffic, with the remedy. */
  warnings: string[];
}

export function estimate(resources: readonly Declared[], traffic: Traffic): Estimate {
  const plan = readPlan(resources);
  const flow = flowOf(plan, traffic);
  const lines = [
    ...collectLines(plan, flow),
    ...ingestLines(plan, flow),
    ...storageLines(plan, flow, traffic),
    ...transformLines(plan, flow),
    ...catalogLines(flow, traffic),
    ...orchestrateLines(plan, flow),
    ...observeLines(plan, flow),
    ...keyLines(plan, flow),
  ].filter(({ quantity }) => quantity > 0);
  const monthly = lines.reduce((sum, line) => sum + line.monthly, 0);
  return {
    lines,
    monthly,
    perMillion: flow.events === 0 ? undefined : (monthly / flow.events) * 1e6,
    flow,
    plan,
    warnings: warningsOf(plan, flow),
  };
}

function line(
  part: Line["part"],
  item: string,
  key: PriceKey,
  quantity: number,
  unit: string,
  ...types: string[]
): Line {
  const usd = price(key);
  return { part, item, quantity, usd, unit, monthly: quantity * usd, types };
}

const STREAM = "aws:kinesis/stream:Stream";
const LAMBDA = "aws:lambda/function:Function";
const BUCKET = "aws:s3/bucket:Bucket";
const JOB = "aws:glue/job:Job";
const WEEK_HOURS = 168;

function collectLines(plan: Plan, flow: Flow): Line[] {
  const hoursOver = (hours: number) => Math.max(0, plan.retentionHours - hours);
  const gbPerHour = (flow.records * flow.recordBytes) / GB / HOURS_PER_MONTH;
  const longTermGb = gbPerHour * hoursOver(WEEK_HOURS);
  const longTerm = line(
    "collect",
    "Kinesis: records older than 7 days",
    "kinesis.longTermGbMonth",
    longTermGb,
    "GB-months",
    STREAM,
  );
  if (plan.streamMode === "PROVISIONED") {
    const shardHours = plan.shards * HOURS_PER_MONTH;
    return [
      line("collect", "Kinesis: shards", "kinesis.shardHour", shardHours, "shard hours", STREAM),
      line("collect", "Kinesis: PUT units", "kinesis.putUnit", flow.putUnits, "units of 25 KB", STREAM),
      line(
        "collect",
        "Kinesis: retention of more than a day",
        "kinesis.extendedShardHour",
        hoursOver(24) > 0 ? shardHours : 0,
        "shard hours",
        STREAM,
      ),
      longTerm,
    ];
  }
  const rounded = (Math.ceil(flow.recordBytes / 1024) * 1024 * flow.records) / GB;
  const extendedGb = gbPerHour * (Math.min(plan.retentionHours, WEEK_HOURS) - 24);
  return [
    line(
      "collect",
      "Kinesis: the stream, on demand",
      "kinesis.onDemandStreamHour",
      HOURS_PER_MONTH,
      "stream hours",
      STREAM,
    ),
    line("collect", "Kinesis: written, on demand", "kinesis.onDemandInGb", rounded, "GB", STREAM),
    line(
      "collect",
      "Kinesis: read, on demand",
      "kinesis.onDemandOutGb",
      (flow.records * flow.recordBytes) / GB,
      "GB",
      STREAM,
    ),
    line(
      "collect",
      "Kinesis: retention of more than a day",
      "kinesis.onDemandExtendedGbMonth",
      extendedGb,
      "GB-months",
      STREAM,
    ),
    longTerm,
  ];
}

function ingestLines(plan: Plan, flow: Flow): Line[] {
  const gbSeconds = (flow.ingestSeconds * plan.ingestMemoryMb) / 1024;
  return [
    line("ingest", "Lambda: requests", "lambda.request", flow.invocations, "requests", LAMBDA),
    line("ingest", "Lambda: ingest, arm64", "lambda.armGbSecond", gbSeconds, "GB-seconds", LAMBDA),
    // One PUT per raw and per quarantine object, and one listing per batch with something to quarantine.
    line(
      "ingest",
      "S3: objects written by ingest",
      "s3.write",
      flow.rawObjects + 2 * flow.quarantineObjects,
      "requests",
      BUCKET,
    ),
  ];
}

function storageLines(
  plan: Plan,
  flow: Flow,
  { months, eventsPerDay, queriesPerDay, daysPerQuery }: Traffic,
): Line[] {
  const lines: Line[] = [];
  const zone = (
    what: string,
    bytesPerDay: number,
    objectBytes: number,
    rules: Plan["rules"]["raw"],
    prefix: string,
  ) => {
    for (const [storageClass, gb] of Object.entries(
      storedGb(bytesPerDay, objectBytes, rules, prefix, months),
    )) {
      const key = `s3.${storageClass}`;
      if (!isPrice(key))
        throw new Error(`cli/cost/prices.json has no price of the S3 storage class ${storageClass}`);
      lines.push(line("storage", `S3: ${what}, ${storageClass}`, key, gb, "GB-months", BUCKET));
    }
  };
  const raw = eventsPerDay * WORK.rawBytesPerEvent;
  const curated = eventsPerDay * WORK.curatedBytesPerEvent;
  const fileBytes =
    flow.filesWritten === 0 ? 0 : (flow.events * WORK.curatedBytesPerEvent) / flow.filesWritten;
  zone("raw events", raw, flow.rawObjectBytes, plan.rules.raw, PREFIX.raw);
  zone("curated events", curated, fileBytes, plan.rules.curated, PREFIX.events);
  const results = queriesPerDay * daysPerQuery * 1000;
  zone("query results", eventsPerDay === 0 ? 0 : results, 1000, plan.rules.results, PREFIX.queries);
  const moved = (rules: Plan["rules"]["raw"], prefix: string, bytes: number, count: number) =>
    bytes < 128 * 1024
      ? 0
      : count *
        rules.filter((rule) => prefix.startsWith(rule.prefix)).flatMap(({ transitions }) => transitions)
          .length;
  const transitions =
    moved(plan.rules.raw, PREFIX.raw, flow.rawObjectBytes, flow.rawObjects) +
    moved(plan.rules.curated, PREFIX.events, fileBytes, flow.filesWritten);
  lines.push(
    line("storage", "S3: transitions to cheaper classes", "s3.transition", transitions, "objects", BUCKET),
  );
  return lines;
}

function transformLines(plan: Plan, flow: Flow): Line[] {
  const seconds = flow.executions * Math.max(60, flow.jobSeconds);
  const dpuHours = (seconds * plan.workers * plan.dpus) / HOUR_SECONDS;
  const { executions } = flow;
  const readRaw = flow.rawObjects * 2;
  const readCurated = flow.working ? executions * flow.filesKept * WORK.readsPerFile : 0;
  const listed = executions * (2 + (flow.rawObjectsKept + flow.filesKept) / 1000);
  return [
    line("transform", "Glue: the job's workers", "glue.dpuHour", dpuHours, "DPU hours", JOB),
    line("transform", "S3: objects read by the job", "s3.read", readRaw + readCurated, "requests", BUCKET),
    line(
      "transform",
      "S3: listings and files written by the job",
      "s3.write",
      listed + flow.filesWritten * WORK.writesPerFile,
      "requests",
      BUCKET,
    ),
  ];
}

const TABLES = ["aws:glue/catalogDatabase:CatalogDatabase", "aws:glue/catalogTable:CatalogTable"];
const MINIMUM_SCAN = 10e6;

function catalogLines(flow: Flow, { months, eventsPerDay, queriesPerDay, daysPerQuery }: Traffic): Line[] {
  const partitions = eventsPerDay === 0 ? 0 : months * DAYS_PER_MONTH;
  const verified = flow.working ? (flow.events * WORK.idBytesPerEvent) / Math.max(flow.executions, 1) : 0;
  const verifying = flow.working ? flow.executions * Math.max(MINIMUM_SCAN, verified) : 0;
  const perQuery = daysPerQuery * eventsPerDay * WORK.curatedBytesPerEvent * WORK.queriedShare;
  const queries = eventsPerDay === 0 ? 0 : queriesPerDay * DAYS_PER_MONTH;
  return [
    line(
      "catalog",
      "Glue Data Catalog: database, tables, partitions",
      "glue.catalogObject",
      3 + partitions,
      "objects",
      ...TABLES,
    ),
    line(
      "catalog",
      "Glue Data Catalog: requests",
      "glue.catalogRequest",
      (flow.executions + queries) * WORK.catalogRequestsPerExecution,
      "requests",
      ...TABLES,
    ),
    line(
      "catalog",
      "Athena: the pipeline's check",
      "athena.tb",
      verifying / 1e12,
      "TB",
      "aws:athena/workgroup:Workgroup",
    ),
    line(
      "catalog",
      "Athena: your queries",
      "athena.tb",
      (queries * Math.max(MINIMUM_SCAN, perQuery)) / 1e12,
      "TB",
      "aws:athena/workgroup:Workgroup",
    ),
  ];
}

function orchestrateLines(plan: Plan, flow: Flow): Line[] {
  const states = flow.working ? WORKING_PATH.length : IDLE_PATH.length;
  const scheduled = plan.schedules.length > 0 ? flow.executions : 0;
  return [
    line(
      "orchestrate",
      "Step Functions: state transitions",
      "sfn.transition",
      flow.executions * states,
      "transitions",
      "aws:sfn/stateMachine:StateMachine",
    ),
    line(
      "orchestrate",
      "EventBridge Scheduler: invocations",
      "scheduler.invocation",
      scheduled,
      "invocations",
      "aws:scheduler/schedule:Schedule",
    ),
    line("notify", "SNS: mails published", "sns.publish", flow.executions, "requests", "aws:sns/topic:Topic"),
    line(
      "notify",
      "SNS: mails delivered",
      "sns.email",
      flow.executions * plan.successMails,
      "mails",
      "aws:sns/topic:Topic",
      "aws:sns/topicSubscription:TopicSubscription",
    ),
  ];
}

function observeLines(plan: Plan, flow: Flow): Line[] {
  const bytes = flow.invocations * WORK.logBytesPerInvocation + flow.executions * WORK.logBytesPerExecution;
  const stored = (bytes / GB) * WORK.logCompression * (plan.logRetentionDays / DAYS_PER_MONTH);
  const traces = plan.tracedParts === 0 ? 0 : flow.invocations + flow.executions;
  return [
    line(
      "observe",
      "CloudWatch Logs: written",
      "logs.ingestGb",
      bytes / GB,
      "GB",
      "aws:cloudwatch/logGroup:LogGroup",
    ),
    line(
      "observe",
      "CloudWatch Logs: kept",
      "logs.storeGbMonth",
      stored,
      "GB-months",
      "aws:cloudwatch/logGroup:LogGroup",
    ),
    line(
      "observe",
      "CloudWatch: alarms",
      "cloudwatch.alarmMetric",
      plan.alarmMetrics,
      "metrics watched",
      "aws:cloudwatch/metricAlarm:MetricAlarm",
    ),
    line(
      "observe",
      "CloudWatch: dashboards",
      "cloudwatch.dashboard",
      plan.dashboards,
      "dashboards",
      "aws:cloudwatch/dashboard:Dashboard",
    ),
    line(
      "observe",
      "CloudWatch: custom metrics",
      "cloudwatch.metric",
      plan.customMetrics,
      "metrics",
      "aws:cloudwatch/metricAlarm:MetricAlarm",
    ),
    line(
      "observe",
      "X-Ray: traces",
      "xray.trace",
      traces,
      "traces",
      LAMBDA,
      "aws:sfn/stateMachine:StateMachine",
    ),
  ];
}

function keyLines(plan: Plan, flow: Flow): Line[] {
  const stream = WORK.streamKeyRequestsPerHour * HOURS_PER_MONTH;
  // With S3 bucket keys, one request covers many objects of a role. Without them, each object needs one.
  const objects = plan.customerKeys === 0 ? 0 : flow.invocations + flow.executions * 20;
  return [
    line("keys", "KMS: requests", "kms.request", stream + objects, "requests", STREAM, "aws:kms/key:Key"),
    line("keys", "KMS: customer keys", "kms.key", plan.customerKeys, "keys", "aws:kms/key:Key"),
    line(
      "keys",
      "Secrets Manager: secrets",
      "secrets.secret",
      plan.secrets,
      "secrets",
      "aws:secretsmanager/secret:Secret",
    ),
    line(
      "keys",
      "Secrets Manager: requests",
      "secrets.request",
      plan.secrets * flow.executions,
      "requests",
      "aws:secretsmanager/secret:Secret",
    ),
  ];
}

function warningsOf(plan: Plan, flow: Flow): string[] {
  const warnings: string[] = [];
  if (plan.streamMode === "PROVISIONED" && plan.shards < flow.neededShards) {
    warnings.push(
      `shardCount is ${plan.shards}, but the busiest second needs ${flow.neededShards}: pulumi config set shardCount ${flow.neededShards}`,
    );
  }
  const interval =
    flow.executions === 0 ? Number.POSITIVE_INFINITY : (HOURS_PER_MONTH * HOUR_SECONDS) / flow.executions;
  if (flow.jobSeconds > interval) {
    warnings.push(
      `A run of the Glue job takes about ${Math.round(flow.jobSeconds / 60)} minutes, but the next one starts after ${Math.round(interval / 60)}. Raise glueWorkers, or choose a slower scheduleExpression`,
    );
  }
  return warnings;
}
