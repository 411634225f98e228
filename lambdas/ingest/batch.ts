// Writes one Kinesis batch to S3: for each shard one raw object and, if needed, a quarantine object for each hour.

import type { S3Client } from "@aws-sdk/client-s3";
import type { KinesisStreamBatchItemFailure, KinesisStreamRecord } from "aws-lambda";
import { batchKey, objectKey, type SequenceRange } from "../shared/layout";
import { withContext } from "../shared/log";
import { errorMessage, errorName } from "../shared/runtime";
import { type RecordContext, recordContext, siblingContext, type TimeWindow } from "./context";
import { GzipObject } from "./gzip-object";
import { outcomes } from "./outcomes";
import { QuarantineHours } from "./quarantine-hours";
import { type BatchLog, logBatch, Written } from "./written";

export interface IngestDependencies extends BatchLog {
  s3: S3Client;
  bucket: string;
  window: TimeWindow;
}

interface ShardBatch extends SequenceRange {
  firstArrivalMs: number;
}

/** Returns the first record of each shard that could not be written. Lambda retries from that record. */
export async function ingestBatch(
  records: readonly KinesisStreamRecord[],
  dependencies: IngestDependencies,
): Promise<KinesisStreamBatchItemFailure[]> {
  const failures: KinesisStreamBatchItemFailure[] = [];
  // A batch from Lambda has records of one shard only. Grouping keeps the keys right for any other caller.
  // Shards are processed one by one, so that only one shard's lines are in memory.
  for (const [shardId, shardRecords] of byShard(records)) {
    const startedMs = dependencies.clock.now();
    const batch = shardBatch(shardId, shardRecords);
    const log = withContext(dependencies.log, { batch: batchKey(batch) });
    try {
      const written = await ingestShard(batch, shardRecords, dependencies);
      logBatch(shardRecords.length, written, startedMs, { ...dependencies, log });
    } catch (error) {
      failures.push({ itemIdentifier: batch.first });
      logRefused(error, { ...dependencies, log });
    }
  }
  return failures;
}

/** The keys of the batches, for log lines written before a shard is processed. */
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
): Promise<Written> {
  const written = new Written(s3, bucket);
  const raw = new GzipObject();
  const quarantine = new QuarantineHours(batch, s3, bucket);
  const contextOf = contexts(batch.shardId, window);

  for (const record of records) {
    const context = contextOf(record);
    for (const outcome of outcomes(Buffer.from(record.kinesis.data, "base64"), context)) {
      if (typeof outcome === "string") {
        raw.add(outcome);
        continue;
      }
      // Only listed when there is something to quarantine. Most batches need no listing.
      const hour = quarantine.currentOf(context) ?? (await quarantine.turnTo(context));
      hour.add(outcome, context);
      written.refused(outcome.reason);
    }
  }
  written.events = raw.lines;
  // Quarantine first: after a crash between two objects, the next delivery finds the lines that are there and skips them.
  for (const { key, object, alreadyQuarantined } of quarantine.all()) {
    written.quarantined += object.lines;
    written.alreadyQuarantined += alreadyQuarantined;
    await written.put(key, object);
  }
  await written.put(objectKey("raw", batch.firstArrivalMs, batch), raw);
  return written;
}

function shardBatch(shardId: string, records: readonly KinesisStreamRecord[]): ShardBatch {
  const first = records[0] as KinesisStreamRecord;
  const last = records.at(-1) as KinesisStreamRecord;
  return {
    shardId,
    first: first.kinesis.sequenceNumber,
    last: last.kinesis.sequenceNumber,
    firstArrivalMs: arrivalMs(first),
  };
}

/** Lambda passes seconds with a fraction. A double is not exact here, so the result is rounded. */
function arrivalMs(record: KinesisStreamRecord): number {
  return Math.round(record.kinesis.approximateArrivalTimestamp * 1000);
}

/** Makes the context of each record. Most records arrive in the same millisecond as the previous one. */
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

function logRefused(error: unknown, { log, bucket }: IngestDependencies): void {
  log({
    level: "ERROR",
    message: "A shard's records could not be written; Lambda will deliver them again",
    bucket,
    error: errorName(error),
    detail: errorMessage(error),
  });
}
