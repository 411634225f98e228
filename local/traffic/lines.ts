// Reads a file line by line as bytes, plain or gzip, in memory that does not grow with the file.

import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { MAX_RECORD_BYTES } from "../../lambdas/shared/records";

/** A file that cannot be sent; the message names it and says what to do. */
export class UnusableFile extends Error {
  override readonly name = "UnusableFile";
}

export interface FileLine {
  /** From 1, blank lines counted. */
  number: number;
  /** Without its line break. */
  bytes: Buffer;
}

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

export async function* readLines(path: string): AsyncGenerator<FileLine> {
  const isGzip = await checkFile(path);
  let number = 0;
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of contentOf(path, isGzip)) {
      let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      if (number === 0) bytes = withoutMark(bytes);
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
        number += 1;
        yield { number, bytes: withoutReturn(bytes.subarray(start, end)) };
        start = end + 1;
      }
      rest = bytes.subarray(start);
      // Else a file without line breaks would fill the memory before anybody notices.
      if (rest.length > MAX_RECORD_BYTES) throw tooLong(path, number + 1, rest.length);
    }
  } catch (error) {
    throw readable(error, path, number, isGzip);
  }
  if (rest.length > 0) yield { number: number + 1, bytes: withoutReturn(rest) };
}

export function tooLong(path: string, line: number, bytes: number): UnusableFile {
  return new UnusableFile(
    `${path}, line ${line}: the line has ${bytes} bytes or more, and Kinesis takes ${MAX_RECORD_BYTES} in a record. ` +
      "Shorten or remove this line.",
  );
}

/** True for gzip, by content: the name of a file says little. */
async function checkFile(path: string): Promise<boolean> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT")
      throw new UnusableFile(`${path} does not exist. Check the path given with --file.`);
    throw new UnusableFile(`${path} cannot be read: ${error.message}. Check the path and its permissions.`);
  });
  if (info.isDirectory()) {
    throw new UnusableFile(`${path} is a directory. Give one file with --file, such as ${path}/access.log.`);
  }
  const start = await firstBytes(path);
  if (start.length === 0) throw new UnusableFile(`${path} is empty. Give a file that has lines.`);
  if ((start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff)) {
    throw new UnusableFile(
      `${path} is UTF-16 text. Save it as UTF-8, e.g. iconv -f UTF-16 -t UTF-8 "${path}".`,
    );
  }
  return start.equals(GZIP_MAGIC);
}

async function firstBytes(path: string): Promise<Buffer> {
  try {
    const file = await open(path);
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new UnusableFile(`${path} cannot be read: ${(error as Error).message}. Check its permissions.`);
  }
}

function contentOf(path: string, isGzip: boolean): Readable {
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  // The pipeline hands a failed read on to its last stream, where the loop over it throws.
  return isGzip ? pipeline(file, createGunzip(), () => undefined) : file;
}

function readable(error: unknown, path: string, lines: number, isGzip: boolean): Error {
  if (error instanceof UnusableFile) return error;
  const remedy = isGzip
    ? `Check it with: gzip -t "${path}". Where it was cut off, get it again.`
    : "Check the disk and the file's permissions.";
  return new UnusableFile(
    `${path} cannot be read beyond line ${lines}: ${(error as Error).message}. ${remedy}`,
  );
}

function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
}

function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, 3).equals(UTF8_MARK) ? bytes.subarray(3) : bytes;
}
