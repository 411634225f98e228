// The cost model: every billable part of the program, a line each, as quantity times price.

import { HOUR_SECONDS } from "../../lambdas/shared/durations";
import { PREFIX } from "../../schema/prefixes";
import type { Declared } from "../../stack/declared";
import { arrivalLines } from "./arrival";
import { type Traffic, WORK } from "./assumptions";
import {
  batchCalls,
  type Calls,
  catalogCalls,
  crawlCalls,
  idleCalls,
  jobCalls,
  lookForNewCalls,
  queryCalls,
  s3Reads,
  s3Writes,
  times,
  verificationCalls,
} from "./calls";
import { collectLines } from "./collect";
import {
  CHECKING_PATH,
  CRAWL_PATH,
  type Flow,
  flowOf,
  GB,
  IDLE_ARRIVAL_PATH,
  IDLE_PATH,
  storedGb,
  WORKING_PATH,
} from "./flow";
import { type Line, line } from "./line";
import { type Plan, readPlan } from "./plan";
import { isPrice } from "./prices";
import { filesOfDays } from "./run-shape";
import { DAYS_PER_MONTH, HOURS_PER_MONTH } from "./schedule";

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
    ...transformLines(plan, flow, traffic),
    ...(plan.arrival ? arrivalLines(plan.arrival, flow, traffic) : lookForNewLines(plan, flow)),
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

const STREAM = "aws:kinesis/stream:Stream";
const LAMBDA = "aws:lambda/function:Function";
const BUCKET = "aws:s3/bucket:Bucket";
const JOB = "aws:glue/job:Job";

function ingestLines(plan: Plan, flow: Flow): Line[] {
  const gbSeconds = (flow.ingestSeconds * plan.ingestMemoryMb) / 1024;
  return [
    line("ingest", "Lambda: requests", "lambda.request", flow.invocations, "requests", LAMBDA),
    line("ingest", "Lambda: ingest, arm64", "lambda.armGbSecond", gbSeconds, "GB-seconds", LAMBDA),
    line(
      "ingest",
      "S3: objects and listings of the ingest",
      "s3.write",
      ingestWrites(plan, flow),
      "requests",
      BUCKET,
    ),
  ];
}

