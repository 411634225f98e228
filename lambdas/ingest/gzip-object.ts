// Collects lines into one gzip object, in little memory however many lines there are.

import { gzipSync } from "node:zlib";

/**
 * Measured on 8,000 simulator events (6.3 MB with their arrival), CPU microseconds an event and bytes:
 * level 1: 2.8, 828 KB; 3: 2.9, 773 KB; 4: 4.8, 703 KB; 6: 6.5, 630 KB; 9: 9.3, 603 KB.
 * Up to 6 the stored bytes that a level saves for good cost more than its CPU time once; beyond it they do not.
 */
export const GZIP_LEVEL = 6;

/**
 * Beyond so many bytes a gzip member is closed and another one begun, which every reader of gzip reads on.
 * Batches of good events stay below it; one of a million tiny, broken lines does not, and its quarantine
 * would not fit into a function's memory. Compressed in one go a member takes less CPU time than
 * through a stream, whose chunks travel to another thread and back.
 */
const MEMBER_BYTES = 12 * 1024 * 1024;
const FIRST_BYTES = 256 * 1024;
const NEWLINE = 10;
/** A longer text's bytes are counted, not estimated. */
const LONG_TEXT = 64 * 1024;

export class GzipObject {
  lines = 0;
  /** Bytes of the lines before compression, known once the object is finished. */
  plainBytes = 0;
  private buffer = Buffer.allocUnsafe(0);
  private used = 0;
  private readonly members: Buffer[] = [];

  add(line: string): void {
    this.write(line);
    this.endLine();
  }

  /** A line in parts, for one that is too long to be in memory as a whole. */
  addInParts(parts: Iterable<string>): void {
    for (const part of parts) this.write(part);
    this.endLine();
  }

  private write(text: string): void {
    // No character takes more than three bytes of UTF-8 for each of its UTF-16 units. One byte is for the line's end.
    this.makeRoom(1 + (text.length < LONG_TEXT ? text.length * 3 : Buffer.byteLength(text)));
    this.used += this.buffer.write(text, this.used, "utf8");
  }

  private endLine(): void {
    this.buffer[this.used++] = NEWLINE;
    this.lines += 1;
  }

  finish(): Buffer {
    this.closeMember();
    this.buffer = Buffer.allocUnsafe(0);
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
    // zlib writes no time into the header, so the same lines always make the same bytes.
    this.plainBytes += this.used;
    this.members.push(gzipSync(this.buffer.subarray(0, this.used), { level: GZIP_LEVEL }));
    this.used = 0;
  }
}
