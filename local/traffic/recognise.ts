// Tells what a file holds from its beginning: JSON lines, JSON values that go over lines, or an access log.

import { valuesIn } from "./json-values";
import { linesOf } from "./lines";
import type { LogReader } from "./log/log-reader";
import { isRefusal } from "./log/request";

export type FileKind = "JSON lines" | "JSON values" | "access log";

/** So much of a file is looked at, and further beginnings up to the limit where nothing in it can be read. */
const ENOUGH_BYTES = 1024 * 1024;
const LIMIT_BYTES = 16 * 1024 * 1024;

/** Says of a growing beginning whether it is enough to know the kind; each look is at twice as much as the last. */
export function enoughFor(logs: LogReader): (head: Buffer) => boolean {
  let next = ENOUGH_BYTES;
  return (head) => {
    if (head.length < next) return false;
    next = head.length * 2;
    return head.length >= LIMIT_BYTES || recognise(head, false, logs) !== undefined;
  };
}

/** What most of the beginning is; undefined where nothing in it can be read. */
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