/** Firehose writes the raw objects, and its Lambda knows the keys of its quarantine objects without a listing. */
function ingestWrites(plan: Plan, flow: Flow): number {
  if (flow.invocations === 0) return 0;
  if (plan.delivery) return flow.rawObjects + flow.quarantineObjects;
  const calls = batchCalls(flow.quarantineObjects / flow.invocations, flow.quarantineObjectsOfShardHour);
  return flow.invocations * s3Writes(calls);
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

function transformLines(plan: Plan, flow: Flow, traffic: Traffic): Line[] {
  const dpuHours = (flow.runs * flow.billedWorkerSeconds * plan.dpus) / HOUR_SECONDS;
  const calls = times(jobCalls(flow.shape), flow.runs);
  const flexible = plan.executionClass === "FLEX";
  return [
    line(
      "transform",
      flexible ? "Glue: the job's workers, FLEX" : "Glue: the job's workers",
      flexible ? "glue.flexDpuHour" : "glue.dpuHour",
      dpuHours,
      "DPU hours",
      JOB,
    ),
    line("transform", "S3: objects read by the job", "s3.read", s3Reads(calls), "requests", BUCKET),
    line(
      "transform",
      "S3: listings and files written by the job",
      "s3.write",
      s3Writes(calls),
      "requests",
      BUCKET,
    ),
    ...crawlerLines(plan, flow, traffic),
  ];
}

const CRAWLER = "aws:glue/crawler:Crawler";

/** A crawl reads the whole table, so its requests grow with the months, unlike the job's. */
function crawlerLines(plan: Plan, flow: Flow, { months, eventsPerDay }: Traffic): Line[] {
  if (plan.crawlers === 0) return [];
  const crawls = plan.crawlers * flow.runs;
  const dpuHours = (crawls * WORK.crawlerDpus * WORK.crawlerSeconds) / HOUR_SECONDS;
  const days = eventsPerDay === 0 ? 0 : months * DAYS_PER_MONTH;
  const calls = times(crawlCalls(days, filesOfDays(days, flow.shape)), crawls);
  return [
    line("transform", "Glue: the crawler", "glue.crawlerDpuHour", dpuHours, "DPU hours", CRAWLER),
    line("transform", "S3: objects read by the crawler", "s3.read", s3Reads(calls), "requests", BUCKET),
    line("transform", "S3: listings by the crawler", "s3.write", s3Writes(calls), "requests", BUCKET),
    line(
      "transform",
      "Glue Data Catalog: requests of the crawler",
      "glue.catalogRequest",
      catalogCalls(calls),
      "requests",
      CRAWLER,
    ),
    line(
      "orchestrate",
      "Step Functions: state transitions of the crawl",
      "sfn.transition",
      crawls * CRAWL_PATH.length,
      "transitions",
      CRAWLER,
    ),
  ];
}

function lookForNewLines(plan: Plan, flow: Flow): Line[] {
  const idle = flow.executions - flow.runs - flow.checks;
  const gbSeconds = (flow.executions * WORK.otherLambdaSeconds * plan.lookForNewMb) / 1024;
  const calls = [
    times(lookForNewCalls(flow.shape, true), flow.runs),
    times(lookForNewCalls(flow.shape, false), idle),
  ];
  const sum = (of: (calls: Calls) => number) => calls.reduce((total, one) => total + of(one), 0);
  return [
    line(
      "transform",
      "Lambda: look-for-new, requests",
      "lambda.request",
      flow.executions,
      "requests",
      LAMBDA,
    ),
    line("transform", "Lambda: look-for-new, arm64", "lambda.armGbSecond", gbSeconds, "GB-seconds", LAMBDA),
    line("transform", "S3: objects read by look-for-new", "s3.read", sum(s3Reads), "requests", BUCKET),
    line("transform", "S3: listings by look-for-new", "s3.write", sum(s3Writes), "requests", BUCKET),
  ];
}

const TABLES = ["aws:glue/catalogDatabase:CatalogDatabase", "aws:glue/catalogTable:CatalogTable"];
const MINIMUM_SCAN = 10e6;

const WORKGROUP = "aws:athena/workgroup:Workgroup";

function catalogLines(flow: Flow, { months, eventsPerDay, queriesPerDay, daysPerQuery }: Traffic): Line[] {
  const partitions = eventsPerDay === 0 ? 0 : months * DAYS_PER_MONTH;
  // The check reads the ids of the run's own rows: the files of other runs have another processed_at.
  const verifying = flow.runs * Math.max(MINIMUM_SCAN, flow.shape.events * WORK.idBytesPerEvent);
  const perQuery = daysPerQuery * eventsPerDay * WORK.curatedBytesPerEvent * WORK.queriedShare;
  const queries = eventsPerDay === 0 ? 0 : queriesPerDay * DAYS_PER_MONTH;
  const ofPipeline = times(verificationCalls(flow.shape), flow.runs);
  const ofPeople = times(queryCalls(daysPerQuery, filesOfDays(daysPerQuery, flow.shape)), queries);
  const catalogRequests =
    catalogCalls(ofPipeline) + catalogCalls(ofPeople) + flow.runs * catalogCalls(jobCalls(flow.shape));
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
      catalogRequests,
      "requests",
      ...TABLES,
    ),
    line("catalog", "Athena: the pipeline's check", "athena.tb", verifying / 1e12, "TB", WORKGROUP),
    line(
      "catalog",
      "Athena: your queries",
      "athena.tb",
      (queries * Math.max(MINIMUM_SCAN, perQuery)) / 1e12,
      "TB",
      WORKGROUP,
    ),
    line(
      "catalog",
      "S3: objects read by Athena",
      "s3.read",
      s3Reads(ofPipeline) + s3Reads(ofPeople),
      "requests",
      BUCKET,
    ),
    line(
      "catalog",
      "S3: listings and results of Athena",
      "s3.write",
      s3Writes(ofPipeline) + s3Writes(ofPeople),
      "requests",
      BUCKET,
    ),
  ];
}

