// Collects the lines that an invocation writes to S3 itself: one object for each hour in which their records arrived.

import { createHash } from "node:crypto";
import { GzipObject } from "../ingest/gzip-object";
import { objectKey, type Zone } from "../shared/layout";
import type { Identified } from "./identity";

/** `2026-11-21T09`, the beginning of an arrival time. */
const HOUR_LENGTH = 13;
const NAME_LENGTH = 32;

class HourObject {
  readonly object = new GzipObject();
  private readonly digest = createHash("sha256");
  private records = 0;
  private last: Identified | undefined;

  constructor(private readonly hour: string) {}

  take(record: Identified): void {
    if (this.last === record) return;
    this.last = record;
    this.records += 1;
    this.digest.update(record.digest);
  }

  /** From the records whose lines are in it, so that the same invocation overwrites it. */
  key(zone: Zone): string {
    const shardId = `firehose-${this.digest.digest("hex").slice(0, NAME_LENGTH)}`;
    const range = { shardId, first: "0", last: String(this.records - 1) };
    return objectKey(zone, Date.parse(`${this.hour}:00Z`), range);
  }
}

export class HourObjects {
  private readonly hours = new Map<string, HourObject>();
  private current: [name: string, hour: HourObject] | undefined;

  constructor(private readonly zone: Zone) {}

  /** The object for lines of this record. All lines of a record are added before those of the next one. */
  of(record: Identified): GzipObject {
    const name = record.context.arrivalTime.slice(0, HOUR_LENGTH);
    if (this.current?.[0] !== name) {
      // Only one hour may hold lines that are not compressed.
      this.current?.[1].object.compress();
      const hour = this.hours.get(name) ?? new HourObject(name);
      this.hours.set(name, hour);
      this.current = [name, hour];
    }
    const [, hour] = this.current as [string, HourObject];
    hour.take(record);
    return hour.object;
  }

  get lines(): number {
    let lines = 0;
    for (const { object } of this.hours.values()) lines += object.lines;
    return lines;
  }

  /** In the order in which the hours were met. Once only: a key is made from all records of its hour. */
  *all(): Generator<{ key: string; object: GzipObject }> {
    for (const hour of this.hours.values()) yield { key: hour.key(this.zone), object: hour.object };
  }
}
