// Makes of each piece of a file what goes into the stream: its events, the page view of a request, or its refusal.

import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import type { ClickstreamEvent } from "../../lambdas/shared/event";
import { type RefusedReason, refusedLine } from "../../lambdas/shared/refused";
import { parseEventTime } from "../../lambdas/shared/time";
import { batchIn, valuesIn } from "./json-values";
import type { LogReader } from "./log/log-reader";
import { isRefusal, type LoggedRequest } from "./log/request";
import { type Cut, KEPT_BYTES, type Piece } from "./pieces";
import { type FileKind, parsedObject } from "./recognise";
import { agentTraits } from "./user-agent";
import { Visitors } from "./visitors";

export interface Outgoing {
  /** Bytes where they are no text: what arrives is what was in the file. */
  line: string | Uint8Array;
  /** What keeps a visit's lines together. */
  key: string;
  /** Why it is no event, and where; undefined where it is one as far as the sender can tell. */
  refusal?: string;
  /** When it happened, where the sender knows. */
  epochMs?: number;
}

export type MakeOutgoing = (piece: Piece) => Outgoing[];

export function outgoingMaker(kind: FileKind, logs: LogReader, fileName: string): MakeOutgoing {
  const make = kind === "access log" ? requestMaker(logs) : jsonOutgoing;
  return (piece) =>
    piece.cut === undefined ? make(piece) : [tooLarge(piece.number, fileName, piece.bytes, piece.cut)];
}

/** What goes in place of a line that is longer than a record: its beginning, and what it takes to find the whole. */
export function tooLarge(number: number, fileName: string, bytes: Buffer, { length, sha256 }: Cut): Outgoing {
  const detail =
    `Line ${number} of ${fileName} has ${length} bytes; Kinesis takes 1048576 in a record. ` +
    `The payload is its first ${Math.min(length, KEPT_BYTES)} bytes. SHA-256 of all: ${sha256}.`;
  return refused(
    "too_large",
    number,
    detail,
    bytes.subarray(0, KEPT_BYTES),
    `line ${number}: ${length} bytes`,
  );
}

function requestMaker(logs: LogReader): MakeOutgoing {
  const visitors = new Visitors();
  return ({ number, bytes }) => {
    if (!isUtf8(bytes)) return [unread(number, bytes)];
    const text = bytes.toString("utf8");
    const event = text.startsWith("{") ? parsedObject(text) : undefined;
    if (event !== undefined && "event_type" in event) return [eventLine(text, number)];
    const reading = logs.read(text);
    if (!isRefusal(reading)) return [pageView(reading, number, text, visitors)];
    const place = `column ${reading.column}: expected ${reading.expected}`;
    const detail = `Line ${number}, ${place}.`;
    return [refused("not_a_log_line", number, detail, bytes, `line ${number}, ${place}`)];
  };
}

/** Text goes as it is, one event a line. Where it cannot be read, the ingest says so in the quarantine. */
function jsonOutgoing({ number, bytes }: Piece): Outgoing[] {
  if (!isUtf8(bytes)) return [unread(number, bytes)];
  const text = bytes.toString("utf8");
  const events = eventsIn(text);
  if (events !== undefined) return events.map((event) => eventLine(event, number));
  if (!/[\r\n]/.test(text)) return [eventLine(text, number)];
  const detail = `The text from line ${number} on is no JSON value.`;
  return [refused("not_json", number, detail, bytes, `line ${number}: no JSON value`)];
}

/** One object, the elements of an array or of a batch, or several objects back to back; undefined for no JSON. */
function eventsIn(text: string): string[] | undefined {
  const object = parsedObject(text);
  if (object !== undefined) return batchIn(text, object) ?? [text];
  const values = valuesIn(text);
  const isArray = /^\s*\[/.test(text) && isJson(text);
  return isArray || (values.length > 1 && values.every((value) => parsedObject(value) !== undefined))
    ? values
    : undefined;
}

function eventLine(text: string, number: number): Outgoing {
  const event = parsedObject(text);
  if (event === undefined) return { ...unread(number, text), line: oneLine(text) };
  const { session_id, user_id, event_time, timestamp } = batched(event) ?? event;
  const time = event_time ?? timestamp;
  return {
    line: oneLine(text),
    key: String(session_id ?? user_id ?? `line-${number}`),
    epochMs: typeof time === "string" ? parseEventTime(time)?.epochMs : undefined,
  };
}

/** The one event of a batch, with what the batch says of it. */
function batched(object: Record<string, unknown>): Record<string, unknown> | undefined {
  const isBatch = Array.isArray(object.batch) && !("event_type" in object);
  return isBatch ? { ...object, ...(object.batch as object[])[0] } : undefined;
}

/** Between the tokens of JSON a line break is a blank; inside of them it has none. */
function oneLine(text: string): string {
  return /[\r\n]/.test(text) ? text.replace(/[\r\n]+[ \t]*/g, " ") : text;
}

function unread(number: number, line: string | Uint8Array): Outgoing {
  const what = typeof line === "string" ? "no JSON object" : "no UTF-8 text";
  return { line, key: `line-${number}`, refusal: `line ${number}: ${what}` };
}

function refused(
  reason: RefusedReason,
  number: number,
  detail: string,
  bytes: Buffer,
  refusal: string,
): Outgoing {
  // A cut may have split a character.
  const isText = isUtf8(bytes);
  const payload = bytes.toString(isText ? "utf8" : "base64");
  const line = refusedLine({ reason, detail, payload, payload_encoding: isText ? "utf8" : "base64" });
  return { line, key: `line-${number}`, refusal };
}

function pageView(request: LoggedRequest, number: number, line: string, visitors: Visitors): Outgoing {
  const { client, epochMs, target, referrer, userAgent, properties } = request;
  const { deviceType, browser } = agentTraits(userAgent);
  const { userId, sessionId } = visitors.visit(client, userAgent, epochMs);
  const event: ClickstreamEvent = {
    event_id: eventId(number, line),
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

/** The same line at the same place has the same id, so that a file that is sent twice counts once. */
function eventId(lineNumber: number, line: string): string {
  const hash = createHash("sha256").update(`${lineNumber}\n${line}`).digest("hex");
  return [0, 8, 12, 16, 20].map((at, index) => hash.slice(at, [8, 12, 16, 20, 32][index])).join("-");
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
