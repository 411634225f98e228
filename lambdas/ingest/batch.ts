// Lands one Kinesis batch in S3: a raw object and, where needed, a quarantine object for each shard in it.

import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { KinesisStreamBatchItemFailure, KinesisStreamRecord } from "aws-lambda";
import type { QuarantineLine, QuarantineReason } from "../shared/event";
import { batchKey, objectKey, type Zone } from "../shared/layout";
import { type Log, withContext } from "../shared/log";
import { embeddedMetrics, INGEST_METRICS } from "../shared/metrics";
import { type Clock, errorMessage, errorName } from "../shared/runtime";
import { GzipObject } from "./gzip-object";
import {
  AS_IT_STANDS,
  type Normalised,
  normalise,
  type RecordContext,
  type Rejection,
  recordContext,
  siblingContext,
  type TimeWindow,
} from "./normalise";
import { type Coverage, quarantineCoverage, type ShardBatch } from "./quarantined";
import { LineScanner, Verdict } from "./scan";
import { textOf, type UnpackedLine, unpack } from "./unpack";

export interface IngestDependencies {
  s3: S3Client;
  bucket: string;
  window: TimeWindow;
  /** The metrics' dimension. */
  stack: string;
  clock: Clock;
  log: Log;
}

interface ShardResult {
  events: number;
  quarantined: number;
  /** Lines left out because an earlier delivery of the same records had already quarantined them. */
  alreadyQuarantined: number;
  reasons: Partial<Record<QuarantineReason, number>>;
  keys: string[];
  /** Bytes of both objects, before and after compression. */
  plainBytes: number;
  gzipBytes: number;
}

/** The shards that could not be written, each by its first record: Lambda delivers again from there on. */
export async function ingestBatch(
  records: readonly KinesisStreamRecord[],
  dependencies: IngestDependencies,
): Promise<KinesisStreamBatchItemFailure[]> {
  const failures: KinesisStreamBatchItemFailure[] = [];
  // A batch that Lambda makes holds one shard; grouping keeps the keys right whoever calls.
  await Promise.all(
    [...byShard(records)].map(async ([shardId, shardRecords]) => {
      const startedMs = dependencies.clock.now();
      const batch = shardBatch(shardId, shardRecords);
      const log = withContext(dependencies.log, { batch: batchKey(batch) });
      try {
        const result = await ingestShard(batch, shardRecords, dependencies);
        logBatch(shardRecords.length, result, startedMs, { ...dependencies, log });
      } catch (error) {
        failures.push({ itemIdentifier: batch.first });
        logRefused(error, { ...dependencies, log });
      }
    }),
  );
  return failures;
}

/** The batches' keys, for what is logged before a shard's work has begun. */
export function batchNames(records: readonly KinesisStreamRecord[]): string {
  return [...byShard(records)]
    .map(([shardId, shardRecords]) => batchKey(shardBatch(shardId, shardRecords)))
    .join(", ");
}

function byShard(records: readonly KinesisStreamRecord[]): Map<string, KinesisStreamRecord[]> {
  const shards = new Map<string, KinesisStreamRecord[]>();
  for (const record of records) {
    const shardId = record.eventID.slice(0, record.eventID.lastIndexOf(":"));
    const list = shards.get(shardId);
    if (list === undefined) shards.set(shardId, [record]);
    else list.push(record);
  }
  return shards;
}

async function ingestShard(
  batch: ShardBatch,
  records: readonly KinesisStreamRecord[],
  { s3, bucket, window }: IngestDependencies,
): Promise<ShardResult> {
  const result: ShardResult = {
    events: 0,
    quarantined: 0,
    alreadyQuarantined: 0,
    reasons: {},
    keys: [],
    plainBytes: 0,
    gzipBytes: 0,
  };
  const raw = new GzipObject();
  const quarantine = new GzipObject();
  const scanner = new LineScanner();
  const contextOf = contexts(batch.shardId, window);
  let coverage: Coverage | undefined;

  for (const record of records) {
    const { sequenceNumber, data } = record.kinesis;
    const context = contextOf(record);
    let position = 0;
    for (const line of unpack(data)) {
      const outcome = addPlain(raw, line, position, context, scanner) ?? outcomeOf(line, position, context);
      if (outcome === AS_IT_STANDS) {
        addAsItStands(raw, line, position, context);
      } else if (typeof outcome === "string") {
        raw.add(outcome);
      } else if (outcome !== ADDED) {
        // Asked only when there is something to quarantine: most batches need no listing at all.
        coverage ??= await quarantineCoverage(s3, bucket, batch);
        result.reasons[outcome.reason] = (result.reasons[outcome.reason] ?? 0) + 1;
        if (coverage.has(sequenceNumber)) result.alreadyQuarantined += 1;
        else quarantine.add(quarantineLine(outcome, line, position, context));
      }
      position += 1;
    }
  }
  result.events = raw.lines;
  result.quarantined = quarantine.lines;
  // Quarantine first: a crash between the two leaves a line that the next delivery finds and leaves out.
  await put("quarantine", quarantine, batch, s3, bucket, result);
  await put("raw", raw, batch, s3, bucket, result);
  return result;
}

