// Makes of each line of a file what goes into the stream: the line itself, or the event that a log's line tells of.

import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import type { ClickstreamEvent } from "../../lambdas/shared/event";
import { type LoggedRequest, parseAccessLogLine } from "./access-log";
import { agentTraits } from "./user-agent";
import { Visitors } from "./visitors";

export type FileKind = "json lines" | "access log";

export interface Outgoing {
  /** Bytes where they are no text: what arrives is what was in the file. */
  line: string | Uint8Array;
  /** What keeps a visit's lines together. */
  key: string;
  /** False for a line that goes on as it is because it could not be read. */
  isRecognised: boolean;
}

/** How many lines tell the kind of a file. */
export const SAMPLE_LINES = 100;

/** What most of the first lines are; undefined where none is either. */
export function recognise(lines: readonly Buffer[]): FileKind | undefined {
  let json = 0;
  let log = 0;
  for (const bytes of lines) {
    const text = bytes.toString("utf8");
    if (isJsonObject(text)) json += 1;
    else if (parseAccessLogLine(text) !== undefined) log += 1;
  }
  if (json === 0 && log === 0) return undefined;
  return log > json ? "access log" : "json lines";
}

export type MakeOutgoing = (bytes: Buffer, lineNumber: number) => Outgoing;

export function outgoingMaker(kind: FileKind): MakeOutgoing {
  if (kind === "json lines") return jsonLine;
  const visitors = new Visitors();
  return (bytes, lineNumber) => {
    const text = textOf(bytes);
    const request = typeof text === "string" ? parseAccessLogLine(text) : undefined;
    if (request === undefined) return { line: text, key: `line-${lineNumber}`, isRecognised: false };
    const event = pageView(request, eventId(lineNumber, text as string), visitors);
    return { line: JSON.stringify(event), key: event.session_id ?? "", isRecognised: true };
  };
}

/** A line goes as it is. Where it cannot be read, the ingest says so in the quarantine. */
function jsonLine(bytes: Buffer, lineNumber: number): Outgoing {
  const line = textOf(bytes);
  const event = typeof line === "string" ? parsedObject(line) : undefined;
  const key = event?.session_id ?? event?.user_id ?? `line-${lineNumber}`;
  return { line, key: String(key), isRecognised: event !== undefined };
}

function pageView(request: LoggedRequest, id: string, visitors: Visitors): ClickstreamEvent {
  const { deviceType, browser } = agentTraits(request.userAgent);
  const { userId, sessionId } = visitors.visit(request.ip, request.userAgent, request.epochMs);
  const properties: Record<string, string> = { method: request.method, status: request.status };
  if (request.bytes !== undefined) properties.bytes = request.bytes;
  if (request.protocol !== undefined) properties.protocol = request.protocol;
  if (request.remoteUser !== undefined) properties.remote_user = request.remoteUser;
  return {
    event_id: id,
    event_type: "page_view",
    event_time: new Date(request.epochMs).toISOString(),
    user_id: userId,
    session_id: sessionId,
    page_url: request.target,
    referrer_url: request.referrer,
    device_type: deviceType,
    browser,
    user_agent: request.userAgent,
    geo: { ip: request.ip },
    properties,
  };
}

/** The same line at the same place has the same id, so that a file that is sent twice counts once. */
function eventId(lineNumber: number, line: string): string {
  const hash = createHash("sha256").update(`${lineNumber}\n${line}`).digest("hex");
  return [0, 8, 12, 16, 20].map((at, index) => hash.slice(at, [8, 12, 16, 20, 32][index])).join("-");
}

function textOf(bytes: Buffer): string | Uint8Array {
  return isUtf8(bytes) ? bytes.toString("utf8") : bytes;
}

function isJsonObject(text: string): boolean {
  return parsedObject(text) !== undefined;
}

function parsedObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
