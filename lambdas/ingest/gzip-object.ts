// Collects lines into one gzip object. Memory use stays low for any number of lines.

import { gzipSync } from "node:zlib";

/**
 * Measured on 8,000 simulator events (6.3 MB with their arrival). CPU microseconds per event, and size:
 * level 1: 2.8, 828 KB; 3: 2.9, 773 KB; 4: 4.8, 703 KB; 6: 6.5, 630 KB; 9: 9.3, 603 KB.
 * Up to level 6, the storage saved is worth more than the extra CPU time. Above 6 it is not.
 */
export const GZIP_LEVEL = 6;

/**
 * After this many bytes, a new gzip member begins. All gzip readers read several members as one file.
 * Batches of good events are smaller than this. A batch of a million tiny invalid lines is not, and its
 * quarantine object would not fit into the function's memory. Each member is compressed in one call, which
 * takes less CPU time than a stream: a stream passes its chunks to another thread and back.
 */
const MEMBER_BYTES = 12 * 1024 * 1024;
const FIRST_BYTES = 256 * 1024;
const NEWLINE = 10;
/** The bytes of a longer text are counted, not estimated. */
const LONG_TEXT = 64 * 1024;

export class GzipObject {
  lines = 0;
  /** Bytes of the lines before compression. Complete after finish(). */
  plainBytes = 0;
  private buffer = Buffer.allocUnsafe(0);
  private used = 0;
  private readonly members: Buffer[] = [];

  add(line: string): void {
    this.write(line);
    this.endLine();
  }

  /** Adds a line in parts, for lines that are too long to build in memory. */
  addInParts(parts: Iterable<string>): void {
    for (const part of parts) this.write(part);
    this.endLine();
  }

  private write(text: string): void {
    // A UTF-16 code unit takes at most three bytes in UTF-8. One more byte is for the newline.
    this.makeRoom(1 + (text.length < LONG_TEXT ? text.length * 3 : Buffer.byteLength(text)));
    this.used += this.buffer.write(text, this.used, "utf8");
  }

  private endLine(): void {
    this.buffer[this.used++] = NEWLINE;
    this.lines += 1;
  }

  /** Compresses what was added, and gives the buffer's memory back. More lines can follow. */
  compress(): void {
    this.closeMember();
    this.buffer = Buffer.allocUnsafe(0);
  }

  finish(): Buffer {
    this.compress();
    return this.members.length === 1 ? (this.members[0] as Buffer) : Buffer.concat(this.members);
  }

  private makeRoom(bytes: number): void {
    if (this.used + bytes <= this.buffer.length) return;
    if (this.used > 0 && this.used + bytes > MEMBER_BYTES) this.closeMember();
    if (this.used + bytes <= this.buffer.length) return;
    const doubled = Math.min(MEMBER_BYTES, this.buffer.length * 2);
    const size = Math.max(FIRST_BYTES, doubled, this.used + bytes);
    const larger = Buffer.allocUnsafe(size);
    this.buffer.copy(larger, 0, 0, this.used);
    this.buffer = larger;
  }

  private closeMember(): void {
    if (this.used === 0) return;
    // zlib writes no timestamp into the header, so the same lines always make the same bytes.
    this.plainBytes += this.used;
    this.members.push(gzipSync(this.buffer.subarray(0, this.used), { level: GZIP_LEVEL }));
    this.used = 0;
  }
}
