// Reads a time as Spark casts text to a timestamp, in microseconds since 1970.

import { DAY_SECONDS, HOUR_SECONDS } from "../../shared/durations";
import { offsetOf } from "./zones";

/** Fields of a time, in Spark's order: year, month, day, hour, minute, second, microsecond. */
const [YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, FRACTION] = [0, 1, 2, 3, 4, 5, 6];
const BLANK = 32;
const DELETE = 127;

/** Undefined for text that is no time. A time without a date is none either: Spark reads it as today. */
export function instant(text: string): bigint | undefined {
  const parsed = parse(withoutFinalZ(text));
  if (parsed === undefined) return undefined;
  const { fields, zone } = parsed;
  const seconds = localSeconds(fields);
  if (seconds === undefined) return undefined;
  const offset = zone === undefined ? 0 : offsetOf(zone, seconds);
  return offset === undefined
    ? undefined
    : BigInt(seconds - offset) * 1_000_000n + BigInt(fields[FRACTION] as number);
}

/** As the job does: a `Z` at the end is removed if it is the only one. */
function withoutFinalZ(text: string): string {
  const at = text.indexOf("Z");
  return at !== -1 && at === text.length - 1 ? text.slice(0, at) : text;
}

/** The separators behind a field. Behind seconds and fraction, any other text is the zone. */
const SEPARATORS: readonly string[] = ["-", "-", " T", ":", ":", "."];

function parse(text: string): { fields: number[]; zone: string | undefined } | undefined {
  const [start, end] = trimmed(text);
  if (start >= end) return undefined;
  const fields = [1, 1, 1, 0, 0, 0, 0];
  let at = start;
  const sign = text.charAt(at);
  if (sign === "-" || sign === "+") at += 1;
  for (let field = YEAR; ; field += 1) {
    let digits = "";
    while (at < end && isDigit(text.charCodeAt(at))) digits += text.charAt(at++);
    if (!hasValidLength(field as number, digits.length)) return undefined;
    fields[field as number] = Number(field === FRACTION ? digits.slice(0, 6).padEnd(6, "0") : digits);
    if (at >= end) break;
    const isSeparator = (SEPARATORS[field as number] ?? "").includes(text.charAt(at));
    if (!isSeparator) {
      if (field !== SECOND && field !== FRACTION) return undefined;
      return { fields: signed(fields, sign), zone: text.slice(at, end) };
    }
    at += 1;
  }
  return { fields: signed(fields, sign), zone: undefined };
}

function signed(fields: number[], sign: string): number[] {
  if (sign === "-") fields[0] = -(fields[0] as number);
  return fields;
}

/** Spark trims blanks and control characters of ASCII. */
function trimmed(text: string): [number, number] {
  const isTrimmed = (at: number) => text.charCodeAt(at) <= BLANK || text.charCodeAt(at) === DELETE;
  let [start, end] = [0, text.length];
  while (start < end && isTrimmed(start)) start += 1;
  while (end > start && isTrimmed(end - 1)) end -= 1;
  return [start, end];
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function hasValidLength(field: number, digits: number): boolean {
  if (field === FRACTION) return true;
  return field === YEAR ? digits >= 4 && digits <= 6 : digits >= 1 && digits <= 2;
}

/** Seconds since 1970 of a local time; undefined if there is no such date or time. */
function localSeconds(fields: number[]): number | undefined {
  const [year, month, day, hour, minute, second] = [YEAR, MONTH, DAY, HOUR, MINUTE, SECOND].map(
    (field) => fields[field as number] as number,
  ) as [number, number, number, number, number, number];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  // The calendar repeats every 400 years. Date has a smaller range of years than Spark.
  const cycles = Math.floor((year - 2000) / 400);
  const date = new Date(Date.UTC(year - cycles * 400, month - 1, day));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return date.getTime() / 1000 + cycles * 146_097 * DAY_SECONDS + hour * HOUR_SECONDS + minute * 60 + second;
}
