// Makes a ZIP archive in memory. The same files always give the same bytes (fixed dates, sorted names).
import { crc32, deflateRawSync } from "node:zlib";

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_OF_DIRECTORY = 0x06054b50;
const VERSION = 20;
const UTF8_NAMES = 0x0800;
const DEFLATE = 8;
const FIRST_OF_JANUARY_1980 = 0x0021;
const REGULAR_FILE_0644 = 0o100644;
const MADE_ON_UNIX = 3 << 8;

export function zip(files: ReadonlyMap<string, Buffer>): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const compressed = deflateRawSync(content, { level: 6 });
    const encodedName = Buffer.from(name, "utf8");
    const description = describe(content, compressed, encodedName);
    const local = Buffer.concat([uint32(LOCAL_HEADER), description, encodedName, compressed]);
    directory.push(
      Buffer.concat([
        uint32(CENTRAL_HEADER),
        uint16(MADE_ON_UNIX | VERSION),
        description,
        ...[uint16(0), uint16(0), uint16(0)], // comment length, disk, internal attributes
        uint32(REGULAR_FILE_0644 * 0x10000),
        uint32(offset),
        encodedName,
      ]),
    );
    bodies.push(local);
    offset += local.length;
  }
  return Buffer.concat([...bodies, ...directory, endOfDirectory(directory, offset)]);
}

/** The fields that the local and the central header share. */
function describe(content: Buffer, compressed: Buffer, name: Buffer): Buffer {
  return Buffer.concat([
    ...[uint16(VERSION), uint16(UTF8_NAMES), uint16(DEFLATE), uint16(0), uint16(FIRST_OF_JANUARY_1980)],
    ...[uint32(crc32(content)), uint32(compressed.length), uint32(content.length)],
    ...[uint16(name.length), uint16(0)],
  ]);
}

function endOfDirectory(directory: Buffer[], offset: number): Buffer {
  const size = directory.reduce((sum, entry) => sum + entry.length, 0);
  return Buffer.concat([
    ...[uint32(END_OF_DIRECTORY), uint16(0), uint16(0), uint16(directory.length), uint16(directory.length)],
    ...[uint32(size), uint32(offset), uint16(0)],
  ]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}
