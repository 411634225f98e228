// Turns each piece of a file into lines to send: its events, the page view of a request, or a rejection.

import { isUtf8 } from "node:buffer";
import { faultInWords } from "../../lambdas/ingest/json";
import { looksLikeLogLine } from "../../lambdas/ingest/log-line";
import { hashId } from "../../lambdas/shared/hash-id";
import type { RecordService } from "../../lambdas/shared/records";
import { type RefusedReason, refusedLine } from "../../lambdas/shared/refused";
import { parseEventTime } from "../../lambdas/shared/time";
import { agentTraits } from "../../lambdas/shared/user-agent";
import type { ClickstreamEvent } from "../../schema/event";
import { batchIn, valuesIn } from "./json-values";
import type { LogReader } from "./log/log-reader";
import { isRefusal, type LoggedRequest } from "./log/request";
import { type Cut, KEPT_BYTES, type Piece } from "./pieces";
import { type FileKind, parsedObject } from "./recognise";
import { Visitors } from "./visitors";

export interface Outgoing {
  /** Bytes if they are not valid text: what was in the file is sent exactly. */
  line: string | Uint8Array;
  /** Partition key: keeps the lines of a visit together. */
  key: string;
  /** Why and where it is not an event; undefined if the sender finds no fault. */
  refusal?: string;
  /** When it happened, if the sender knows. */
  epochMs?: number;
}

export type MakeOutgoing = (piece: Piece) => Outgoing[];

export function outgoingMaker(kind: FileKind, logs: LogReader, makeTooLarge: MakeTooLarge): MakeOutgoing {
  const make = kind === "access log" ? requestMaker(logs) : jsonOutgoing;
  return (piece) =>
    piece.cut === undefined ? make(piece) : [makeTooLarge(piece.number, piece.bytes, piece.cut)];
}

export type MakeTooLarge = (number: number, bytes: Buffer, cut: Cut) => Outgoing;

/** Replaces a line that is longer than a record: its beginning, and its length and hash to identify it. */
export function tooLargeMaker(fileName: string, { name, maxRecordBytes }: RecordService): MakeTooLarge {
  return (number, bytes, { length, sha256 }) => {
    const kept = wholeCharacters(bytes.subarray(0, KEPT_BYTES));
    const detail =
      `Line ${number} of ${fileName} has ${length} bytes; a ${name} record holds ${maxRecordBytes}. ` +
      `The payload is its first ${kept.length} bytes. SHA-256 of the whole line: ${sha256}.`;
    return refused("too_large", number, `${length} bytes`, kept, detail);
  };
}

/** Without an incomplete character at the end, which the cut may leave. */
function wholeCharacters(bytes: Buffer): Buffer {
  const ends = [0, 1, 2, 3].map((left) => bytes.subarray(0, bytes.length - left));
  return ends.find((each) => isUtf8(each)) ?? bytes;
}

function requestMaker(logs: LogReader): MakeOutgoing {
  const visitors = new Visitors();
  return ({ number, bytes }) => {
    if (!isUtf8(bytes)) return [refused("not_utf8", number, "no UTF-8 text", bytes)];
    const text = bytes.toString("utf8");
    const event = text.startsWith("{") ? parsedObject(text) : undefined;
    if (event !== undefined && "event_type" in event) return [eventLine(text, event, number)];
    const reading = logs.read(text);
    if (!isRefusal(reading)) return [pageView(reading, number, text, visitors)];
    return [
      refused("not_a_log_line", number, `column ${reading.column}: expected ${reading.expected}`, bytes),
    ];
  };
}

/** One line per event, unchanged. Invalid text is rejected here: sent as it is, it could merge with another event. */
function jsonOutgoing({ number, bytes }: Piece): Outgoing[] {
  if (!isUtf8(bytes)) return [refused("not_utf8", number, "no UTF-8 text", bytes)];
  const text = bytes.toString("utf8");
  const object = parsedObject(text);
  if (object !== undefined && !Array.isArray(object.batch)) return [eventLine(text, object, number)];
  const values = valuesOf(text, object);
  if (values === undefined) return [noJson(text, number, bytes)];
  return values.map((value) => {
    const event = parsedObject(value);
    if (event !== undefined) return eventLine(value, event, number);
    return refused("not_an_object", number, "JSON, but no object", Buffer.from(value));
  });
}

