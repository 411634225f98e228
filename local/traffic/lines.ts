// Reads bytes line by line. Memory does not grow with the file or with a line.

import { MAX_RECORD_BYTES } from "../../lambdas/shared/records";
import { type Piece, PieceCollector } from "./pieces";

/** A line up to this length can contain several events that fit into a record each. */
const MAX_LINE_BYTES = 16 * MAX_RECORD_BYTES;
const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

export async function* readLines(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Piece> {
  const collector = new PieceCollector(MAX_LINE_BYTES);
  let number = 1;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      collector.add(chunk.subarray(start, end));
      yield withoutReturn(collector.finish(number));
      number += 1;
      start = end + 1;
    }
    collector.add(chunk.subarray(start));
  }
  if (!collector.isEmpty) yield withoutReturn(collector.finish(number));
}

/** The complete, non-blank lines of the head. The last one counts if the head is the whole file. */
export function linesOf(head: Buffer, isWhole: boolean): Buffer[] {
  const end = isWhole ? head.length : head.lastIndexOf(NEWLINE) + 1;
  const lines: Buffer[] = [];
  for (let start = 0; start < end; ) {
    const newline = head.indexOf(NEWLINE, start);
    const to = newline === -1 ? end : newline;
    const line = head.subarray(start, head[to - 1] === CARRIAGE_RETURN && to > start ? to - 1 : to);
    if (!isBlank(line)) lines.push(line);
    start = to + 1;
  }
  return lines;
}

export function isBlank(bytes: Buffer): boolean {
  return bytes.length < 64 && /^\s*$/.test(bytes.toString("latin1"));
}

function withoutReturn(piece: Piece): Piece {
  const { bytes, cut } = piece;
  return cut === undefined && bytes.at(-1) === CARRIAGE_RETURN
    ? { ...piece, bytes: bytes.subarray(0, -1) }
    : piece;
}
