// Puts records in full batches into a service that takes them, and retries only the records that the service rejected.

import type { PackedRecord } from "./records";
import { type Clock, errorMessage, errorName } from "./runtime";

/** Maximum attempts in a row without progress. With full jitter this takes about half a minute. */
const MAX_FRUITLESS_TRIES = 12;
const BASE_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;

/** The service did not accept some records after all retries. */
export class PutFailed extends Error {
  override readonly name = "PutFailed";
}

/** The deadline of the caller has passed. */
class OutOfTime extends Error {
  override readonly name = "OutOfTime";
}

export interface SenderOptions {
  clock: Clock;
  /** The jitter, from 0 (included) to 1 (excluded). */
  random: () => number;
  /** Nothing is sent after this time. */
  deadlineMs?: number;
  /** Called after each batch that the service accepted completely. */
  onSent?: (sent: Sent) => void;
}

export interface Sent {
  lines: number;
  records: number;
  bytes: number;
  calls: number;
  /** Number of entries that were retried. */
  resent: number;
  /** The last sequence number in each shard. Firehose has no shards. */
  shards: Record<string, string>;
}

/** What the service takes in one call, and its words for messages. */
export interface BatchLimits {
  records: number;
  bytes: number;
  /** The beginning of a message, such as "Kinesis stream events". */
  name: string;
  /** What to do when it throttles: "give the stream more shards". */
  remedy: string;
}

/** The service's answer for one record. It stored the record if there is no error code and `stored` is true. */
export interface PutAnswer {
  stored: boolean;
  errorCode?: string;
  errorMessage?: string;
}

/**
 * Makes one call at a time, and finishes a batch before the next one starts. This keeps the order within a partition
 * key, with one exception: in one call, the service can accept a later record and reject an earlier one.
 * If the network fails, the service may still have stored the records. Then events arrive twice, with the same event_id.
 */
export abstract class BatchSender {
  readonly sent: Sent = { lines: 0, records: 0, bytes: 0, calls: 0, resent: 0, shards: {} };
  private batch: PackedRecord[] = [];
  private batchBytes = 0;
  private underWay: Promise<void> = Promise.resolve();

  protected constructor(
    private readonly limits: BatchLimits,
    private readonly options: SenderOptions,
  ) {}

  /** The answers in the order of the records. */
  protected abstract call(records: readonly PackedRecord[]): Promise<PutAnswer[]>;

  /** The bytes of a record that count for the limit of a call. */
  protected abstract bytesOf(record: PackedRecord): number;

  /** Returns a promise to await if a batch is full. The batch is sent while the caller makes the next one. */
  add(record: PackedRecord): Promise<void> | undefined {
    const { limits } = this;
    const bytes = this.bytesOf(record);
    const isFull = this.batch.length === limits.records || this.batchBytes + bytes > limits.bytes;
    const started = isFull ? this.startBatch() : undefined;
    this.batch.push(record);
    this.batchBytes += bytes;
    return started;
  }

  /** Sends the rest, and waits until the service has accepted everything. */
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
    let results: PutAnswer[];
    try {
      results = await this.call(records);
    } catch (error) {
      if (!isTransient(error)) throw error;
      causes.set(`${errorName(error)} (${errorMessage(error)})`, records.length);
      return { failed: [...records], causes };
    }
    const failed = records.filter((record, index) => {
      const result = results[index];
      if (result?.stored === true && result.errorCode === undefined) {
        this.taken(record);
        return false;
      }
      const cause = `${result?.errorCode ?? "no answer"} (${result?.errorMessage ?? "the entry is missing"})`;
      causes.set(cause, (causes.get(cause) ?? 0) + 1);
      return true;
    });
    return { failed, causes };
  }

  private taken(record: PackedRecord): void {
    this.sent.lines += record.lines;
    this.sent.records += 1;
    this.sent.bytes += record.data.length;
  }

  private checkTime(records: number, delayMs = 0, causes: ReadonlyMap<string, number> = new Map()): void {
    const { clock, deadlineMs } = this.options;
    if (deadlineMs !== undefined && clock.now() + delayMs >= deadlineMs) {
      throw new OutOfTime(
        `Out of time after ${this.sent.lines} lines, ${records} records of a batch still to send. ` +
          `Send fewer events, or ${this.limits.remedy}.${causes.size > 0 ? ` Last refused: ${listed(causes)}.` : ""}`,
      );
    }
  }

  private putFailed(records: number, tries: number, causes: ReadonlyMap<string, number>): PutFailed {
    return new PutFailed(
      `${this.limits.name} did not take ${records} records in ${tries} tries in a row: ${listed(causes)}. ` +
        `${this.sent.lines} lines were sent before. Where it throttles, ${this.limits.remedy}.`,
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
  ...["ServiceUnavailableException"],
  ...["TimeoutError", "RequestTimeout", "ECONNRESET", "ECONNREFUSED", "EPIPE", "ETIMEDOUT", "EAI_AGAIN"],
]);
