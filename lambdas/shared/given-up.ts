// Reads the objects in which Firehose keeps records that it gave up: JSON lines, each with a record in base64.

import { createInterface } from "node:readline";
import { PassThrough, type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";

const GZIP_START = 0x1f;

export interface GivenUp {
  /** The record, in base64. */
  rawData: string;
  /** When it arrived, in milliseconds. */
  arrivalTimestamp?: unknown;
}

/** Undefined for a line that is not as Firehose writes it. */
export function givenUpData(line: string): GivenUp | undefined {
  try {
    const value = JSON.parse(line) as Partial<GivenUp> | null;
    return typeof value?.rawData === "string" ? (value as GivenUp) : undefined;
  } catch {
    return undefined;
  }
}

/** Holds one line at a time. */
export async function* linesOf(body: Readable): AsyncGenerator<string, void, void> {
  const text = new PassThrough();
  // An error destroys `text`, so the loop below throws it.
  const copied = pipeline(body, gunzipIfGzip(), text);
  copied.catch(() => undefined);
  yield* createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY });
  await copied;
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