function shardBatch(shardId: string, records: readonly KinesisStreamRecord[]): ShardBatch {
  const first = records[0] as KinesisStreamRecord;
  const last = records.at(-1) as KinesisStreamRecord;
  return {
    shardId,
    first: first.kinesis.sequenceNumber,
    last: last.kinesis.sequenceNumber,
    firstArrivalMs: arrivalMs(first),
    lastArrivalMs: arrivalMs(last),
  };
}

/** Lambda gives seconds with a fraction, which a double holds only nearly. */
function arrivalMs(record: KinesisStreamRecord): number {
  return Math.round(record.kinesis.approximateArrivalTimestamp * 1000);
}

/** The context of one record after the other; most of a batch arrive in the same millisecond as the one before. */
function contexts(shardId: string, window: TimeWindow): (record: KinesisStreamRecord) => RecordContext {
  let last: RecordContext | undefined;
  let lastMs = Number.NaN;
  return (record) => {
    const { sequenceNumber } = record.kinesis;
    const ms = arrivalMs(record);
    last =
      last !== undefined && ms === lastMs
        ? siblingContext(last, sequenceNumber)
        : recordContext(shardId, sequenceNumber, ms, window);
    lastMs = ms;
    return last;
  };
}

const ADDED = Symbol("added");

/** Adds a line that the scanner is sure of; undefined where it is not. */
function addPlain(
  raw: GzipObject,
  line: UnpackedLine,
  position: number,
  context: RecordContext,
  scanner: LineScanner,
): typeof ADDED | undefined {
  if (line.kind !== "text") return undefined;
  const { data, start, end } = line;
  const verdict = scanner.scan(data, start, end, context);
  if (verdict === Verdict.Doubt) return undefined;
  if (verdict === Verdict.Rewrite) raw.addWritten(scanner, context.arrivalSuffix, position);
  else raw.addExtended(data, start, end, context.arrivalSuffix, position);
  return ADDED;
}

function outcomeOf(line: UnpackedLine, position: number, context: RecordContext): Normalised {
  switch (line.kind) {
    case "text":
    case "pretty":
      return normalise(textOf(line), position, context);
    case "bytes":
      return { reason: "not_utf8", detail: "The bytes are no UTF-8 text; the payload is their base64." };
    case "empty":
      return { reason: "empty_record", detail: "The record holds nothing but blanks." };
  }
}

function addAsItStands(raw: GzipObject, line: UnpackedLine, position: number, context: RecordContext): void {
  if (line.kind === "text" || line.kind === "pretty") {
    raw.addExtended(line.data, line.start, line.end, context.arrivalSuffix, position);
  }
}

function quarantineLine(
  rejection: Rejection,
  line: UnpackedLine,
  position: number,
  context: RecordContext,
): string {
  const isBytes = line.kind === "bytes";
  const entry: QuarantineLine = {
    reason: rejection.reason,
    detail: rejection.detail,
    payload: isBytes ? line.bytes.toString("base64") : textOf(line),
    payload_encoding: isBytes ? "base64" : "utf8",
    shard_id: context.shardId,
    sequence_number: context.sequenceNumber,
    position,
    arrival_time: `${context.arrivalTime.slice(0, 10)} ${context.arrivalTime.slice(11, 23)}`,
  };
  return JSON.stringify(entry);
}

async function put(
  zone: Zone,
  object: GzipObject,
  batch: ShardBatch,
  s3: S3Client,
  bucket: string,
  result: ShardResult,
): Promise<void> {
  if (object.lines === 0) return;
  const body = object.finish();
  const key = objectKey(zone, batch.firstArrivalMs, batch);
  await s3.send(
    new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: "application/gzip" }),
  );
  result.keys.push(key);
  result.plainBytes += object.plainBytes;
  result.gzipBytes += body.length;
}

function logRefused(error: unknown, { log, bucket }: IngestDependencies): void {
  log({
    level: "ERROR",
    message: "A shard's records could not be written; Lambda will deliver them again",
    bucket,
    error: errorName(error),
    detail: errorMessage(error),
  });
}

/** One line says what became of the batch, to people and, by the embedded metric format, to CloudWatch. */
function logBatch(
  records: number,
  result: ShardResult,
  startedMs: number,
  { clock, log, stack }: IngestDependencies,
): void {
  const nowMs = clock.now();
  const values = {
    BatchRecords: records,
    EventsAccepted: result.events,
    LinesQuarantined: result.quarantined,
    BytesRaw: result.plainBytes,
    BytesGzip: result.gzipBytes,
  };
  log({
    level: "INFO",
    message: "Batch ingested",
    alreadyQuarantined: result.alreadyQuarantined,
    reasons: result.reasons,
    keys: result.keys,
    milliseconds: nowMs - startedMs,
    ...embeddedMetrics(stack, INGEST_METRICS, values, nowMs),
  });
}
