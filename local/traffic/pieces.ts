// Collects the bytes of one line or JSON value. Of one that is too long, it keeps the beginning, length and hash.

import { createHash, type Hash } from "node:crypto";

/** A line of a file, or a JSON value that can span several lines. */
export interface Piece {
  /** The number of its first line, from 1, including blank lines. */
  number: number;
  /** Without the line break. Only the beginning if it was cut. */
  bytes: Buffer;
  /** Set if it is longer than what is kept. */
  cut?: Cut;
}

export interface Cut {
  length: number;
  sha256: string;
}

/** How much of a too long piece is kept: enough to recognise it. */
export const KEPT_BYTES = 64 * 1024;

export class PieceCollector {
  private parts: Buffer[] = [];
  private length = 0;
  private hash: Hash | undefined;

  constructor(private readonly maxBytes: number) {}

  get isEmpty(): boolean {
    return this.length === 0;
  }

  /** Keeps the bytes without a copy: the stream does not reuse its buffers. */
  add(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.length += bytes.length;
    if (this.hash !== undefined) {
      this.hash.update(bytes);
      return;
    }
    this.parts.push(bytes);
    if (this.length > this.maxBytes) this.cut();
  }

  finish(number: number): Piece {
    const bytes = this.parts.length === 1 ? (this.parts[0] as Buffer) : Buffer.concat(this.parts);
    const piece =
      this.hash === undefined
        ? { number, bytes }
        : { number, bytes, cut: { length: this.length, sha256: this.hash.digest("hex") } };
    this.parts = [];
    this.length = 0;
    this.hash = undefined;
    return piece;
  }

  private cut(): void {
    const whole = Buffer.concat(this.parts);
    this.hash = createHash("sha256").update(whole);
    // A copy, so that the rest can be freed.
    this.parts = [Buffer.from(whole.subarray(0, KEPT_BYTES))];
  }
}

/** Length and hash of a too long piece that was kept whole. */
export function cutOf(bytes: Buffer): { bytes: Buffer; cut: Cut } {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { bytes: bytes.subarray(0, KEPT_BYTES), cut: { length: bytes.length, sha256 } };
}
