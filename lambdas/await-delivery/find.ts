// Finds the records of a batch in an object: raw, quarantined, or given up. Reads it as a stream, and keeps one chunk.

import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { givenUpData, linesOf } from "../shared/given-up";
import { batchShard, takeMarker } from "../shared/marker";

/** The digits of a record's number. */
const MAX_NUMBER_LENGTH = 16;
/** A marker is at the start of a record. So many characters of base64 have it. */
const HEAD_LENGTH = 400;

/** Calls `found` for each line that a record of the batch made. Raw and quarantined lines name it in the same way. */
export async function findInLines(
  body: Readable,
  batch: string,
  found: (record: number) => void,
): Promise<void> {
  // Within a text of JSON the quotes would be escaped, so an event cannot have this in a value of its own.
  const needle = Buffer.from(`"shard_id":"${batchShard(batch)}","sequence_number":"`);
  const keep = needle.length + MAX_NUMBER_LENGTH;
  let rest: Buffer = Buffer.alloc(0);
  const scan = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      const text = Buffer.concat([rest, chunk]);
      let after = 0;
      for (let at = text.indexOf(needle); at !== -1; at = text.indexOf(needle, after)) {
        const start = at + needle.length;
        const end = text.indexOf('"', start);
        if (end === -1) break;
        after = end;
        found(Number(text.toString("latin1", start, end)));
      }
      rest = Buffer.from(text.subarray(Math.max(after, text.length - keep)));
    }
  };
  await pipeline(body, createGunzip(), scan);
}

/** Calls `found` for each record of the batch that Firehose gave up: JSON lines with the record in base64. */
export async function findInErrors(
  body: Readable,
  batch: string,
  found: (record: number) => void,
): Promise<void> {
  for await (const line of linesOf(body)) {
    const { marker } = takeMarker(headOf(line));
    if (marker?.batch === batch) found(marker.record);
  }
}

/** The beginning of the record. A line that is not as Firehose writes it has none. */
function headOf(line: string): Buffer {
  return Buffer.from(givenUpData(line)?.rawData.slice(0, HEAD_LENGTH) ?? "", "base64");
}
