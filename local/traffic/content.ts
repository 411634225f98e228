// Opens a file or a pipe and unpacks it. Rejects what cannot be read, with the command that converts it.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

/** A file that cannot be sent. The message names it and has the remedy. */
export class UnusableFile extends Error {
  override readonly name = "UnusableFile";
}

export interface Content {
  /** The first bytes; `isWhole` if there are no more. `chunks` contains them as well. */
  head: Buffer;
  isWhole: boolean;
  /** For messages: its path, or standard input. */
  name: string;
  /** All bytes, once. */
  chunks: AsyncIterable<Buffer>;
  isGzip: boolean;
  /** Stops reading. Otherwise an open pipe would keep the process alive. */
  close(): void;
}

const STANDARD_INPUT = ["-", "/dev/stdin", "/dev/fd/0"];
const CHUNK_BYTES = 256 * 1024;
/** The bytes needed to detect the format. A tar archive has its mark at byte 257. */
const MAGIC_BYTES = 512;
const LOOKED_AT_BYTES = 4096;
/** Gzip inside gzip happens when a compressed file is sent compressed. Deeper nesting is not accepted. */
const MAX_LAYERS = 3;
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);

interface Packed {
  format: string;
  magic: readonly number[];
  /** The command that unpacks FILE to standard output. */
  command: string;
}

const PACKED: readonly Packed[] = [
  { format: "zstd", magic: [0x28, 0xb5, 0x2f, 0xfd], command: "zstd -dc FILE" },
  { format: "bzip2", magic: [0x42, 0x5a, 0x68], command: "bzip2 -dc FILE" },
  { format: "xz", magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], command: "xz -dc FILE" },
  { format: "LZ4", magic: [0x04, 0x22, 0x4d, 0x18], command: "lz4 -dc FILE" },
  { format: "compress (.Z)", magic: [0x1f, 0x9d], command: "gzip -dc FILE" },
  { format: "ZIP", magic: [0x50, 0x4b, 0x03, 0x04], command: "unzip -p FILE" },
];
const UTF16 = [
  [0xff, 0xfe],
  [0xfe, 0xff],
];
const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const TAR_MAGIC = Buffer.from("ustar");
const TAR_MAGIC_AT = 257;
const PARQUET_MAGIC = Buffer.from("PAR1");

/** Reads until `isEnough` accepts the head, so that the kind of its lines can be detected. */
export async function openContent(path: string, isEnough: (head: Buffer) => boolean): Promise<Content> {
  const name = STANDARD_INPUT.includes(path) ? "standard input" : path;
  const source = await openSource(path, name);
  const layers = { count: 0 };
  const chunks = unpacked(source, layers, name);
  try {
    const { head, isWhole } = await readHead(chunks, isEnough, (cause) =>
      unreadable(name, cause, layers.count > 0),
    );
    if (head.length === 0) throw new UnusableFile(`${name} is empty. Give a file that has lines.`);
    return {
      head: withoutMark(head),
      isWhole,
      name,
      chunks: chained(withoutMark(head), chunks),
      isGzip: layers.count > 0,
      close: () => source.destroy(),
    };
  } catch (error) {
    source.destroy();
    throw error;
  }
}

/** The error for reading that fails in the middle. */
export function unreadable(name: string, cause: unknown, isGzip: boolean, lines = 0): UnusableFile {
  const remedy = isGzip
    ? `Check it with: gzip -t ${quoted(name)}. If it is truncated, get it again.`
    : "Check the disk and the file's permissions.";
  const place = lines > 0 ? ` beyond line ${lines}` : "";
  return new UnusableFile(`${name} cannot be read${place}: ${(cause as Error).message}. ${remedy}`);
}

async function openSource(path: string, name: string): Promise<Readable> {
  if (STANDARD_INPUT.includes(path)) {
    if (process.stdin.isTTY) {
      throw new UnusableFile(
        `${name} is a terminal. Pipe something into it, e.g. zcat a.gz b.gz | npm start -- --file -`,
      );
    }
    return process.stdin;
  }
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT")
      throw new UnusableFile(`${path} does not exist. Check the path given with --file.`);
    throw new UnusableFile(`${path} cannot be read: ${error.message}. Check the path and its permissions.`);
  });
  if (info.isDirectory()) {
    throw new UnusableFile(`${path} is a directory. Give one file with --file, such as ${path}/access.log.`);
  }
  return createReadStream(path, { highWaterMark: CHUNK_BYTES });
}

