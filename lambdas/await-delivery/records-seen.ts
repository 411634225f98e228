// Which records of a batch were found, one bit each, and what a later call needs to go on from there.

import { deflateRawSync, inflateRawSync } from "node:zlib";

/** Above it, a later call reads all objects again. A state of Step Functions holds 256 KiB with everything else. */
const MAX_TEXT_LENGTH = 32 * 1024;

export class RecordsSeen {
  count = 0;
  private readonly bits: Uint8Array;

  constructor(private readonly records: number) {
    this.bits = new Uint8Array(Math.ceil(records / 8));
  }

  /** A number that no record of the batch has is ignored: a producer can write any marker. */
  add(record: number): void {
    if (!(record < this.records)) return;
    const [at, bit] = [record >>> 3, 1 << (record & 7)];
    if (((this.bits[at] as number) & bit) !== 0) return;
    this.bits[at] = (this.bits[at] as number) | bit;
    this.count += 1;
  }

  /** Undefined if it is too long. */
  toText(): string | undefined {
    const text = deflateRawSync(this.bits).toString("base64");
    return text.length > MAX_TEXT_LENGTH ? undefined : text;
  }

  /** Throws if the text is not of a batch of this size. */
  static fromText(text: string, records: number): RecordsSeen {
    const seen = new RecordsSeen(records);
    const size = seen.bits.length;
    const bits = inflateRawSync(Buffer.from(text, "base64"), { maxOutputLength: Math.max(1, size) });
    if (bits.length !== size) throw new RangeError(`${bits.length} bytes, expected ${size}`);
    for (let record = 0; record < records; record += 1) {
      if (((bits[record >>> 3] as number) & (1 << (record & 7))) !== 0) seen.add(record);
    }
    return seen;
  }
}
