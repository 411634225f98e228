// Puts records into a Kinesis stream in full batches, and sends again just what Kinesis did not take.

import { type KinesisClient, PutRecordsCommand, type PutRecordsResultEntry } from "@aws-sdk/client-kinesis";
import { compareSequence } from "./layout";
import type { PackedRecord } from "./records";
import { type Clock, errorMessage, errorName } from "./runtime";

const MAX_BATCH_RECORDS = 500;
const MAX_BATCH_BYTES = 5 * 1024 * 1024;

/** Tries in a row in which Kinesis took nothing; with full jitter this is about half a minute. */
const MAX_FRUITLESS_TRIES = 12;
const BASE_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;

/** Records that Kinesis did not take in the end. */
export class PutFailed extends Error {
  override readonly name = "PutFailed";
}

/** The time that the caller has is over. */
class OutOfTime extends Error {
  override readonly name = "OutOfTime";
}

export interface SenderOptions {
  client: Pick<KinesisClient, "send">;
  streamName: string;
  clock: Clock;
  /** From 0 up to, never, 1: the jitter. */
  random: () => number;
  /** Nothing is put after this instant. */
  deadlineMs?: number;
  /** After each batch that was taken whole. */
  onSent?: (sent: Sent) => void;
}

export interface Sent {
  lines: number;
  records: number;
  bytes: number;
  calls: number;
  /** Entries that had to be sent again. */
  resent: number;
  /** The last sequence number in each shard. */
  shards: Record<string, string>;
}

/**
 * One call is under way at a time, and a batch is taken whole before the next one starts: so the order within
 * a partition key is kept, but for records of one call of which Kinesis takes a later and refuses an earlier.
 * A call that fails on the network may have been stored: then events arrive twice, with the same event_id.
 */
export class KinesisSender {
  readonly sent: Sent = { lines: 0, records: 0, bytes: 0, calls: 0, resent: 0, shards: {} };
  private batch: PackedRecord[] = [];
  private batchBytes = 0;
  private underWay: Promise<void> = Promise.resolve();

  constructor(private readonly options: SenderOptions) {}

  /** A promise to await where a batch is full; the batch travels while the next one is made. */
  add(record: PackedRecord): Promise<void> | undefined {
    const bytes = record.data.length + record.partitionKey.length;
    const isFull = this.batch.length === MAX_BATCH_RECORDS || this.batchBytes + bytes > MAX_BATCH_BYTES;
    const started = isFull ? this.startBatch() : undefined;
    this.batch.push(record);
    this.batchBytes += bytes;
    return started;
  }

  /** Sends what is left, and waits until Kinesis has taken everything. */
  async flush(): Promise<void> {
    if (this.batch.length > 0) await this.startBatch();
    await this.underWay;
  }

  /** Waits for the batch before; not for this one. */
  private startBatch(): Promise<void> {
    const batch = this.batch;
    this.batch = [];
    this.batchBytes = 0;
    const before = this.underWay;
    this.underWay = before.then(() => this.put(batch));
    // Whoever awaits next sees the failure; until then it must not count as unhandled.
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
      await this.options.clock.sleep(fullJitter(fruitless, this.options.random));
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

  private checkTime(records: number): void {
    const { clock, deadlineMs } = this.options;
    if (deadlineMs !== undefined && clock.now() >= deadlineMs) {
      throw new OutOfTime(
        `Out of time after ${this.sent.lines} lines, ${records} records of a batch still to send. ` +
          "Send fewer events, or give the stream more shards.",
      );
    }
  }

  private putFailed(records: number, tries: number, causes: ReadonlyMap<string, number>): PutFailed {
    const list = [...causes].map(([cause, count]) => `${count} × ${cause}`).join("; ");
    return new PutFailed(
      `Kinesis stream ${this.options.streamName} did not take ${records} records in ${tries} tries in a row: ${list}. ` +
        `${this.sent.lines} lines were sent before. Where it throttles, give it more shards.`,
    );
  }
}

/** Exponential backoff with full jitter: senders that failed together do not come back together. */
export function fullJitter(failures: number, random: () => number): number {
  return random() * Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** failures);
}

/** What may pass by itself: throttling, AWS's own faults, and the network. */
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
