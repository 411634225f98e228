// Detects the kind of a file from its beginning: JSON lines, JSON values that span lines, or an access log.

import { valuesIn } from "./json-values";
import { linesOf } from "./lines";
import type { LogReader } from "./log/log-reader";
import { isRefusal } from "./log/request";

export type FileKind = "JSON lines" | "JSON values" | "access log";

/** Bytes that are examined first; more, up to the limit, if nothing in them can be read. */
const ENOUGH_BYTES = 1024 * 1024;
const LIMIT_BYTES = 16 * 1024 * 1024;

/** Whether a growing head is enough to detect the kind. Each check has twice as many bytes as the last. */
export function enoughFor(logs: LogReader): (head: Buffer) => boolean {
  let next = ENOUGH_BYTES;
  return (head) => {
    if (head.length < next) return false;
    next = head.length * 2;
    return head.length >= LIMIT_BYTES || recognise(head, false, logs) !== undefined;
  };
}

/** The kind of most lines of the head; undefined if none can be read. */
export function recognise(head: Buffer, isWhole: boolean, logs: LogReader): FileKind | undefined {
  let events = 0;
  let requests = 0;
  for (const bytes of linesOf(head, isWhole)) {
    const text = bytes.toString("utf8");
    const object = parsedObject(text);
    const isLogged = (object === undefined || !("event_type" in object)) && !isRefusal(logs.read(text));
    if (isLogged) requests += 1;
    else if (object !== undefined && !Array.isArray(object.batch)) events += 1;
  }
  if (requests > events) return "access log";
  return valuesOf(head) > events ? "JSON values" : events > 0 ? "JSON lines" : undefined;
}

function valuesOf(head: Buffer): number {
  if (!/^\s*[[{]/.test(head.subarray(0, 1024).toString("latin1"))) return 0;
  return valuesIn(head.toString("utf8")).filter((text) => parsedObject(text) !== undefined).length;
}

export function parsedObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
