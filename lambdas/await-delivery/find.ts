// Finds the records of a batch in an object: raw, quarantined, or given up. Reads it as a stream, and keeps one chunk.

import { createInterface } from "node:readline";
import { PassThrough, type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { batchShard, takeMarker } from "../shared/marker";

const GZIP_START = 0x1f;
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
  const scan = async (lines: AsyncIterable<string>) => {
    for await (const line of lines) {
      const { marker } = takeMarker(headOf(line));
      if (marker?.batch === batch) found(marker.record);
    }
  };
  const text = new PassThrough();
  await Promise.all([
    pipeline(body, gunzipIfGzip(), text),
    scan(createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY })),
  ]);
}

/** The beginning of the record. A line that is not as Firehose writes it has none. */
function headOf(line: string): Buffer {
  try {
    const { rawData } = JSON.parse(line) as { rawData?: unknown };
    return Buffer.from(typeof rawData === "string" ? rawData.slice(0, HEAD_LENGTH) : "", "base64");
  } catch {
    return Buffer.alloc(0);
  }
}

/** AWS does not say whether error objects are compressed as the delivered ones are. So the first byte decides. */
function gunzipIfGzip(): Transform {
  let target: ReturnType<typeof createGunzip> | undefined;
  let isFirst = true;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (isFirst && chunk[0] === GZIP_START) {
        target = createGunzip();
        target.on("data", (data: Buffer) => this.push(data));
        target.on("error", (error) => this.destroy(error));
      }
      isFirst = false;
      if (target === undefined) done(undefined, chunk);
      else target.write(chunk, () => done());
    },
    flush(done) {
      if (target === undefined) done();
      else target.once("end", () => done()).end();
    },
  });
}
