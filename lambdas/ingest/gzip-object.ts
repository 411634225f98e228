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
const CLOSING_BRACE = 125;
const ZERO = 48;
const MAX_DIGITS = 10;

/** Writes at `start`, and gives the end of what it wrote. */
export interface Writer {
  maxBytes: number;
  write(target: Buffer, start: number): number;
}

export class GzipObject {
  lines = 0;
  /** Bytes of the lines before compression, known once the object is finished. */
  plainBytes = 0;
  private buffer = Buffer.allocUnsafe(0);
  private used = 0;
  private readonly members: Buffer[] = [];

  add(line: string): void {
    // No character takes more than three bytes of UTF-8 for each of its UTF-16 units.
    this.makeRoom(line.length * 3 + 1);
    this.used += this.buffer.write(line, this.used, "utf8");
    this.buffer[this.used++] = NEWLINE;
    this.lines += 1;
  }

  /**
   * The object whose JSON text lies at `start` to `end`, with `suffix` (ASCII), a whole number and its end
   * put in.
   */
  addExtended(source: Buffer, start: number, end: number, suffix: string, position: number): void {
    this.makeRoom(end - start + suffix.length + MAX_DIGITS + 3);
    source.copy(this.buffer, this.used, start, end - 1);
    this.used += end - 1 - start;
    this.addEnd(suffix, position);
  }

  /** The same of an object that `written` writes, at most `maxBytes` long and without its closing brace. */
  addWritten(written: Writer, suffix: string, position: number): void {
    this.makeRoom(written.maxBytes + suffix.length + MAX_DIGITS + 3);
    this.used = written.write(this.buffer, this.used);
    this.addEnd(suffix, position);
  }

  finish(): Buffer {
    this.closeMember();
    this.buffer = Buffer.allocUnsafe(0);
    return this.members.length === 1 ? (this.members[0] as Buffer) : Buffer.concat(this.members);
  }

  private addEnd(suffix: string, position: number): void {
    const { buffer } = this;
    this.used += buffer.write(suffix, this.used, "latin1");
    this.addNumber(position);
    buffer[this.used++] = CLOSING_BRACE;
    buffer[this.used++] = CLOSING_BRACE;
    buffer[this.used++] = NEWLINE;
    this.lines += 1;
  }

  private addNumber(value: number): void {
    let place = 1;
    while (place * 10 <= value) place *= 10;
    for (let rest = value; place >= 1; place = Math.floor(place / 10)) {
      const digit = Math.floor(rest / place);
      this.buffer[this.used++] = ZERO + digit;
      rest -= digit * place;
    }
  }

  private makeRoom(bytes: number): void {
    if (this.used + bytes <= this.buffer.length) return;
    if (this.used > 0 && this.used + bytes > MEMBER_BYTES) this.closeMember();
    if (this.used + bytes <= this.buffer.length) return;
    const size = Math.max(FIRST_BYTES, this.buffer.length * 2, this.used + bytes);
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
