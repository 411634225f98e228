// Takes a Kinesis record apart: aggregates of the Kinesis Producer Library, gzip, text.

import { isAscii, isUtf8 } from "node:buffer";
import { isAggregate, userRecords } from "./aggregate";
import { bytesInWords, isSingleByteText, isUtf16 } from "./bytes";
import { gunzipped, isGzip } from "./compressed";
import type { Rejection } from "./context";
import { skipBlanks } from "./json";
import { gzipPiecesLimit, unpackedLimit } from "./limits";

/** Text that is to be split into events, or bytes that go to the quarantine whole. */
export type Unpacked =
  | { kind: "text"; text: string; packedBytes: number; maxPieces: number }
  | { kind: "bytes"; bytes: Buffer; rejection: Rejection };

const NEWLINE = 10;
const OPENING_BRACE = 123;

export function unpack(data: Buffer): Unpacked[] {
  if (!isAggregate(data)) return unpackOne(data);
  const records = userRecords(data);
  if (records === undefined) return [bytes(data, "broken_aggregate", BROKEN_AGGREGATE)];
  return records.length === 0 ? [bytes(data, "empty_record", EMPTY_AGGREGATE)] : records.flatMap(unpackOne);
}

const BROKEN_AGGREGATE =
  "This looks like a KPL aggregate (Kinesis Producer Library), but its checksum or its encoding is wrong. The payload is the record in base64.";
const EMPTY_AGGREGATE =
  "This KPL aggregate (Kinesis Producer Library) holds no record. The payload is the record in base64.";

function unpackOne(data: Buffer): Unpacked[] {
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

function textOrBytes(data: Buffer, packedBytes: number, maxPieces: number): Unpacked[] {
  // ASCII is the same in latin1, which V8 stores in half the space and parses faster.
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

/** JSON lines of which some are in another encoding: the others are read. */
function partlyText(data: Buffer): Unpacked[] | undefined {
  if (!isSingleByteText(data)) return undefined;
  const lines: Unpacked[] = [];
  let hasJson = false;
  for (let from = 0; from < data.length; ) {
    const newline = data.indexOf(NEWLINE, from);
    const to = newline === -1 ? data.length : newline;
    const line = data.subarray(from, to);
    from = to + 1;
    if (isUtf8(line)) {
      const text = line.toString("utf8");
      hasJson ||= line[0] === OPENING_BRACE && text.trimEnd().endsWith("}");
      if (skipBlanks(text, 0) < text.length)
        lines.push({ kind: "text", text, packedBytes: line.length, maxPieces: line.length });
    } else {
      lines.push(
        bytes(line, "not_utf8", `${notText(line, "The line is")} The payload is the line in base64.`),
      );
    }
  }
  return hasJson ? lines : undefined;
}

function notText(data: Buffer, what: string): string {
  return `${what} not UTF-8 text, it looks like ${bytesInWords(data)}.`;
}

function bytes(data: Buffer, reason: Rejection["reason"], detail: string): Unpacked {
  return { kind: "bytes", bytes: data, rejection: { reason, detail } };
}
