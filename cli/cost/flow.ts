// Turns a month's traffic into work: records, batches, objects, runs and their seconds, files, stored bytes.

import { HOUR_SECONDS } from "../../lambdas/shared/durations";
import { PUT_UNIT_BYTES } from "../../lambdas/shared/records";
import { type Traffic, WORK } from "./assumptions";
import type { DeliveryPlan, LifecycleRule, Plan, StreamPlan } from "./plan";
import { coresOf, type RunShape, shapeOfRun } from "./run-shape";
import { DAYS_PER_MONTH, HOURS_PER_MONTH, runsPerMonth } from "./schedule";

const MONTH_SECONDS = HOURS_PER_MONTH * HOUR_SECONDS;
const SHARD_BYTES_PER_SECOND = 1024 * 1024;
const SHARD_RECORDS_PER_SECOND = 1000;
const LAMBDA_PAYLOAD_BYTES = 6 * 1024 * 1024;
/** What Lambda passes with a record's data. */
const RECORD_ENVELOPE_BYTES = 400;
/** Firehose bills each record in steps of this size. */
const FIREHOSE_STEP_BYTES = 5 * 1024;
const MIB = 1024 * 1024;
export const GB = 1e9;
/** States of an execution that found events and ran the job, and of one that found none. A test compares them with the state machine. */
export const WORKING_PATH = [
  ...[
    "CheckInput",
    "IsInputRight",
    "KeepInput",
    "WhatToDo",
    "LookForNew",
    "IsAnythingNew",
    "TransformEvents",
  ],
  ...["ReadReport", "HowToRepair", "RepairPartitions", "VerifyTables", "ReadCounts", "IsVerified"],
  ...["RecordMetrics", "IsMailDue", "NotifySuccess", "PipelineSucceeded"],
];
export const IDLE_PATH = [
  ...["CheckInput", "IsInputRight", "KeepInput", "WhatToDo", "LookForNew", "IsAnythingNew"],
  ...["RecordMetrics", "IsMailDue", "NothingNew"],
];
/** What a crawler adds to the working path, after RepairPartitions: its start, and looks at it until it has ended. */
export const CRAWL_LOOKS = 8;
export const CRAWL_PATH = [
  "CrawlTable",
  ...Array<string[]>(CRAWL_LOOKS).fill(["WaitForCrawl", "ReadCrawl", "IsCrawled"]).flat(),
];

const BEFORE_CHECK = [
  "CheckInput",
  "IsInputRight",
  "KeepInput",
  "WhatToDo",
  "CheckArrival",
  "IsArrivalWritten",
];
/** With `way` arrival: of an execution that checked what to-parquet wrote, and of one that found nothing new. */
export const CHECKING_PATH = [
  ...BEFORE_CHECK,
  ...["HasAnythingArrived", "RepairArrived", "VerifyArrived", "ReadArrivedCounts", "IsArrivedVerified"],
  ...["KeepArrival", "RecordMetrics", "IsMailDue", "NotifyArrived", "PipelineSucceeded"],
];
export const IDLE_ARRIVAL_PATH = [
  ...BEFORE_CHECK,
  ...["HasAnythingArrived", "RecordMetrics", "IsMailDue", "NothingNew"],
];

export interface Flow {
  events: number;
  records: number;
  recordBytes: number;
  /** Bytes that producers send in the busiest second. */
  peakBytesPerSecond: number;
  /** Shards that the busiest second needs. */
  neededShards: number;
  putUnits: number;
  /** GB that Firehose bills; 0 with a stream. */
  firehoseGb: number;
  /** Requests to the collector; 0 without one. */
  requests: number;
  invocations: number;
  ingestSeconds: number;
  /** Seconds of one invocation. */
  batchSeconds: number;
  rawObjects: number;
  rawObjectBytes: number;
  quarantineObjects: number;
  quarantineObjectsOfShardHour: number;
  executions: number;
  /** Executions that find something new and start the Spark job. */
  runs: number;
  /** Executions that find something new and check what to-parquet wrote. Only with `way` arrival. */
  checks: number;
  hoursBetweenRuns: number;
  /** What one of them meets. */
  shape: RunShape;
  /** Core-seconds of a run's executors. */
  workSeconds: number;
  jobSeconds: number;
  /** Seconds of workers that AWS bills for a run. */
  billedWorkerSeconds: number;
  filesWritten: number;
}