/** One pass, as a pipe can be read only once. The first bytes show the format. */
async function* unpacked(
  source: AsyncIterable<Buffer>,
  layers: { count: number },
  name: string,
): AsyncGenerator<Buffer> {
  const chunks = source[Symbol.asyncIterator]() as AsyncGenerator<Buffer>;
  const { head } = await readHead(chunks, (bytes) => bytes.length >= MAGIC_BYTES);
  const whole = chained(head, chunks);
  if (head.subarray(0, 2).equals(GZIP_MAGIC) && layers.count < MAX_LAYERS) {
    layers.count += 1;
    yield* unpacked(gunzipped(whole), layers, name);
  } else {
    refusePacked(head, name);
    yield* whole;
  }
}

function gunzipped(chunks: AsyncIterable<Buffer>): Readable {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  const packed = Readable.from(chunks);
  // A failed read must end the loop over the unpacked bytes.
  packed.on("error", (error) => gunzip.destroy(error));
  gunzip.on("close", () => packed.destroy());
  return packed.pipe(gunzip);
}

/** Binary bytes would become unreadable lines in the stream and on the terminal. */
function refusePacked(head: Buffer, name: string): void {
  const packed = PACKED.find(({ magic }) => head.subarray(0, magic.length).equals(Buffer.from(magic)));
  if (packed !== undefined) {
    const command = packed.command.replace("FILE", quoted(name));
    throw new UnusableFile(
      `${name} is compressed with ${packed.format}; plain text and gzip are read. Unpack it on the way: ${command} | npm start -- --file -`,
    );
  }
  if (head.subarray(TAR_MAGIC_AT, TAR_MAGIC_AT + TAR_MAGIC.length).equals(TAR_MAGIC)) {
    throw new UnusableFile(
      `${name} is a tar archive. Unpack it on the way: tar -xOf ${quoted(name)} | npm start -- --file -`,
    );
  }
  if (head.subarray(0, PARQUET_MAGIC.length).equals(PARQUET_MAGIC)) {
    throw new UnusableFile(`${name} is Parquet. Export it as JSON lines, one event a line.`);
  }
  if (UTF16.some((mark) => head.subarray(0, 2).equals(Buffer.from(mark)))) {
    throw new UnusableFile(
      `${name} is UTF-16 text. Save it as UTF-8, e.g. iconv -f UTF-16 -t UTF-8 ${quoted(name)} | npm start -- --file -`,
    );
  }
  if (isBinary(head)) {
    throw new UnusableFile(`${name} is not text. Give JSON or an access log, in UTF-8, as it is or as gzip.`);
  }
}

/** A broken line may have a control character. If a tenth of the bytes are control characters, the file is not text. */
function isBinary(head: Buffer): boolean {
  const looked = head.subarray(0, LOOKED_AT_BYTES);
  const controls = looked.filter(
    (byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27 && byte !== 30),
  );
  return controls.length * 10 > looked.length;
}

async function readHead(
  chunks: AsyncIterator<Buffer>,
  isEnough: (head: Buffer) => boolean,
  wordsFor: (cause: unknown) => Error = (cause) => cause as Error,
): Promise<{ head: Buffer; isWhole: boolean }> {
  let head: Buffer = Buffer.alloc(0);
  try {
    while (head.length === 0 || !isEnough(head)) {
      const next = await chunks.next();
      if (next.done === true) return { head, isWhole: true };
      head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
    }
  } catch (error) {
    throw error instanceof UnusableFile ? error : wordsFor(error);
  }
  return { head, isWhole: false };
}

async function* chained(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  yield* rest;
}

function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, 3).equals(UTF8_MARK) ? bytes.subarray(3) : bytes;
}

function quoted(name: string): string {
  // A pipe cannot be read again. FILE is a placeholder for its source.
  return name === "standard input" || name.startsWith("/dev/") ? "FILE" : `"${name}"`;
}
