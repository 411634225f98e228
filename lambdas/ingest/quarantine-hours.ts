// Collects the quarantine lines of a batch: one object for each hour in which records arrived that have such lines.

import type { S3Client } from "@aws-sdk/client-s3";
import { objectKey, type SequenceRange } from "../shared/layout";
import { type Coverage, coverageOfHour } from "./already-quarantined";
import type { RecordContext } from "./context";
import { GzipObject } from "./gzip-object";
import type { Refused } from "./outcomes";
import { addQuarantineLine } from "./quarantine-line";

/** `2026-11-21T09`, the beginning of an arrival time. */
const HOUR_LENGTH = 13;

class QuarantineHour {
  alreadyQuarantined = 0;
  readonly object = new GzipObject();

  constructor(
    readonly name: string,
    readonly key: string,
    private readonly coverage: Coverage,
  ) {}

  add(refused: Refused, context: RecordContext): void {
    if (this.coverage.has(context.sequenceNumber)) this.alreadyQuarantined += 1;
    else addQuarantineLine(this.object, refused, context);
  }
}

export class QuarantineHours {
  private readonly hours = new Map<string, QuarantineHour>();
  private current: QuarantineHour | undefined;

  constructor(
    private readonly batch: SequenceRange,
    private readonly s3: S3Client,
    private readonly bucket: string,
  ) {}

  /** The hour of the record if it is the current one, which it nearly always is. It takes no await for each line. */
  currentOf({ arrivalTime }: RecordContext): QuarantineHour | undefined {
    return this.current?.name === arrivalTime.slice(0, HOUR_LENGTH) ? this.current : undefined;
  }

  /** Makes the hour of the record the current one. Lists what is there of it the first time. */
  async turnTo({ arrivalTime }: RecordContext): Promise<QuarantineHour> {
    // A batch can span a week of hours. Only one of them may hold lines that are not compressed.
    this.current?.object.compress();
    const name = arrivalTime.slice(0, HOUR_LENGTH);
    const hour = this.hours.get(name) ?? (await this.list(name));
    this.hours.set(name, hour);
    this.current = hour;
    return hour;
  }

  private async list(name: string): Promise<QuarantineHour> {
    const hourMs = Date.parse(`${name}:00Z`);
    const coverage = await coverageOfHour(this.s3, this.bucket, this.batch, hourMs);
    return new QuarantineHour(name, objectKey("quarantine", hourMs, this.batch), coverage);
  }

  /** In the order in which the hours were met. */
  all(): QuarantineHour[] {
    return [...this.hours.values()];
  }
}
