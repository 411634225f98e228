// Turns one line that a producer sent into one raw line, or says why it is no event. Pure: no clock, no I/O.

import {
  type ClickstreamEvent,
  type GeoField,
  type QuarantineReason,
  TEXT_FIELDS,
  type TextField,
} from "../shared/event";
import { isCanonicalTime, parseEventTime } from "../shared/time";

/** An event before the earliest, or later than its arrival plus the lead, is out of the window. */
export interface TimeWindow {
  /** ISO form with milliseconds. */
  earliestTime: string;
  latestLeadMs: number;
}

/** What is the same for every line of a Kinesis record. */
export interface RecordContext {
  shardId: string;
  sequenceNumber: string;
  /** Arrival in ISO form, and the last event time that the window lets pass, in the same form. */
  arrivalTime: string;
  earliestTime: string;
  latestTime: string;
  /** The end of every raw line of the record, but for the position that follows. */
  arrivalSuffix: string;
  /** What of it is the same for all records of a shard that arrived in the same millisecond. */
  arrivalHead: string;
}

export interface Rejection {
  reason: QuarantineReason;
  detail: string;
}

/** The line is canonical as it stands: its own bytes need just the arrival at their end. */
export const AS_IT_STANDS = Symbol("as it stands");

/** The raw line without a line break, or the reason why there is none. */
export type Normalised = typeof AS_IT_STANDS | string | Rejection;

type JsonObject = Record<string, unknown>;

class Rejected extends Error {
  constructor(
    readonly reason: QuarantineReason,
    detail: string,
  ) {
    super(detail);
  }
}

export function recordContext(
  shardId: string,
  sequenceNumber: string,
  arrivalMs: number,
  window: TimeWindow,
): RecordContext {
  const arrivalTime = new Date(arrivalMs).toISOString();
  // A shard's id and its sequence numbers have no character that JSON escapes.
  const arrivalHead = `,"arrival":{"time":"${arrivalTime}","shard_id":"${shardId}","sequence_number":"`;
  return {
    shardId,
    sequenceNumber,
    arrivalTime,
    earliestTime: window.earliestTime,
    latestTime: new Date(arrivalMs + window.latestLeadMs).toISOString(),
    arrivalSuffix: arrivalSuffix(arrivalHead, sequenceNumber),
    arrivalHead,
  };
}

/** The same for another record of the shard that arrived in the same millisecond: two dates less to write. */
export function siblingContext(context: RecordContext, sequenceNumber: string): RecordContext {
  const { shardId, arrivalTime, earliestTime, latestTime, arrivalHead } = context;
  return {
    shardId,
    sequenceNumber,
    arrivalTime,
    earliestTime,
    latestTime,
    arrivalSuffix: arrivalSuffix(arrivalHead, sequenceNumber),
    arrivalHead,
  };
}

function arrivalSuffix(head: string, sequenceNumber: string): string {
  return `${head}${sequenceNumber}","position":`;
}

/** `line` is one JSON text without blanks around it. */
export function normalise(line: string, position: number, context: RecordContext): Normalised {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    if (line.charCodeAt(0) === BYTE_ORDER_MARK) return withoutMark(line, position, context);
    return { reason: "not_json", detail: `The line is no JSON: ${(error as Error).message}.` };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { reason: "not_an_object", detail: `The line is JSON, but ${kindOf(value)} and no object.` };
  }
  // The form that most producers send needs no second JSON.stringify: its own text is kept.
  if (isCanonical(value as JsonObject, line, context)) return AS_IT_STANDS;
  try {
    const event = canonicalEvent(value as JsonObject, line, position, context);
    return `${JSON.stringify(event).slice(0, -1)}${context.arrivalSuffix}${position}}}`;
  } catch (error) {
    if (error instanceof Rejected) return { reason: error.reason, detail: error.message };
    throw error;
  }
}

/** A mark at the start of a file is no part of its first event. */
function withoutMark(line: string, position: number, context: RecordContext): Normalised {
  const rest = line.slice(1).trim();
  const outcome = normalise(rest, position, context);
  return outcome === AS_IT_STANDS ? `${rest.slice(0, -1)}${context.arrivalSuffix}${position}}}` : outcome;
}

/**
 * True when the line as it stands is what canonicalEvent would write: only known fields, each of its own
 * type, none empty, all required ones there. Anything in doubt is false, and takes the long way.
 */
function isCanonical(event: JsonObject, line: string, context: RecordContext): boolean {
  let found = 0;
  for (const key in event) {
    const value = event[key];
    if (typeof value === "string") {
      const part = TEXT_PARTS.get(key);
      if (part === undefined || value === "") return false;
      if (part === Part.Time && !isTimeInWindow(value, context)) return false;
      found |= part;
    } else if (!isCanonicalValue(key, value, line)) {
      return false;
    }
  }
  return (found & Part.Required) === Part.Required && (found & Part.Someone) !== 0;
}

