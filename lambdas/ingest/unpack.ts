// Takes a Kinesis record apart into the lines that it holds, one event each.

import { isAscii, isUtf8 } from "node:buffer";

/** A line of text and where its bytes lie, bytes that are no text, or nothing at all. */
export type UnpackedLine =
  | { kind: "text"; data: Buffer; start: number; end: number; encoding: "latin1" | "utf8" }
  | { kind: "pretty"; text: string; data: Buffer; start: number; end: number }
  | { kind: "bytes"; bytes: Buffer }
  | { kind: "empty"; text: string };

const NEWLINE = 10;
const OPENING_BRACE = 123;
const OPENING_BRACKET = 91;
const COMMA = 44;

/** Non-blank lines in order; their place in this order is their position. A record without any yields "empty". */
export function* unpack(base64: string): Generator<UnpackedLine> {
  const data = Buffer.from(base64, "base64");
  // ASCII is the same in latin1, which V8 stores in half the space and parses faster.
  const encoding = isAscii(data) ? "latin1" : "utf8";
  const isText = encoding === "latin1" || isUtf8(data);
  let found = 0;
  for (let from = 0; from < data.length; ) {
    const newline = data.indexOf(NEWLINE, from);
    const to = newline === -1 ? data.length : newline;
    const start = skipBlanks(data, from, to);
    const end = trimBlanks(data, start, to);
    from = to + 1;
    if (start === end) continue;
    if (found === 0 && isText && newline !== -1 && isOneValueOverLines(data, end)) {
      yield wholeRecord(data, encoding);
      return;
    }
    found += 1;
    // Lines that are text stay usable although another line of their record is not.
    if (isText || isUtf8(data.subarray(start, end))) {
      yield { kind: "text", data, start, end, encoding };
    } else {
      yield { kind: "bytes", bytes: data.subarray(start, end) };
    }
  }
  if (found === 0) yield { kind: "empty", text: data.toString("utf8") };
}

/** A pretty-printed value; only a first line that ends in the middle of one can begin it. */
function isOneValueOverLines(data: Buffer, firstLineEnd: number): boolean {
  const last = data[firstLineEnd - 1];
  if (last !== OPENING_BRACE && last !== OPENING_BRACKET && last !== COMMA) return false;
  try {
    JSON.parse(data.toString("utf8"));
    return true;
  } catch {
    return false;
  }
}

function wholeRecord(data: Buffer, encoding: "latin1" | "utf8"): UnpackedLine {
  const start = skipBlanks(data, 0, data.length);
  const end = trimBlanks(data, start, data.length);
  const text = data.toString(encoding, start, end);
  // Line breaks between tokens would tear the raw line apart; inside of strings JSON has none.
  const oneLine = text.replaceAll(/[\r\n]+/g, " ");
  return { kind: "pretty", text, data: Buffer.from(oneLine), start: 0, end: Buffer.byteLength(oneLine) };
}

/** Made only where it is needed: most lines are read from their bytes (scan). */
export function textOf(line: Exclude<UnpackedLine, { kind: "bytes" }>): string {
  return line.kind === "text" ? line.data.toString(line.encoding, line.start, line.end) : line.text;
}

function skipBlanks(data: Buffer, from: number, to: number): number {
  let start = from;
  while (start < to && isBlank(data[start] as number)) start += 1;
  return start;
}

function trimBlanks(data: Buffer, from: number, to: number): number {
  let end = to;
  while (end > from && isBlank(data[end - 1] as number)) end -= 1;
  return end;
}

/** What JSON calls white space. A line of other blanks is a line that is no JSON. */
function isBlank(byte: number): boolean {
  return byte === 32 || byte === 9 || byte === 13 || byte === 10;
}
