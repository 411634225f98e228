// Puts records into a Kinesis stream in full batches, and retries only the records that Kinesis rejected.

import { type KinesisClient, PutRecordsCommand, type PutRecordsResultEntry } from "@aws-sdk/client-kinesis";
import { compareSequence } from "./layout";
import type { PackedRecord } from "./records";
import { type Clock, errorMessage, errorName } from "./runtime";

const MAX_BATCH_RECORDS = 500;
const MAX_BATCH_BYTES = 5 * 1024 * 1024;

/** Maximum attempts in a row without progress. With full jitter this takes about half a minute. */
const MAX_FRUITLESS_TRIES = 12;
const BASE_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;

/** Kinesis did not accept some records after all retries. */
export class PutFailed extends Error {
  override readonly name = "PutFailed";
}

/** The deadline of the caller has passed. */
class OutOfTime extends Error {
  override readonly name = "OutOfTime";
}

export interface SenderOptions {
  client: Pick<KinesisClient, "send">;
  streamName: string;
  clock: Clock;
  /** The jitter, from 0 (included) to 1 (excluded). */
  random: () => number;
  /** Nothing is sent after this time. */
  deadlineMs?: number;
  /** Called after each batch that Kinesis accepted completely. */
  onSent?: (sent: Sent) => void;
}

export interface Sent {
  lines: number;
  records: number;
  bytes: number;
  calls: number;
  /** Number of entries that were retried. */
  resent: number;
  /** The last sequence number in each shard. */
  shards: Record<string, string>;
}

/**
 * Makes one call at a time, and finishes a batch before the next one starts. This keeps the order within a partition
 * key, with one exception: in one call, Kinesis can accept a later record and reject an earlier one.
 * If the network fails, Kinesis may still have stored the records. Then events arrive twice, with the same event_id.
 */
export class KinesisSender {
  readonly sent: Sent = { lines: 0, records: 0, bytes: 0, calls: 0, resent: 0, shards: {} };
  private batch: PackedRecord[] = [];
  private batchBytes = 0;
  private underWay: Promise<void> = Promise.resolve();

  constructor(private readonly options: SenderOptions) {}

  /** Returns a promise to await if a batch is full. The batch is sent while the caller makes the next one. */
  add(record: PackedRecord): Promise<void> | undefined {
    const bytes = record.data.length + record.partitionKey.length;
    const isFull = this.batch.length === MAX_BATCH_RECORDS || this.batchBytes + bytes > MAX_BATCH_BYTES;
    const started = isFull ? this.startBatch() : undefined;
    this.batch.push(record);
    this.batchBytes += bytes;
    return started;
  }

  /** Sends the rest, and waits until Kinesis has accepted everything. */
  async flush(): Promise<void> {
    if (this.batch.length > 0) await this.startBatch();
    await this.underWay;
  }

  /** Starts to send this batch. The returned promise waits for the previous batch only. */
  private startBatch(): Promise<void> {
    const batch = this.batch;
    this.batch = [];
    this.batchBytes = 0;
    const before = this.underWay;
    this.underWay = before.then(() => this.put(batch));
    // The next await sees the failure. Until then it must not count as an unhandled rejection.
    this.underWay.catch(() => undefined);
    return before;
  }

  private async put(batch: readonly PackedRecord[]): Promise<void> {
    let left = batch;
    for (let fruitless = 0; ; ) {
      this.checkTime(left.length);
      const attempt = await this.attempt(left);
      if (attempt.failed.length === 0) break;
      fruitless = attempt.failed.length < left.length ? 1 : fruitless + 1;
      left = attempt.failed;
      this.sent.resent += left.length;
      if (fruitless >= MAX_FRUITLESS_TRIES) throw this.putFailed(left.length, fruitless, attempt.causes);
      const delayMs = fullJitter(fruitless, this.options.random);
      // If there is no time for another try after the delay, the caller gets its error now.
      this.checkTime(left.length, delayMs, attempt.causes);
      await this.options.clock.sleep(delayMs);
    }
    this.options.onSent?.(this.sent);
  }