/** What a canonical event consists of, as bits. */
const Part = { Other: 0, Id: 1, Type: 2, Time: 4, Someone: 8, Required: 7 } as const;
const TEXT_PARTS: ReadonlyMap<string, number> = new Map<string, number>([
  ...TEXT_FIELDS.map((field) => [field, Part.Other] as const),
  ["event_id", Part.Id],
  ["event_type", Part.Type],
  ["event_time", Part.Time],
  ["user_id", Part.Someone],
  ["session_id", Part.Someone],
]);

function isTimeInWindow(time: string, { earliestTime, latestTime }: RecordContext): boolean {
  // Both bounds have the same 24 characters, so text order is time order.
  return isCanonicalTime(time) && time >= earliestTime && time <= latestTime;
}

function isCanonicalValue(key: string, value: unknown, line: string): boolean {
  switch (key) {
    case "geo":
      return isTextObject(value, true);
    case "properties":
      return isTextObject(value, false);
    case "product_price":
      return typeof value === "number" && Number.isFinite(value);
    case "quantity":
      return isPlainQuantity(value, line);
    default:
      return false;
  }
}

/** 1.0 and 1e0 are the number 1 too, but not text that every reader takes for an int. */
function isPlainQuantity(value: unknown, line: string): boolean {
  if (typeof value !== "number" || (value | 0) !== value) return false;
  const name = `"quantity":${value}`;
  const at = line.lastIndexOf(name);
  const after = line.charCodeAt(at + name.length);
  return at !== -1 && (after === 44 || after === 125);
}

function isTextObject(value: unknown, isGeo: boolean): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  for (const key in value) {
    const entry = (value as JsonObject)[key];
    if (typeof entry !== "string") return false;
    if (isGeo && (entry === "" || (key !== "country" && key !== "city" && key !== "ip"))) return false;
  }
  return true;
}

/** The long way: both producers' forms, every type that a field may come in, unknown fields to properties. */
function canonicalEvent(
  source: JsonObject,
  line: string,
  position: number,
  context: RecordContext,
): ClickstreamEvent {
  const reader = new EventReader(source);
  const event = reader.event(position, context);
  if (!reader.wroteNumbersAsText || !LONG_NUMBER.test(line)) return event;
  // JSON.parse has rounded an id such as 12345678901234567890: read again with long numbers as text.
  return new EventReader(JSON.parse(quoteLongNumbers(line)) as JsonObject).event(position, context);
}

class EventReader {
  wroteNumbersAsText = false;
  private readonly properties: Record<string, string> = Object.create(null);
  private readonly geo: JsonObject;
  private readonly unknown: [name: string, value: unknown][] = [];

  constructor(private readonly source: JsonObject) {
    this.geo = this.objectField("geo");
    this.copyProperties();
  }

  event(position: number, context: RecordContext): ClickstreamEvent {
    const timeField = isAbsent(this.source.event_time) ? "timestamp" : "event_time";
    const event_type = this.text("event_type");
    if (event_type === undefined) throw new Rejected("missing_event_type", "event_type is missing or empty.");
    const event_time = eventTime(timeField, this.source[timeField], context);
    const user_id = this.text("user_id");
    const session_id = this.text("session_id");
    if (user_id === undefined && session_id === undefined) {
      throw new Rejected("missing_user_and_session", "Both user_id and session_id are missing or empty.");
    }
    const event: ClickstreamEvent = {
      event_id: this.text("event_id") ?? `${context.shardId}:${context.sequenceNumber}:${position}`,
      event_type,
      event_time,
      user_id,
      session_id,
      page_url: this.text("page_url"),
      referrer_url: this.text("referrer_url"),
      device_type: this.text("device_type"),
      browser: this.text("browser"),
      user_agent: this.text("user_agent"),
      email: this.text("email"),
      geo: this.geoField(),
      product_id: this.text("product_id"),
      product_name: this.text("product_name"),
      product_category: this.text("product_category"),
      product_price: this.price(),
      quantity: this.quantity(),
    };
    this.collectUnknown(timeField);
    for (const [name, value] of this.unknown) this.addProperty(name, value);
    for (const _ in this.properties) {
      event.properties = this.properties;
      break;
    }
    return event;
  }

  private text(field: TextField): string | undefined {
    return this.textOf(field, this.source[field]);
  }

  private textOf(name: string, value: unknown): string | undefined {
    if (isAbsent(value)) return undefined;
    if (typeof value === "string") return value;
    if (typeof value === "object") {
      throw new Rejected("invalid_field", `${name} must be text, got ${kindOf(value)}.`);
    }
    if (typeof value === "number") this.wroteNumbersAsText = true;
    return String(value);
  }

