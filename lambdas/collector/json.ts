// Reads the JSON of a request, with the original digits of its numbers, and picks values out of it.

import {
  elementRanges,
  isDeeperThan,
  type JsonObject,
  jsonText,
  mayLoseDigits,
  memberRanges,
  numberText,
  parseExactly,
  parseJson,
} from "../ingest/json";
import { ENVELOPE_LEVELS, MAX_DEPTH } from "../ingest/limits";

/** undefined if it is not JSON, or nests too deep. */
export function readJson(text: string): unknown {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return undefined;
  }
  if (isDeeperThan(value, MAX_DEPTH + ENVELOPE_LEVELS)) return undefined;
  return mayLoseDigits(text) ? parseExactly(text) : value;
}

/** The text of each element of a member that is an array. `text` is the JSON of the object. */
export function elementTexts(text: string, member: string): string[] {
  const json = text.trim();
  const range = memberRanges(json).findLast(({ name }) => name === member)?.value;
  if (range === undefined || json[range.start] !== "[") return [];
  return [...elementRanges(json, range.start)].map(({ start, end }) => json.slice(start, end));
}

export function isObject(value: unknown): value is JsonObject {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && numberText(value) === undefined
  );
}

/** The object, or an empty one for any other value. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

/** A value that fits a text field: text or a number. undefined for others, and for empty text. */
export function textOf(value: unknown): unknown {
  if (typeof value === "string") return value === "" ? undefined : value;
  return numberText(value) === undefined ? undefined : value;
}

/** The first value that fits a text field. */
export function firstText(...values: unknown[]): unknown {
  return values.map(textOf).find((value) => value !== undefined);
}

/** An object that can have any member name. An assignment to `__proto__` would otherwise set the prototype. */
export function emptyObject(): JsonObject {
  return Object.create(null) as JsonObject;
}

/** One line of JSON, without absent members. */
export function eventLine(event: JsonObject): string {
  return jsonText(withoutAbsent(event));
}

function withoutAbsent(object: JsonObject): JsonObject {
  const kept = emptyObject();
  for (const [name, value] of Object.entries(object)) {
    if (value === undefined || value === null) continue;
    if ((name === "geo" || name === "properties") && isObject(value)) {
      const inner = withoutAbsent(value);
      if (Object.keys(inner).length > 0) kept[name] = inner;
    } else {
      kept[name] = value;
    }
  }
  return kept;
}

/** The properties of an event. Several sources add to them. The first value for a name is kept. */
export function addProperty(properties: JsonObject, name: string, value: unknown): void {
  if (isAbsent(value)) return;
  if (!Object.hasOwn(properties, name)) properties[name] = value;
}
