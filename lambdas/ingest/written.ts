// Writes the objects of a batch, and keeps what its log line says about them.

import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { QuarantineReason } from "../../schema/event";
import type { Log } from "../shared/log";
import { embeddedMetrics, INGEST_METRICS } from "../shared/metrics";
import type { Clock } from "../shared/runtime";
import type { GzipObject } from "./gzip-object";

export class Written {
  /** Events, and quarantined lines, of all objects. */
  events = 0;
  quarantined = 0;
  /** Lines skipped because an earlier delivery of the same records already quarantined them. */
  alreadyQuarantined = 0;
  readonly reasons: Partial<Record<QuarantineReason, number>> = {};
  readonly keys: string[] = [];
  /** Bytes of all objects, before and after compression. */
  plainBytes = 0;
  gzipBytes = 0;

  constructor(
    private readonly s3: S3Client,
    private readonly bucket: string,
  ) {}

  refused(reason: QuarantineReason): void {
    this.reasons[reason] = (this.reasons[reason] ?? 0) + 1;
  }

  /** An object without lines is not written. */
  async put(key: string, object: GzipObject): Promise<void> {
    if (object.lines === 0) return;
    const body = object.finish();
    await this.s3.send(
      new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: body, ContentType: "application/gzip" }),
    );
    this.keys.push(key);
    this.plainBytes += object.plainBytes;
    this.gzipBytes += body.length;
  }

  /** Fields for the log line. */
  summary() {
    const {
      plainBytes: bytesBeforeGzip,
      gzipBytes: bytesAfterGzip,
      alreadyQuarantined,
      reasons,
      keys,
    } = this;
    return { bytesBeforeGzip, bytesAfterGzip, alreadyQuarantined, reasons, keys };
  }

  metrics() {
    return { EventsAccepted: this.events, LinesQuarantined: this.quarantined };
  }
}

/** What the log line of a batch needs. */
export interface BatchLog {
  /** The metrics' dimension. */
  stack: string;
  clock: Clock;
  log: Log;
}

/** Logs the result of a batch in one line. CloudWatch extracts metrics from it (embedded metric format). */
export function logBatch(
  records: number,
  written: Written,
  startedMs: number,
  { clock, log, stack }: BatchLog,
  more: Record<string, unknown> = {},
): void {
  const nowMs = clock.now();
  log({
    level: "INFO",
    message: "Batch ingested",
    records,
    ...written.summary(),
    ...more,
    milliseconds: nowMs - startedMs,
    ...embeddedMetrics(stack, INGEST_METRICS, written.metrics(), nowMs),
  });
}