  private geoField(): ClickstreamEvent["geo"] {
    const ip = this.geoText("ip", "ip_address");
    const country = this.geoText("country", "country");
    const city = this.geoText("city", "city");
    for (const name in this.geo) {
      if (!GEO_NAMES.has(name)) this.unknown.push([`geo.${name}`, this.geo[name]]);
    }
    return ip === undefined && country === undefined && city === undefined
      ? undefined
      : { ip, country, city };
  }

  /** The nested value wins; a flat one that says something else is kept with the properties. */
  private geoText(field: GeoField, flatName: string): string | undefined {
    const nested = this.textOf(`geo.${field}`, this.geo[field]);
    const flat = this.textOf(flatName, this.source[flatName]);
    if (nested !== undefined && flat !== undefined && flat !== nested) this.unknown.push([flatName, flat]);
    return nested ?? flat;
  }

  private price(): number | undefined {
    const price = numberOf(this.source.product_price);
    if (Number.isNaN(price)) {
      throw this.invalid("product_price", "a finite number");
    }
    return price;
  }

  private quantity(): number | undefined {
    const quantity = numberOf(this.source.quantity);
    if (quantity !== undefined && (quantity | 0) !== quantity) {
      throw this.invalid("quantity", "a whole number of 32 bits");
    }
    // -0 is 0; JSON.stringify writes it so as well, but not every reader of this object would.
    return quantity === 0 ? 0 : quantity;
  }

  private invalid(field: string, allowed: string): Rejected {
    return new Rejected("invalid_field", `${field} must be ${allowed}, got ${shown(this.source[field])}.`);
  }

  private objectField(field: "geo" | "properties"): JsonObject {
    const value = this.source[field];
    if (isAbsent(value)) return {};
    if (typeof value !== "object" || Array.isArray(value)) {
      throw new Rejected("invalid_field", `${field} must be an object, got ${kindOf(value)}.`);
    }
    return value as JsonObject;
  }

  private copyProperties(): void {
    const given = this.objectField("properties");
    for (const name in given) {
      if (given[name] !== null) this.properties[name] = this.propertyText(given[name]);
    }
  }

  private collectUnknown(timeField: "event_time" | "timestamp"): void {
    for (const name in this.source) {
      const isOtherTime = name === "timestamp" && timeField === "event_time";
      if (isOtherTime || !KNOWN_NAMES.has(name)) this.unknown.push([name, this.source[name]]);
    }
  }

  /** An explicit property keeps its name; what stood beside it gets the next free one. */
  private addProperty(name: string, value: unknown): void {
    if (value === null) return;
    let free = name;
    for (let count = 2; free in this.properties; count += 1) free = `${name}_${count}`;
    this.properties[free] = this.propertyText(value);
  }

  private propertyText(value: unknown): string {
    if (typeof value === "string") return value;
    this.wroteNumbersAsText = true;
    return JSON.stringify(value);
  }
}

const BYTE_ORDER_MARK = 0xfeff;
const GEO_NAMES: ReadonlySet<string> = new Set(["ip", "country", "city"]);
const KNOWN_NAMES: ReadonlySet<string> = new Set([
  ...["event_id", "event_type", "event_time", "timestamp", "user_id", "session_id", "page_url"],
  ...["referrer_url", "device_type", "browser", "user_agent", "email", "geo", "country", "city"],
  ...["ip_address", "product_id", "product_name", "product_category", "product_price", "quantity"],
  "properties",
]);
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const LONG_NUMBER = /\d{16}|\d[eE]\+?\d{2}/;
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function eventTime(field: string, value: unknown, context: RecordContext): string {
  if (isAbsent(value)) throw new Rejected("missing_event_time", "event_time is missing or empty.");
  const time = typeof value === "string" ? parseEventTime(value) : undefined;
  if (time === undefined) {
    throw new Rejected(
      "invalid_event_time",
      `${field} must be an ISO 8601 date and time such as 2026-11-21T09:00:00Z, got ${shown(value)}.`,
    );
  }
  if (time.epochMs < Date.parse(context.earliestTime) || time.epochMs > Date.parse(context.latestTime)) {
    throw new Rejected(
      "event_time_out_of_window",
      `${field} ${time.text} lies outside of ${context.earliestTime} to ${context.latestTime}.`,
    );
  }
  return time.text;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

/** undefined where there is none, NaN where it is none. */
function numberOf(value: unknown): number | undefined {
  if (isAbsent(value)) return undefined;
  const number =
    typeof value === "string" && JSON_NUMBER.test(value)
      ? Number(value)
      : typeof value === "number"
        ? value
        : NaN;
  return Number.isFinite(number) ? number : NaN;
}

/** Puts quotes around the numbers that a double cannot hold exactly. */
function quoteLongNumbers(line: string): string {
  return line.replace(STRING_OR_NUMBER, (token) => {
    if (token.startsWith('"')) return token;
    const value = Number(token);
    const isExact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
    return isExact ? token : `"${token}"`;
  });
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
