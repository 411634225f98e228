// Turns one JSON value from a producer into one raw line, or explains why it is not an event. No clock, no I/O.

import { NO_EVENT_IDS } from "../../schema/contract";
import type { QuarantineReason } from "../../schema/event";
import { type EventTime, isCanonicalTime, parseEpochTime, parseEventTime } from "../shared/time";
import type { RecordContext, Rejection } from "./context";
import {
  GROUPS_AND_ALIASED,
  type Group,
  IDENTITY,
  KNOWN_NAMES,
  type Member,
  PLAIN,
  TIME_ALIASES,
} from "./fields";
import {
  isDeeperThan,
  type JsonObject,
  jsonLine,
  jsonText,
  mayLoseDigits,
  numberText,
  parseExactly,
} from "./json";
import { MAX_DEPTH, TOO_DEEP } from "./limits";
import { HOW_TO_SEND_LOGS, looksLikeLogLine } from "./log-line";
import { mayHaveHalves, shortened, withoutHalves } from "./surrogates";

/** The raw line without its newline, or why the value was rejected. */
export type Normalised = string | Rejection;

/** Thrown for an invalid field. Not an Error: making its stack trace would take longer than the line. */
class Rejected implements Rejection {
  constructor(
    readonly reason: QuarantineReason,
    readonly detail: string,
  ) {}
}

/** `value` is the result of JSON.parse(json). */
export function normalise(
  value: unknown,
  json: string,
  position: number,
  context: RecordContext,
): Normalised {
  if (isDeeperThan(value, MAX_DEPTH)) return TOO_DEEP;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { reason: "not_an_object", detail: `The line is JSON, but ${kindOf(value)} and not an object.` };
  }
  const reader = new EventReader(value as JsonObject, json);
  const outcome = reader.read(position, context);
  if (!reader.sawNumbers || !mayLoseDigits(json)) return outcome;
  // JSON.parse changes the id 12345678901234567890 to 12345678901234567000, and 10.00 to 10.
  return new EventReader(parseExactly(json) as JsonObject, json).read(position, context);
}

class EventReader {
  /** True once a number was converted to text, or may be in a detail. */
  sawNumbers = false;
  private readonly source: JsonObject;
  private readonly unknown: [name: string, value: unknown][] = [];

  constructor(source: JsonObject, json: string) {
    this.source = mayHaveHalves(json) ? withoutHalves(source) : source;
  }

  read(position: number, context: RecordContext): Normalised {
    try {
      const event = this.event(position, context);
      return `${jsonLine(event).slice(0, -1)}${context.arrivalSuffix}${position}}}`;
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      this.sawNumbers = true;
      return { reason: error.reason, detail: error.detail };
    }
  }

  private event(position: number, context: RecordContext): JsonObject {
    const { source } = this;
    const timeField = isAbsent(source.event_time)
      ? (TIME_ALIASES.find((name) => !isAbsent(source[name])) ?? "event_time")
      : "event_time";
    if (this.text("event_type", source.event_type) === undefined) throw this.withoutType();
    const event_time = eventTime(timeField, source[timeField], context);
    if (!this.hasIdentity()) throw WITHOUT_IDENTITY;
    const event_id = this.eventId() ?? `${context.shardId}:${context.sequenceNumber}:${position}`;
    const event: JsonObject = { event_id, event_time };
    // Loop over the names that were sent, which are fewer than all fields. This runs for every event.
    for (const name in source) {
      const member = PLAIN.get(name);
      if (member !== undefined) {
        const value = this.typed(member, name, source[name]);
        if (value !== undefined) event[name] = value;
      } else if (!KNOWN_NAMES.has(name) || (name !== timeField && TIME_ALIASES.includes(name))) {
        this.unknown.push([name, source[name]]);
      }
    }
    for (const member of GROUPS_AND_ALIASED) {
      const value = "members" in member ? this.group(member) : this.value(member, source);
      if (value !== undefined) event[member.name] = value;
    }
    // Last, because only now all values without a field are known.
    const properties = this.properties();
    if (properties !== undefined) event.properties = properties;
    return event;
  }

  private hasIdentity(): boolean {
    for (const member of IDENTITY) {
      if (this.value(member, this.source) !== undefined) return true;
    }
    return false;
  }

  private withoutType(): Rejected {
    const { log, message, msg } = this.source;
    const line = [log, message, msg].find((text) => typeof text === "string" && looksLikeLogLine(text));
    return line === undefined
      ? new Rejected("missing_event_type", "event_type is missing or empty.")
      : new Rejected(
          "log_line",
          `There is no event_type, and a field looks like a line of a log. ${HOW_TO_SEND_LOGS}.`,
        );
  }

  private eventId(): string | undefined {
    const id = this.text("event_id", this.source.event_id);
    if (id === undefined || id.length > LONGEST_NO_ID) return id;
    const plain = id.trim().toLowerCase();
    return plain === "" || NO_EVENT_IDS.has(plain) ? undefined : id;
  }

  private group({ name, members, names }: Group): JsonObject | undefined {
    const given = this.objectField(name);
    let group: JsonObject | undefined;
    for (const member of members) {
      const value = this.value(member, given);
      if (value === undefined) continue;
      group ??= {};
      group[member.name] = value;
    }
    for (const other in given) {
      if (!names.has(other)) this.unknown.push([`${name}.${other}`, given[other]]);
    }
    return group;
  }