  private async attempt(
    records: readonly PackedRecord[],
  ): Promise<{ failed: PackedRecord[]; causes: Map<string, number> }> {
    const causes = new Map<string, number>();
    this.sent.calls += 1;
    let results: PutRecordsResultEntry[];
    try {
      results = await this.call(records);
    } catch (error) {
      if (!isTransient(error)) throw error;
      causes.set(`${errorName(error)} (${errorMessage(error)})`, records.length);
      return { failed: [...records], causes };
    }
    const failed = records.filter((record, index) => {
      const result = results[index];
      if (result?.SequenceNumber !== undefined && result.ErrorCode === undefined) {
        this.taken(record, result);
        return false;
      }
      const cause = `${result?.ErrorCode ?? "no answer"} (${result?.ErrorMessage ?? "the entry is missing"})`;
      causes.set(cause, (causes.get(cause) ?? 0) + 1);
      return true;
    });
    return { failed, causes };
  }

  private async call(records: readonly PackedRecord[]): Promise<PutRecordsResultEntry[]> {
    const { Records } = await this.options.client.send(
      new PutRecordsCommand({
        StreamName: this.options.streamName,
        Records: records.map(({ partitionKey, data }) => ({ PartitionKey: partitionKey, Data: data })),
      }),
    );
    return Records ?? [];
  }

  private taken(record: PackedRecord, { ShardId, SequenceNumber }: PutRecordsResultEntry): void {
    const { sent } = this;
    sent.lines += record.lines;
    sent.records += 1;
    sent.bytes += record.data.length;
    const shardId = ShardId as string;
    const last = sent.shards[shardId];
    if (last === undefined || compareSequence(last, SequenceNumber as string) < 0) {
      sent.shards[shardId] = SequenceNumber as string;
    }
  }

  private checkTime(records: number, delayMs = 0, causes: ReadonlyMap<string, number> = new Map()): void {
    const { clock, deadlineMs } = this.options;
    if (deadlineMs !== undefined && clock.now() + delayMs >= deadlineMs) {
      throw new OutOfTime(
        `Out of time after ${this.sent.lines} lines, ${records} records of a batch still to send. ` +
          `Send fewer events, or give the stream more shards.${causes.size > 0 ? ` Last refused: ${listed(causes)}.` : ""}`,
      );
    }
  }

  private putFailed(records: number, tries: number, causes: ReadonlyMap<string, number>): PutFailed {
    return new PutFailed(
      `Kinesis stream ${this.options.streamName} did not take ${records} records in ${tries} tries in a row: ${listed(causes)}. ` +
        `${this.sent.lines} lines were sent before. Where it throttles, give it more shards.`,
    );
  }
}

function listed(causes: ReadonlyMap<string, number>): string {
  return [...causes].map(([cause, count]) => `${count} × ${cause}`).join("; ");
}

/** Exponential backoff with full jitter, so that senders that failed together do not retry together. */
export function fullJitter(failures: number, random: () => number): number {
  return random() * Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** failures);
}

/** True for errors that a retry can solve: throttling, errors inside AWS, and network errors. */
function isTransient(error: unknown): boolean {
  const fault = error as {
    $retryable?: unknown;
    $fault?: string;
    $metadata?: { httpStatusCode?: number };
    code?: string;
  };
  const status = fault.$metadata?.httpStatusCode;
  return (
    TRANSIENT_NAMES.has(errorName(error)) ||
    TRANSIENT_NAMES.has(fault.code ?? "") ||
    fault.$retryable !== undefined ||
    (status !== undefined && (status >= 500 || status === 429))
  );
}

const TRANSIENT_NAMES: ReadonlySet<string> = new Set([
  ...["ProvisionedThroughputExceededException", "KMSThrottlingException", "ThrottlingException"],
  ...["LimitExceededException", "InternalFailure", "InternalFailureException", "ServiceUnavailable"],
  ...["TimeoutError", "RequestTimeout", "ECONNRESET", "ECONNREFUSED", "EPIPE", "ETIMEDOUT", "EAI_AGAIN"],
]);
