// Reads the times that web servers write into their logs.

import { MINUTE_MS } from "../../../lambdas/shared/durations";
import { isDate, parseEventTime } from "../../../lambdas/shared/time";

const CLF =
  /^(\d{1,2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))? ([+-])(\d{2}):?(\d{2})$/;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/** The year 2286 in seconds: numbers of up to ten digits are seconds, longer ones are smaller units. */
const LAST_SECOND = 9_999_999_999;

/** `17/May/2015:10:05:03 +0000` as Apache and nginx write it, with or without Apache's brackets; undefined if it is not a time. */
export function parseClfTime(text: string): number | undefined {
  const match = CLF.exec(text.replace(/^\[(.*)\]$/, "$1"));
  if (match === null) return undefined;
  const month = MONTHS.indexOf(match[2] as string) + 1;
  const [day, year, hour, minute, second] = [match[1], match[3], match[4], match[5], match[6]].map(
    Number,
  ) as [number, number, number, number, number];
  if (!isDate(year, month, day) || year < 1000 || hour > 23 || minute > 59 || second > 59) return undefined;
  const ms = Number((match[7] ?? "").padEnd(3, "0").slice(0, 3));
  const offsetMs = (Number(match[9]) * 60 + Number(match[10])) * MINUTE_MS;
  return Date.UTC(year, month - 1, day, hour, minute, second, ms) - (match[8] === "-" ? -offsetMs : offsetMs);
}

/** ISO 8601 with a time zone. Without one, the server's zone is unknown. */
export function parseIsoTime(text: string): number | undefined {
  if (!/(?:Z|[+-]\d{2}:?\d{2})$/i.test(text)) return undefined;
  return parseEventTime(text)?.epochMs;
}

/** Seconds, milliseconds, microseconds or nanoseconds since 1970, distinguished by their size. */
export function parseEpoch(text: string): number | undefined {
  if (!/^\d{9,19}(?:\.\d+)?$/.test(text)) return undefined;
  let value = Number(text);
  if (value <= LAST_SECOND) return Math.floor(value * 1000 + 1e-4);
  for (value = value / 1000; value > LAST_SECOND; value = value / 1000);
  return Math.floor(value * 1000 + 1e-4);
}

export function parseAnyTime(text: string): number | undefined {
  return parseClfTime(text) ?? parseIsoTime(text) ?? parseEpoch(text);
}
