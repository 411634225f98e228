// Turns a month's traffic into work: records, batches, objects, runs and their seconds, files, stored bytes.

import { HOUR_SECONDS } from "../../lambdas/shared/durations";
import { PUT_UNIT_BYTES } from "../../lambdas/shared/records";
import { PREFIX } from "../../schema/prefixes";
import { type Traffic, WORK } from "./assumptions";
import type { LifecycleRule, Plan } from "./plan";
import { DAYS_PER_MONTH, HOURS_PER_MONTH, runsPerMonth } from "./schedule";

const MONTH_SECONDS = HOURS_PER_MONTH * HOUR_SECONDS;
const SHARD_BYTES_PER_SECOND = 1024 * 1024;
const SHARD_RECORDS_PER_SECOND = 1000;
const LAMBDA_PAYLOAD_BYTES = 6 * 1024 * 1024;
/** What Lambda passes with a record's data. */
const RECORD_ENVELOPE_BYTES = 400;
export const GB = 1e9;
/** States of an execution that found events, and of one that found none. A test compares them with the state machine. */
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

export interface Flow {
  events: number;
  records: number;
  recordBytes: number;
  /** Shards that the busiest second needs. */
  neededShards: number;
  putUnits: number;
  invocations: number;
  ingestSeconds: number;
  rawObjects: number;
  rawObjectBytes: number;
  quarantineObjects: number;
  executions: number;
  working: boolean;
  jobSeconds: number;
  filesWritten: number;
  /** Curated files that the lake holds. Each run opens them. */
  filesKept: number;
  rawObjectsKept: number;
}

export function flowOf(plan: Plan, traffic: Traffic): Flow {
  const events = traffic.eventsPerDay * DAYS_PER_MONTH;
  const records = events / traffic.eventsPerRecord;
  const recordBytes = traffic.eventBytes * traffic.eventsPerRecord;
  const perSecond = records / MONTH_SECONDS;
  const peak = perSecond * traffic.peakFactor;
  const neededShards = Math.max(
    1,
    Math.ceil((peak * recordBytes) / SHARD_BYTES_PER_SECOND),
    Math.ceil(peak / SHARD_RECORDS_PER_SECOND),
  );
  const shards = plan.streamMode === "PROVISIONED" ? plan.shards : neededShards;
  const invocations = batchesPerSecond(plan, perSecond / shards, recordBytes) * shards * MONTH_SECONDS;
  const eventsPerBatch = invocations === 0 ? 0 : events / invocations;
  const cores = Math.min(1, plan.ingestMemoryMb / WORK.mbPerCore);
  const quarantined = 1 - (1 - traffic.quarantinePercent / 100) ** eventsPerBatch;
  const scheduled = plan.schedules.reduce((sum, expression) => sum + runsPerMonth(expression), 0);
  const executions = scheduled > 0 ? scheduled : events === 0 ? 0 : traffic.executionsPerDay * DAYS_PER_MONTH;
  const days = traffic.months * DAYS_PER_MONTH;
  const files = events === 0 ? 0 : filesPerRun(plan, events / Math.max(executions, 1)) * executions;
  const kept = (rules: LifecycleRule[], prefix: string) => keptDays(rules, prefix, days) / DAYS_PER_MONTH;
  const filesKept = files * kept(plan.rules.curated, PREFIX.events);
  const knownEvents = events * kept(plan.rules.curated, PREFIX.events);
  return {
    events,
    records,
    recordBytes,
    neededShards,
    putUnits: records * Math.ceil(recordBytes / PUT_UNIT_BYTES),
    invocations,
    ingestSeconds:
      invocations * WORK.ingestSecondsPerBatch + (events * WORK.ingestCoreSecondsPerEvent) / cores,
    rawObjects: invocations,
    rawObjectBytes: eventsPerBatch * WORK.rawBytesPerEvent,
    quarantineObjects: invocations * quarantined,
    executions,
    working: events > 0,
    jobSeconds: executions === 0 ? 0 : jobSeconds(plan, events / executions, filesKept, knownEvents),
    filesWritten: files,
    filesKept,
    rawObjectsKept: invocations * kept(plan.rules.raw, PREFIX.raw),
  };
}

/** A batch ends when the window (from its first record) is over, at batchSize records, or at 6 MB of payload. */
function batchesPerSecond(plan: Plan, recordsPerSecond: number, recordBytes: number): number {
  if (recordsPerSecond === 0) return 0;
  const payload = (recordBytes * 4) / 3 + RECORD_ENVELOPE_BYTES;
  const recordsPerBatch = Math.min(plan.batchSize, LAMBDA_PAYLOAD_BYTES / payload);
  // Without a window, Lambda still polls a shard only once a second.
  const byTime = 1 / (Math.max(plan.windowSeconds, 1) + 1 / recordsPerSecond);
  return Math.max(byTime, recordsPerSecond / recordsPerBatch);
}

function filesPerRun(plan: Plan, eventsPerRun: number): number {
  const bytes = eventsPerRun * WORK.curatedBytesPerEvent;
  return Math.max(1, Math.ceil(bytes / (plan.targetFileMb * 1e6 * WORK.fileShare)));
}

function jobSeconds(plan: Plan, eventsPerRun: number, files: number, known: number): number {
  const cores = (plan.workers - 1) * plan.dpus * WORK.coresPerDpu;
  const work =
    eventsPerRun === 0
      ? 0
      : eventsPerRun * WORK.sparkCoreSecondsPerEvent +
        files * WORK.sparkSecondsPerFile +
        known * WORK.sparkCoreSecondsPerKnownEvent;
  return WORK.sparkBaseSeconds + work / cores;
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
