// Parses event times in the formats of producers, and writes one format: UTC with a Z, at most microseconds.

import { MINUTE_MS } from "./durations";

export interface EventTime {
  /** `2026-11-21T09:00:00.000Z`, with up to six digits of fraction. */
  text: string;
  epochMs: number;
}

const ISO_DATE_TIME =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?: ?(?:[Zz]|UTC|GMT|([+-])(\d{2})(?::?(\d{2}))?))?$/;
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Parses an ISO 8601 date and time. Returns undefined if the text is not one. Also accepts a space before the zone,
 * `UTC` or `GMT` as the zone, and an offset in hours only. Times without a zone are UTC, as one known producer sends.
 */
export function parseEventTime(text: string): EventTime | undefined {
  const match = ISO_DATE_TIME.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute] = [match[1], match[2], match[3], match[4], match[5]].map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const second = Number(match[6] ?? 0);
  if (!isDate(year, month, day) || hour > 23 || minute > 59 || second > 59) return undefined;
  const fraction = match[7] ?? "";
  const offsetMs = offsetOf(match[8], match[9], match[10]);
  if (offsetMs === undefined) return undefined;

  // Date.UTC reads years below 100 as 19xx, so the year is set separately.
  const date = new Date(Date.UTC(2000, month - 1, day, hour, minute, second));
  date.setUTCFullYear(year, month - 1, day);
  const wholeSecondMs = date.getTime() - offsetMs;
  const text19 = new Date(wholeSecondMs).toISOString();
  // The offset can move the time to a year that does not have four digits.
  if (text19.length !== 24) return undefined;
  return {
    text: `${text19.slice(0, 19)}.${canonicalFraction(fraction)}Z`,
    epochMs: wholeSecondMs + Number(fraction.padEnd(3, "0").slice(0, 3)),
  };
}

const EPOCH = /^(\d{9,16})(?:\.(\d{1,9}))?$/;
/** Decimal digits after the seconds, for numbers in seconds, milliseconds and microseconds. */
const EPOCH_UNITS = [0, 3, 6];
const EARLIEST_EPOCH_SECONDS = Date.UTC(1990, 0) / 1000;
const LATEST_EPOCH_SECONDS = Date.UTC(2100, 0) / 1000;

/**
 * Parses seconds, milliseconds or microseconds since 1970, with or without a fraction. Returns undefined for any
 * other text. The unit is the one for which the time is between 1990 and 2099. At most one unit fits.
 */
export function parseEpochTime(text: string): EventTime | undefined {
  const match = EPOCH.exec(text);
  if (match === null) return undefined;
  const [, digits = "", fraction = ""] = match;
  for (const unit of EPOCH_UNITS) {
    const seconds = Number(digits) / 10 ** unit;
    if (seconds < EARLIEST_EPOCH_SECONDS || seconds >= LATEST_EPOCH_SECONDS) continue;
    const microseconds = Number(digits + fraction.padEnd(6, "0").slice(0, 6 - unit));
    const epochMs = Math.floor(microseconds / 1000);
    const beyondMs = String(microseconds % 1000)
      .padStart(3, "0")
      .replace(/0+$/, "");
    return { text: `${new Date(epochMs).toISOString().slice(0, -1)}${beyondMs}Z`, epochMs };
  }
  return undefined;
}

/** True for a valid date in the format `YYYY-MM-DDTHH:MM:SS.mmmZ`, which is kept unchanged. */
export function isCanonicalTime(text: string): boolean {
  if (text.length !== 24 || text.charCodeAt(10) !== 84 || text.charCodeAt(23) !== 90) return false;
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45 || text.charCodeAt(19) !== 46) return false;
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return false;
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const fraction = twoDigits(text, 20) * 10 + twoDigits(text, 21);
  return (
    isDate(year, twoDigits(text, 5), twoDigits(text, 8)) &&
    twoDigits(text, 11) <= 23 &&
    twoDigits(text, 14) <= 59 &&
    twoDigits(text, 17) <= 59 &&
    fraction >= 0
  );
}

/** The number in two characters, or NaN. With NaN all later comparisons are false. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

export function isDate(year: number, month: number, day: number): boolean {
  if (!(month >= 1 && month <= 12 && day >= 1 && year >= 0)) return false;
  const isLeapFebruary = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day <= (isLeapFebruary ? 29 : (DAYS_IN_MONTH[month - 1] as number));
}

function offsetOf(sign?: string, hours?: string, minutes?: string): number | undefined {
  if (sign === undefined) return 0;
  if (Number(hours) > 23 || Number(minutes ?? 0) > 59) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes ?? 0)) * MINUTE_MS;
  return sign === "-" ? -offset : offset;
}

/** Milliseconds or up to microseconds. Trailing zeros after the milliseconds are removed. */
function canonicalFraction(digits: string): string {
  const six = digits.slice(0, 6).padEnd(6, "0");
  const beyondMs = six.slice(3).replace(/0+$/, "");
  return six.slice(0, 3) + beyondMs;
}
