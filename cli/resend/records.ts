// The records of an object that Firehose gave up, ready to be sent again.

import { createHash } from "node:crypto";
import { givenUpData } from "../../lambdas/shared/given-up";
import { markerLine, takeMarker } from "../../lambdas/shared/marker";
import { FIREHOSE_RECORD, type PackedRecord } from "../../lambdas/shared/records";

const NAME_LENGTH = 32;
/** The copies of an object are in one folder, so one after the other in a listing. */
const REMEMBERED = 1_000_000;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Reads the lines of one object, in their order. */
export class GivenUpRecords {
  /** How many records of the object had this name so far. */
  private readonly seen = new Map<string, number>();

  /** The record to send; undefined if the line cannot be read. */
  read(line: string): PackedRecord | undefined {
    const found = givenUpData(line);
    if (found === undefined || !BASE64.test(found.rawData)) return undefined;
    const data = this.marked(Buffer.from(found.rawData, "base64"), String(found.arrivalTimestamp));
    return { partitionKey: "", data, lines: 1 };
  }

  /**
   * Gives a record without a marker one that depends only on its bytes and its arrival, so that its events without an id
   * get the same ids whenever it is sent: by a second call after an interruption, or from the second of two objects with
   * the same records, which Firehose writes now and then. It has to fit: a larger record goes without it.
   */
  private marked(data: Buffer, arrival: string): Buffer {
    if (takeMarker(data).marker !== undefined) return data;
    const hash = createHash("sha256").update(`${arrival}:`).update(data).digest("hex");
    const name = hash.slice(0, NAME_LENGTH);
    const place = this.seen.get(name) ?? 0;
    this.seen.set(name, place + 1);
    const marker = Buffer.from(markerLine({ batch: `resend-${name}`, record: place }));
    const fits = marker.length + data.length <= FIREHOSE_RECORD.maxRecordBytes;
    return fits ? Buffer.concat([marker, data]) : data;
  }
}

/** The last records that were sent. A second copy of a line that is refused would be in the quarantine twice. */
export class Remembered {
  /** In the order in which they were added. */
  private readonly names = new Set<string>();

  /** With their markers, so two equal records of one object are two. */
  isNew({ data }: PackedRecord): boolean {
    const name = createHash("sha256").update(data).digest("base64").slice(0, NAME_LENGTH);
    if (this.names.has(name)) return false;
    this.names.add(name);
    if (this.names.size > REMEMBERED) this.names.delete(this.names.values().next().value as string);
    return true;
  }
}
