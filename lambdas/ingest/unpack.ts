// Unpacks a Kinesis record: aggregates of the Kinesis Producer Library (KPL), gzip, text. Yields one part at a time,
// so that only one part is in memory.

import { isAscii, isUtf8 } from "node:buffer";
import { aggregateMessage, isAggregate, userRecords } from "./aggregate";
import { bytesInWords, isSingleByteText, isUtf16 } from "./bytes";
import { gunzipped, isGzip } from "./compressed";
import type { Rejection } from "./context";
import { skipBlanks } from "./json";
import { gzipPiecesLimit, unpackedLimit } from "./limits";

/** Text to split into events, or bytes to quarantine as a whole. */
export type Unpacked =
  | { kind: "text"; text: string; packedBytes: number; maxPieces: number }
  | { kind: "bytes"; bytes: Buffer; rejection: Rejection };

const NEWLINE = 10;
const OPENING_BRACE = 123;

export function unpack(data: Buffer): Iterable<Unpacked> {
  if (!isAggregate(data)) return unpackOne(data);
  const message = aggregateMessage(data);
  return message === undefined
    ? [bytes(data, "broken_aggregate", BROKEN_AGGREGATE)]
    : unpackAggregate(data, message);
}

function* unpackAggregate(data: Buffer, message: Buffer): Generator<Unpacked> {
  let records = 0;
  for (const record of userRecords(message)) {
    yield* unpackOne(record as Buffer);
    records += 1;
  }
  if (records === 0) yield bytes(data, "empty_record", EMPTY_AGGREGATE);
}

const BROKEN_AGGREGATE =
  "This looks like a KPL aggregate (Kinesis Producer Library), but its checksum or its encoding is wrong. The payload is the record in base64.";
const EMPTY_AGGREGATE =
  "This KPL aggregate (Kinesis Producer Library) contains no record. The payload is the record in base64.";

/** Not a generator: a generator would keep the decompressed bytes in memory while the text is read. */
function unpackOne(data: Buffer): Iterable<Unpacked> {
  if (!isGzip(data)) return textOrBytes(data, data.length, data.length);
  const unpacked = gunzipped(data, unpackedLimit(data.length));
  if ("fault" in unpacked) {
    const detail = `This looks like gzip, but cannot be unpacked: ${unpacked.fault}. The payload is the record in base64.`;
    return [bytes(data, "broken_gzip", detail)];
  }
  if (isText(unpacked)) return textOrBytes(unpacked, data.length, gzipPiecesLimit(data.length));
  return [
    bytes(
      data,
      "not_utf8",
      `${notText(unpacked, "What the gzip record unpacks to is")} The payload is the record as it came, in base64.`,
    ),
  ];
}

function textOrBytes(data: Buffer, packedBytes: number, maxPieces: number): Iterable<Unpacked> {
  // ASCII is valid latin1. V8 stores latin1 in half the space and parses it faster.
  if (isAscii(data) && !isUtf16(data))
    return [{ kind: "text", text: data.toString("latin1"), packedBytes, maxPieces }];
  if (isText(data)) return [{ kind: "text", text: data.toString("utf8"), packedBytes, maxPieces }];
  return (
    partlyText(data) ?? [
      bytes(data, "not_utf8", `${notText(data, "The record is")} The payload is the record in base64.`),
    ]
  );
}

function isText(data: Buffer): boolean {
  return isUtf8(data) && !isUtf16(data);
}

/** If only some lines are in another encoding, the other lines are still read. */
function partlyText(data: Buffer): Iterable<Unpacked> | undefined {
  if (!isSingleByteText(data)) return undefined;
  for (const line of linesOf(data)) {
    if (line[0] === OPENING_BRACE && isUtf8(line) && line.toString("utf8").trimEnd().endsWith("}")) {
      return textOrBytesByLine(data);
    }
  }
  return undefined;
}

function* textOrBytesByLine(data: Buffer): Generator<Unpacked> {
  for (const line of linesOf(data)) {
    if (!isUtf8(line)) {
      yield bytes(line, "not_utf8", `${notText(line, "The line is")} The payload is the line in base64.`);
      continue;
    }
    const text = line.toString("utf8");
    if (skipBlanks(text, 0) < text.length) {
      yield { kind: "text", text, packedBytes: line.length, maxPieces: line.length };
    }
  }
}

function* linesOf(data: Buffer): Generator<Buffer> {
  for (let from = 0; from < data.length; ) {
    const newline = data.indexOf(NEWLINE, from);
    const to = newline === -1 ? data.length : newline;
    yield data.subarray(from, to);
    from = to + 1;
  }
}

function notText(data: Buffer, what: string): string {
  return `${what} not UTF-8 text, it looks like ${bytesInWords(data)}.`;
}

function bytes(data: Buffer, reason: Rejection["reason"], detail: string): Unpacked {
  return { kind: "bytes", bytes: data, rejection: { reason, detail } };
}