export function flowOf(plan: Plan, traffic: Traffic): Flow {
  const events = traffic.eventsPerDay * DAYS_PER_MONTH;
  const eventsPerRecord = plan.collector ? traffic.eventsPerRequest : traffic.eventsPerRecord;
  const records = events / eventsPerRecord;
  const recordBytes = traffic.eventBytes * eventsPerRecord;
  const perSecond = records / MONTH_SECONDS;
  const neededShards = shardsFor(perSecond * traffic.peakFactor, recordBytes);
  const { invocations, rawObjects, lanes } = batchesOf(
    plan,
    perSecond,
    recordBytes,
    eventsPerRecord,
    neededShards,
  );
  const eventsPerBatch = invocations === 0 ? 0 : events / invocations;
  const cores = Math.min(1, plan.ingestMemoryMb / WORK.mbPerCore);
  // One batch of each shard and hour goes on into the next hour. It can have lines in the quarantine of both.
  const batchHours = invocations + Math.min(invocations, lanes * HOURS_PER_MONTH);
  const quarantineObjects = batchHours * (1 - (1 - traffic.quarantinePercent / 100) ** eventsPerBatch);
  const { executions, runs, checks } = executionsOf(plan, traffic, rawObjects);
  const hoursBetweenRuns = HOURS_PER_MONTH / Math.max(runs, 1);
  const perHour = {
    rawPerHour: rawObjects / HOURS_PER_MONTH,
    quarantinePerHour: quarantineObjects / HOURS_PER_MONTH,
  };
  const shape = shapeOfRun(plan, traffic, perHour, hoursBetweenRuns);
  const workSeconds = workOf(shape);
  const batchSeconds = WORK.ingestSecondsPerBatch + (eventsPerBatch * WORK.ingestCoreSecondsPerEvent) / cores;
  return {
    events,
    records,
    recordBytes,
    peakBytesPerSecond: perSecond * recordBytes * traffic.peakFactor,
    neededShards,
    putUnits: records * Math.ceil(recordBytes / PUT_UNIT_BYTES),
    firehoseGb: plan.delivery
      ? (records * Math.ceil(recordBytes / FIREHOSE_STEP_BYTES) * FIREHOSE_STEP_BYTES) / GB
      : 0,
    requests: plan.collector ? events / traffic.eventsPerRequest : 0,
    invocations,
    ingestSeconds: invocations * batchSeconds,
    batchSeconds,
    rawObjects,
    rawObjectBytes: rawObjects === 0 ? 0 : (events / rawObjects) * WORK.rawBytesPerEvent,
    quarantineObjects,
    quarantineObjectsOfShardHour: quarantineObjects / HOURS_PER_MONTH / lanes,
    executions,
    runs,
    checks,
    hoursBetweenRuns,
    shape,
    workSeconds,
    jobSeconds: runs === 0 ? 0 : WORK.sparkBaseSeconds + workSeconds / coresOf(plan),
    billedWorkerSeconds: runs === 0 ? 0 : billedWorkerSeconds(plan, workSeconds),
    filesWritten: runs * (shape.filesWritten + shape.compactionFiles),
  };
}

interface Batches {
  /** Calls of the Lambda that checks the events. */
  invocations: number;
  rawObjects: number;
  /** How many batches there are side by side. */
  lanes: number;
}

function batchesOf(
  plan: Plan,
  recordsPerSecond: number,
  recordBytes: number,
  eventsPerRecord: number,
  neededShards: number,
): Batches {
  if (plan.delivery)
    return deliveredBatches(
      plan.delivery,
      plan.windowSeconds,
      recordsPerSecond,
      recordBytes,
      eventsPerRecord,
    );
  const stream = plan.stream as StreamPlan;
  const shards = stream.mode === "PROVISIONED" ? stream.shards : neededShards;
  const perShard = batchesPerSecond(stream, plan.windowSeconds, recordsPerSecond / shards, recordBytes);
  const invocations = perShard * shards * MONTH_SECONDS;
  return { invocations, rawObjects: invocations, lanes: shards };
}

/** Assumed: Firehose has one buffer of each kind. With more traffic AWS runs several side by side, which fill as fast. */
function deliveredBatches(
  { bufferMb, lambdaBufferMb, lambdaBufferSeconds }: DeliveryPlan,
  bufferSeconds: number,
  recordsPerSecond: number,
  recordBytes: number,
  eventsPerRecord: number,
): Batches {
  if (recordsPerSecond === 0) return { invocations: 0, rawObjects: 0, lanes: 1 };
  const fills = (seconds: number, mb: number, bytesPerRecord: number) =>
    Math.max(
      1 / (Math.max(seconds, 1) + 1 / recordsPerSecond),
      (recordsPerSecond * bytesPerRecord) / (mb * MIB),
    ) * MONTH_SECONDS;
  const rawBytes = recordBytes + eventsPerRecord * WORK.arrivalBytesPerEvent;
  return {
    invocations: fills(lambdaBufferSeconds, lambdaBufferMb, recordBytes),
    rawObjects: fills(bufferSeconds, bufferMb, rawBytes),
    lanes: 1,
  };
}