/** With the reason that the ingest gives for the same line. */
function noJson(text: string, number: number, bytes: Buffer): Outgoing {
  return looksLikeLogLine(text)
    ? refused("log_line", number, "a log line in a JSON file; put log lines into a separate file", bytes)
    : refused("not_json", number, `not valid JSON: ${faultInWords(text, number)}`, bytes);
}

/** The elements of an array or batch, one value, or several concatenated objects; undefined if not JSON. */
function valuesOf(text: string, object: Record<string, unknown> | undefined): string[] | undefined {
  if (object !== undefined) return elementsOr(text, batchIn(text, object));
  const values = valuesIn(text);
  if (isJson(text)) return elementsOr(text, /^\s*\[/.test(text) ? values.flatMap(unbatched) : undefined);
  const isBackToBack = values.length > 1 && values.every((value) => parsedObject(value) !== undefined);
  return isBackToBack ? values.flatMap(unbatched) : undefined;
}

function unbatched(text: string): string[] {
  const object = parsedObject(text);
  return elementsOr(text, object && batchIn(text, object));
}

/** An empty array also counts as a line that arrived. */
function elementsOr(text: string, elements: string[] | undefined): string[] {
  return elements === undefined || elements.length === 0 ? [text] : elements;
}

function eventLine(text: string, event: Record<string, unknown>, number: number): Outgoing {
  const { session_id, user_id, event_time, timestamp } = batched(event) ?? event;
  const time = event_time ?? timestamp;
  return {
    line: oneLine(text),
    key: String(session_id ?? user_id ?? `line-${number}`),
    epochMs: typeof time === "string" ? parseEventTime(time)?.epochMs : undefined,
  };
}

/** The only event of a batch, with the batch's other members. */
function batched(object: Record<string, unknown>): Record<string, unknown> | undefined {
  const isBatch = Array.isArray(object.batch) && !("event_type" in object);
  return isBatch ? { ...object, ...(object.batch as object[])[0] } : undefined;
}

/** A line break in JSON is white space between tokens, so a blank can replace it. */
function oneLine(text: string): string {
  return /[\r\n]/.test(text) ? text.replace(/[\r\n]+[ \t]*/g, " ") : text;
}

/** The line in its envelope. `why` is shown to people. The quarantine's detail has the full explanation. */
function refused(
  reason: RefusedReason,
  number: number,
  why: string,
  bytes: Buffer,
  detail = `Line ${number}: ${why}.`,
): Outgoing {
  const isText = isUtf8(bytes);
  const payload = bytes.toString(isText ? "utf8" : "base64");
  const line = refusedLine({ reason, detail, payload, payload_encoding: isText ? "utf8" : "base64" });
  return { line, key: `line-${number}`, refusal: `line ${number}: ${why}` };
}

function pageView(request: LoggedRequest, number: number, line: string, visitors: Visitors): Outgoing {
  const { client, epochMs, target, referrer, userAgent, properties } = request;
  const { deviceType, browser } = agentTraits(userAgent);
  const { userId, sessionId } = visitors.visit(client, userAgent, epochMs);
  const event: ClickstreamEvent = {
    // The same line at the same position gets the same id, so a file that is sent twice counts once.
    event_id: hashId(`${number}\n${line}`),
    event_type: "page_view",
    event_time: new Date(epochMs).toISOString(),
    user_id: userId,
    session_id: sessionId,
    page_url: target,
    referrer_url: referrer,
    device_type: deviceType,
    browser,
    user_agent: userAgent,
    geo: { ip: client },
    properties,
  };
  return { line: JSON.stringify(event), key: sessionId, epochMs };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
