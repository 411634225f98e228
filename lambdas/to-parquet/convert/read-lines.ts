// Splits a gzip object into its lines while it is decompressed. Only one block of lines is in memory.

import { isUtf8 } from "node:buffer";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { errorMessage } from "../../shared/runtime";

export interface Line {
  /** Its index among the lines that are not blank. */
  number: number;
  bytes: Buffer;
}

const NEWLINE = 10;
/** White space of JSON. A line of nothing else is skipped. */
const BLANKS: ReadonlySet<number> = new Set([9, 13, 32]);
const BLOCK_BYTES = 256 * 1024;

/** `key` is for the error. */
export function readLines(gzip: Uint8Array, key: string): AsyncGenerator<Line, void, void> {
  return splitLines(blocks(gzip, key));
}

/** Only a line feed ends a line, as CR is white space in JSON. */
export async function* splitLines(text: AsyncIterable<Buffer>): AsyncGenerator<Line, void, void> {
  let number = 0;
  let rest: Buffer[] = [];
  for await (const block of text) {
    let from = 0;
    for (let end = block.indexOf(NEWLINE); end !== -1; end = block.indexOf(NEWLINE, from)) {
      const bytes = joined(rest, block.subarray(from, end));
      if (!isBlank(bytes)) yield { number: number++, bytes };
      rest = [];
      from = end + 1;
    }
    // A copy, as zlib's blocks are large and a rest is small.
    if (from < block.length) rest.push(Buffer.from(block.subarray(from)));
  }
  const last = Buffer.concat(rest);
  if (!isBlank(last)) yield { number, bytes: last };
}

async function* blocks(gzip: Uint8Array, key: string): AsyncGenerator<Buffer, void, void> {
  const unpacked = Readable.from([gzip]).pipe(createGunzip({ chunkSize: BLOCK_BYTES }));
  try {
    for await (const block of unpacked) yield block as Buffer;
  } catch (error) {
    throw new Error(
      `${key} is not a whole gzip file: ${errorMessage(error)}. Replace the object, or remove it and its message in the queue.`,
    );
  }
}

function joined(rest: Buffer[], bytes: Buffer): Buffer {
  return rest.length === 0 ? bytes : Buffer.concat([...rest, bytes]);
}

function isBlank(bytes: Buffer): boolean {
  const first = bytes[0];
  if (first !== undefined && !BLANKS.has(first)) return false;
  return bytes.every((byte) => BLANKS.has(byte));
}

/** Undefined if the bytes are not UTF-8. */
export function textOf(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString("utf8") : undefined;
}