function executionsOf(
  plan: Plan,
  traffic: Traffic,
  rawObjects: number,
): { executions: number; runs: number; checks: number } {
  const scheduled = plan.schedules.reduce((sum, expression) => sum + runsPerMonth(expression), 0);
  const byHand = traffic.eventsPerDay === 0 ? 0 : traffic.executionsPerDay * DAYS_PER_MONTH;
  const executions = scheduled > 0 ? scheduled : byHand;
  // Evenly spread objects: with less than one for each execution, an execution without one finds nothing new.
  const working = Math.min(executions, rawObjects);
  if (!plan.arrival) return { executions, runs: working, checks: 0 };
  const runs = Math.min(working, HOURS_PER_MONTH / plan.arrival.jobEveryHours);
  return { executions, runs, checks: working - runs };
}

function shardsFor(peakRecords: number, recordBytes: number): number {
  return Math.max(
    1,
    Math.ceil((peakRecords * recordBytes) / SHARD_BYTES_PER_SECOND),
    Math.ceil(peakRecords / SHARD_RECORDS_PER_SECOND),
  );
}

/** A batch ends when the window (from its first record) is over, at batchSize records, or at 6 MB of payload. */
function batchesPerSecond(
  { batchSize }: StreamPlan,
  windowSeconds: number,
  recordsPerSecond: number,
  recordBytes: number,
): number {
  if (recordsPerSecond === 0) return 0;
  const payload = (recordBytes * 4) / 3 + RECORD_ENVELOPE_BYTES;
  const recordsPerBatch = Math.min(batchSize, LAMBDA_PAYLOAD_BYTES / payload);
  // Without a window, Lambda still polls a shard only once a second.
  const byTime = 1 / (Math.max(windowSeconds, 1) + 1 / recordsPerSecond);
  return Math.max(byTime, recordsPerSecond / recordsPerBatch);
}

/** Core-seconds that a run's executors work: they open objects and files, copy some, read, look ids up, write, and compact. */
function workOf(shape: RunShape): number {
  const opened = shape.rawObjects + shape.quarantineObjects + shape.knownFiles + shape.compactedFiles;
  return (
    shape.events * WORK.sparkCoreSecondsPerEvent +
    (opened + shape.copiedFiles) * WORK.sparkSecondsPerFile +
    shape.knownEvents * WORK.sparkCoreSecondsPerKnownEvent +
    shape.compactedEvents * WORK.compactionCoreSecondsPerEvent
  );
}

/** Glue bills each worker by the second, a run at least a minute. */
function billedWorkerSeconds(plan: Plan, workSeconds: number): number {
  const working = workSeconds / coresOf(plan);
  const least = 60 - WORK.sparkBaseSeconds - working;
  const atRest = plan.autoScaling ? WORK.workersAtRest : plan.workers;
  return (WORK.sparkBaseSeconds + Math.max(0, least)) * atRest + working * plan.workers;
}

/** Days that an object under a prefix is kept, up to the age of the stack. */
function keptDays(rules: LifecycleRule[], prefix: string, days: number): number {
  const expirations = rules
    .filter((rule) => prefix.startsWith(rule.prefix))
    .flatMap(({ expirationDays }) => expirationDays ?? []);
  return Math.min(days, ...expirations);
}

/** GB in each storage class after `months` of the same bytes every day. */
export function storedGb(
  bytesPerDay: number,
  objectBytes: number,
  rules: LifecycleRule[],
  prefix: string,
  months: number,
): Record<string, number> {
  const end = keptDays(rules, prefix, months * DAYS_PER_MONTH);
  // S3 does not move objects under 128 KB: the other classes would bill them as 128 KB.
  const moves = objectBytes < 128 * 1024 ? [] : rules.filter((rule) => prefix.startsWith(rule.prefix));
  const steps = moves.flatMap(({ transitions }) => transitions).sort((a, b) => a.days - b.days);
  const stored: Record<string, number> = {};
  let from = 0;
  let current = "STANDARD";
  for (const { days, storageClass } of [...steps, { days: end, storageClass: "" }]) {
    const to = Math.min(days, end);
    if (to > from) stored[current] = (stored[current] ?? 0) + ((to - from) * bytesPerDay) / GB;
    from = Math.max(from, to);
    current = storageClass;
  }
  return stored;
}
