// Converts one raw object into a Parquet file for each date of its events. No clock, no I/O: the same object always makes
// the same bytes.

import { GzipObject } from "../../ingest/gzip-object";
import type { Row } from "./columns";
import { Copies } from "./copies";
import { toRow } from "./derive";
import { Unreadable } from "./json-text";
import { ParquetFile } from "./parquet-file";
import { type RawLine, readRawLine } from "./raw-line";
import { readLines, textOf } from "./read-lines";
import { unreadableLine } from "./unreadable-line";

export interface RawObject {
  key: string;
  body: Uint8Array;
  modified: Date;
}

export interface Converted {
  lines: number;
  duplicates: number;
  /** The files and their rows by date. */
  files: Map<string, { body: Uint8Array; rows: number }>;
  /** The quarantine lines of lines that cannot be read. */
  unreadable: GzipObject;
}

/** Lines that wait to be written, in all dates. A row takes several times the bytes of its line. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/**
 * Reads the object twice: first to find the copy of each event that arrived first, then to write the rows. To keep all
 * rows instead would take several times the memory.
 */
export async function convert(object: RawObject, protect: (row: Row) => void): Promise<Converted> {
  const { copies, unreadable, unreadableNumbers, lines } = await survey(object);
  const files = new DatedFiles();
  const processedAt = BigInt(object.modified.getTime()) * 1000n;
  for await (const { number, bytes } of readLines(object.body, object.key)) {
    if (unreadableNumbers.has(number)) continue;
    const line = readRawLine(bytes.toString("utf8"));
    if (!copies.isKept(line.event.event_id as string, number)) continue;
    const { row, date } = toRow(line, processedAt);
    protect(row);
    files.add(date, row, bytes.length);
  }
  return { lines, duplicates: copies.duplicates, files: files.finish(), unreadable };
}

async function survey({ body, key }: RawObject) {
  const copies = new Copies();
  const unreadable = new GzipObject();
  const unreadableNumbers = new Set<number>();
  let lines = 0;
  for await (const { number, bytes } of readLines(body, key)) {
    lines += 1;
    const line = tryToRead(bytes);
    if (line instanceof Unreadable) {
      unreadableNumbers.add(number);
      unreadable.add(unreadableLine(key, bytes.toString("utf8"), line.message));
    } else copies.add(line.event.event_id as string, number, line.arrival);
  }
  return { copies, unreadable, unreadableNumbers, lines };
}

function tryToRead(bytes: Buffer): RawLine | Unreadable {
  const text = textOf(bytes);
  if (text === undefined) return new Unreadable("it contains bytes that are not UTF-8");
  try {
    return readRawLine(text);
  } catch (error) {
    if (error instanceof Unreadable) return error;
    throw error;
  }
}

class DatedFiles {
  private readonly files = new Map<string, ParquetFile>();
  private waitingBytes = 0;

  add(date: string, row: Row, lineBytes: number): void {
    let file = this.files.get(date);
    if (file === undefined) {
      file = new ParquetFile();
      this.files.set(date, file);
    }
    file.add(row, lineBytes);
    this.waitingBytes += lineBytes;
    if (this.waitingBytes > MAX_WAITING_BYTES) this.flushLargest();
  }

  private flushLargest(): void {
    const largest = [...this.files.values()].reduce((a, b) => (b.waitingBytes > a.waitingBytes ? b : a));
    this.waitingBytes -= largest.waitingBytes;
    largest.flush();
  }

  finish(): Map<string, { body: Uint8Array; rows: number }> {
    const dates = [...this.files.keys()].sort();
    return new Map(
      dates.map((date) => {
        const file = this.files.get(date) as ParquetFile;
        return [date, { body: file.finish(), rows: file.rows }];
      }),
    );
  }
}
