// Makes the function's answer to Firehose, of a size that Lambda accepts.

import type { FirehoseTransformationResultRecord } from "aws-lambda";
import type { GzipObject } from "../ingest/gzip-object";

/** Lambda takes an answer of 6 MB (6,291,456 bytes). This leaves 5 percent. */
const MAX_ANSWER_BYTES = 6_000_000;
/** `,"data":""`. */
const DATA_MEMBER_BYTES = 10;

export class Answer {
  readonly records: FirehoseTransformationResultRecord[] = [];
  /** Events in the answer. */
  lines = 0;
  private bytesLeft: number;

  /** Every record must be answered, so there is room for the shortest answer to each. `maxBytes` is for tests. */
  constructor(recordIds: readonly string[], maxBytes = MAX_ANSWER_BYTES) {
    this.bytesLeft = maxBytes;
    for (const recordId of recordIds) {
      this.bytesLeft -= JSON.stringify(dropped(recordId)).length + 1;
    }
  }

  /** The bytes of lines that a record may still have in the answer. Base64 makes four bytes of three. */
  get room(): number {
    return Math.max(0, Math.floor((this.bytesLeft - DATA_MEMBER_BYTES) / 4) * 3);
  }

  add(recordId: string, lines: RecordLines): void {
    const data = lines.forAnswer();
    if (data === undefined) {
      this.records.push(dropped(recordId));
      return;
    }
    const base64 = data.toString("base64");
    this.bytesLeft -= base64.length + DATA_MEMBER_BYTES;
    this.lines += lines.count;
    this.records.push({ recordId, result: "Ok", data: base64 });
  }
}

/** Nothing of the record goes from here to the destination. */
function dropped(recordId: string): FirehoseTransformationResultRecord {
  return { recordId, result: "Dropped" };
}

/** The raw lines of one record: all of them for the answer if they fit, otherwise all in an object. */
export class RecordLines {
  count = 0;
  private texts: string[] = [];
  private bytes = 0;
  private object: GzipObject | undefined;

  constructor(
    private readonly room: number,
    private readonly openObject: () => GzipObject,
  ) {}

  add(line: string): void {
    if (this.object !== undefined) {
      this.object.add(line);
      return;
    }
    this.count += 1;
    this.texts.push(line);
    this.bytes += Buffer.byteLength(line) + 1;
    if (this.bytes > this.room) this.move(this.openObject());
  }

  /** Undefined if there is nothing for the answer. */
  forAnswer(): Buffer | undefined {
    return this.texts.length === 0 ? undefined : Buffer.from(`${this.texts.join("\n")}\n`);
  }

  private move(object: GzipObject): void {
    for (const text of this.texts) object.add(text);
    this.texts = [];
    this.object = object;
  }
}