  /** The field's own name wins. An alias with a different value becomes a property. */
  private value(member: Member, from: JsonObject): string | number | undefined {
    let value = this.typed(member, member.path, from[member.name]);
    if (member.aliases.length === 0) return value;
    for (const alias of member.aliases) {
      const other = this.typed(member, alias, this.source[alias]);
      if (value === undefined) value = other;
      else if (other !== undefined && other !== value) this.unknown.push([alias, other]);
    }
    return value;
  }

  private typed({ type }: Member, name: string, value: unknown): string | number | undefined {
    if (type === "string") return typeof value === "string" && value !== "" ? value : this.text(name, value);
    const number = numberOf(value);
    if (Number.isNaN(number)) throw this.invalid(name, "a finite number", value);
    if (type === "int" && number !== undefined && (number | 0) !== number) {
      throw this.invalid(name, "a whole number of 32 bits", value);
    }
    return number;
  }

  private text(name: string, value: unknown): string | undefined {
    if (isAbsent(value)) return undefined;
    if (typeof value === "string") return value;
    if (typeof value === "boolean") return String(value);
    this.sawNumbers = true;
    const number = numberText(value);
    if (number === undefined)
      throw new Rejected("invalid_field", `${name} must be text, got ${kindOf(value)}.`);
    return number;
  }

  private invalid(name: string, allowed: string, value: unknown): Rejected {
    return new Rejected("invalid_field", `${name} must be ${allowed}, got ${shown(value)}.`);
  }

  private objectField(name: string): JsonObject {
    const value = this.source[name];
    if (isAbsent(value)) return NOTHING;
    // PHP writes an empty map as []. A list with values cannot become a map, because it has no names.
    if (Array.isArray(value) && value.length === 0) return NOTHING;
    if (typeof value !== "object" || Array.isArray(value) || numberText(value) !== undefined) {
      throw new Rejected("invalid_field", `${name} must be an object, got ${kindOf(value)}.`);
    }
    return value as JsonObject;
  }

  private properties(): Record<string, string> | undefined {
    const given = this.objectField("properties");
    if (this.unknown.length === 0 && isTextMap(given)) return isEmpty(given) ? undefined : given;

    const properties: Record<string, string> = {};
    for (const name in given) {
      if (given[name] !== null) put(properties, name, this.propertyText(given[name]));
    }
    for (const [name, value] of this.unknown) {
      // A property keeps its name. An unknown field with the same name gets the next free name.
      if (value !== null) put(properties, freeName(name, properties), this.propertyText(value));
    }
    return isEmpty(properties) ? undefined : properties;
  }

  private propertyText(value: unknown): string {
    if (typeof value === "string") return value;
    if (typeof value === "boolean") return String(value);
    this.sawNumbers = true;
    return jsonText(value);
  }
}

const NOTHING: JsonObject = {};
const LONGEST_NO_ID = 64;
const WITHOUT_IDENTITY = new Rejected(
  "missing_user_and_session",
  `One of ${IDENTITY.map(({ name }) => name).join(", ")} is required. All are missing or empty.`,
);
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const SHOWN_LENGTH = 80;

function isTextMap(map: JsonObject): map is Record<string, string> {
  for (const name in map) {
    if (typeof map[name] !== "string") return false;
  }
  return true;
}

function isEmpty(map: JsonObject): boolean {
  for (const _ in map) return false;
  return true;
}

function freeName(name: string, taken: JsonObject): string {
  let free = name;
  for (let count = 2; Object.hasOwn(taken, free); count += 1) free = `${name}_${count}`;
  return free;
}

function put(map: Record<string, string>, name: string, value: string): void {
  // An assignment to this name would set the prototype.
  if (name === "__proto__") Object.defineProperty(map, name, { value, enumerable: true, configurable: true });
  else map[name] = value;
}

function eventTime(field: string, value: unknown, context: RecordContext): string {
  if (typeof value === "string" && isCanonicalTime(value)) {
    // All three have the same 24 characters, so text order is time order.
    if (value >= context.earliestTime && value <= context.latestTime) return value;
  }
  if (isAbsent(value)) throw new Rejected("missing_event_time", "event_time is missing or empty.");
  const time = readTime(value);
  if (time === undefined) {
    throw new Rejected(
      "invalid_event_time",
      `${field} must be an ISO 8601 date and time such as 2026-11-21T09:00:00Z, or seconds, milliseconds or microseconds since 1970 (of the years 1990 to 2099), got ${shown(value)}.`,
    );
  }
  const { earliestTime, latestTime } = context;
  const isEarly = time.epochMs < Date.parse(earliestTime);
  if (isEarly || time.epochMs > Date.parse(latestTime)) {
    const remedy = isEarly
      ? "earliestEventTime sets the earliest time"
      : "latestEventLeadHours sets the latest time";
    throw new Rejected(
      "event_time_out_of_window",
      `${field} ${time.text} is not between ${earliestTime} and ${latestTime}. The configuration key ${remedy}.`,
    );
  }
  return time.text;
}

export function readTime(value: unknown): EventTime | undefined {
  if (typeof value === "string") return parseEventTime(value) ?? parseEpochTime(value);
  const number = numberText(value);
  return number === undefined ? undefined : parseEpochTime(String(Number(number)));
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

/** undefined if absent, NaN if not a number. */
function numberOf(value: unknown): number | undefined {
  if (isAbsent(value)) return undefined;
  const text = typeof value === "string" && JSON_NUMBER.test(value) ? value : numberText(value);
  const number = text === undefined ? NaN : Number(text);
  return Number.isFinite(number) ? number : NaN;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (numberText(value) !== undefined) return "a number";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function shown(value: unknown): string {
  return shortened(jsonText(value), SHOWN_LENGTH);
}