function orchestrateLines(plan: Plan, flow: Flow): Line[] {
  const idle = flow.executions - flow.runs - flow.checks;
  const scheduled = plan.schedules.length > 0 ? flow.executions : 0;
  return [
    line(
      "orchestrate",
      "Step Functions: state transitions",
      "sfn.transition",
      flow.runs * WORKING_PATH.length +
        flow.checks * CHECKING_PATH.length +
        idle * (plan.arrival ? IDLE_ARRIVAL_PATH : IDLE_PATH).length,
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
    line(
      "notify",
      "SNS: mails published",
      "sns.publish",
      flow.runs + flow.checks,
      "requests",
      "aws:sns/topic:Topic",
    ),
    line(
      "notify",
      "SNS: mails delivered",
      "sns.email",
      (flow.runs + flow.checks) * plan.successMails,
      "mails",
      "aws:sns/topic:Topic",
      "aws:sns/topicSubscription:TopicSubscription",
    ),
  ];
}

/** X-Ray records 5 % of a function's calls, and the first one of each second, which is not counted here. */
const LAMBDA_SAMPLES = 0.05;

function observeLines(plan: Plan, flow: Flow): Line[] {
  const idle = flow.executions - flow.runs - flow.checks;
  const bytes =
    flow.requests * WORK.logBytesPerRequest +
    flow.invocations * WORK.logBytesPerInvocation +
    (plan.arrival ? flow.rawObjects * WORK.logBytesPerInvocation : 0) +
    flow.runs * WORK.logBytesPerExecution +
    flow.checks * WORK.logBytesPerIdleExecution +
    idle * WORK.logBytesPerIdleExecution;
  const metricCalls =
    flow.runs + flow.checks + idle * (idleCalls(flow.shape)["monitoring PutMetricData"] ?? 0);
  const stored = (bytes / GB) * WORK.logCompression * (plan.logRetentionDays / DAYS_PER_MONTH);
  const traced = flow.invocations + flow.executions + flow.requests * LAMBDA_SAMPLES;
  const traces = plan.tracedParts === 0 ? 0 : traced;
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
      "CloudWatch: metrics recorded",
      "cloudwatch.request",
      metricCalls,
      "requests",
      "aws:sfn/stateMachine:StateMachine",
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
  const stream = plan.stream ? WORK.streamKeyRequestsPerHour * HOURS_PER_MONTH : 0;
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
      (plan.hashKey ? flow.runs : 0) +
        (plan.collector?.writeKey ? Math.min(flow.requests, WORK.writeKeyReadsPerHour * HOURS_PER_MONTH) : 0),
      "requests",
      "aws:secretsmanager/secret:Secret",
    ),
  ];
}

function warningsOf(plan: Plan, flow: Flow): string[] {
  const warnings: string[] = [];
  if (plan.stream?.mode === "PROVISIONED" && plan.stream.shards < flow.neededShards) {
    warnings.push(
      `shardCount is ${plan.stream.shards}, but the busiest second needs ${flow.neededShards}: pulumi config set shardCount ${flow.neededShards}`,
    );
  }
  const interval = flow.hoursBetweenRuns * HOUR_SECONDS;
  if (flow.jobSeconds > interval) {
    warnings.push(
      `A run of the Glue job takes about ${Math.round(flow.jobSeconds / 60)} minutes, but the next one starts after ${Math.round(interval / 60)}. Raise glueWorkers, or choose a slower scheduleExpression`,
    );
  }
  const { compactionShare: share, compactionNeed: need } = flow.shape;
  if (share > 0 && share < 1) {
    warnings.push(
      `A run has ${Math.round(need.mb)} MB to compact, which takes ${Math.round(need.seconds)} seconds, but its limits cover only ${Math.round(share * 100)} % of that, so that small files pile up. Raise compactionMb and compactionSeconds, or glueWorkers`,
    );
  }
  return warnings;
}
