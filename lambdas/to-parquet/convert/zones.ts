// The offset of a time zone at a local time, for the names of zones that Java knows. The ingest writes UTC only, so
// this is for raw lines of other programs.

import { DAY_SECONDS, HOUR_SECONDS } from "../../shared/durations";

/** Java's old short names that the time zone database does not have, or has with another meaning. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  EST: "-05:00",
  MST: "-07:00",
  HST: "-10:00",
  ACT: "Australia/Darwin",
  AET: "Australia/Sydney",
  AGT: "America/Argentina/Buenos_Aires",
  ART: "Africa/Cairo",
  AST: "America/Anchorage",
  BET: "America/Sao_Paulo",
  BST: "Asia/Dhaka",
  CAT: "Africa/Harare",
  CNT: "America/St_Johns",
  CST: "America/Chicago",
  CTT: "Asia/Shanghai",
  EAT: "Africa/Addis_Ababa",
  ECT: "Europe/Paris",
  IET: "America/Indiana/Indianapolis",
  IST: "Asia/Kolkata",
  JST: "Asia/Tokyo",
  MIT: "Pacific/Apia",
  NET: "Asia/Yerevan",
  NST: "Pacific/Auckland",
  PLT: "Asia/Karachi",
  PNT: "America/Phoenix",
  PRT: "America/Puerto_Rico",
  PST: "America/Los_Angeles",
  SST: "Pacific/Guadalcanal",
  VST: "Asia/Ho_Chi_Minh",
};

const OFFSET = /^([+-])(\d\d?)(?::?(\d\d)(?::?(\d\d))?)?$/;
const MAX_OFFSET = 18 * HOUR_SECONDS;

/** Seconds east of UTC at this local time (seconds since 1970); undefined for an unknown zone. */
export function offsetOf(zone: string, localSeconds: number): number | undefined {
  // As Spark does before it asks Java: +1:30 is +01:30, +01:3 is +01:03.
  const formatted = javaTrim(zone)
    .replace(/([+-])(\d):/, "$10$2:")
    .replace(/([+-])(\d\d):(\d)$/, "$1$2:0$3");
  const name = SHORT_NAMES[formatted] ?? formatted;
  if (name === "Z") return 0;
  const fixed = /^(?:UTC|GMT|UT)(?=$|[+-])/.exec(name);
  if (fixed !== null) return name === fixed[0] ? 0 : fixedOffset(name.slice(fixed[0].length));
  return /^[+-]/.test(name) ? fixedOffset(name) : regionOffset(name, localSeconds);
}

function javaTrim(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && text.charCodeAt(start) <= 32) start += 1;
  while (end > start && text.charCodeAt(end - 1) <= 32) end -= 1;
  return text.slice(start, end);
}

function fixedOffset(text: string): number | undefined {
  const match = OFFSET.exec(text);
  if (match === null) return undefined;
  const [, sign, hours, minutes = "0", seconds = "0"] = match as unknown as [
    string,
    string,
    string,
    string?,
    string?,
  ];
  // Java wants colons between all parts or between none, and two digits of hours before minutes.
  const isMixed = text.includes(":") !== text.length > 3 || (hours.length === 1 && text.length > 2);
  if (isMixed && text.length > 3 && !/^[+-]\d{4}(\d\d)?$/.test(text)) return undefined;
  if (/^[+-]\d\d:\d{4}$|^[+-]\d{4}:\d\d$/.test(text)) return undefined;
  const offset = Number(hours) * HOUR_SECONDS + Number(minutes) * 60 + Number(seconds);
  if (Number(minutes) > 59 || Number(seconds) > 59 || offset > MAX_OFFSET) return undefined;
  return sign === "-" ? -offset : offset;
}

const formats = new Map<string, Intl.DateTimeFormat | undefined>();

function regionFormat(name: string): Intl.DateTimeFormat | undefined {
  if (!formats.has(name)) formats.set(name, makeFormat(name));
  return formats.get(name);
}

function makeFormat(name: string): Intl.DateTimeFormat | undefined {
  // Java's names are case-sensitive, those of Intl are not.
  const known = Intl.supportedValuesOf("timeZone").find((one) => one.toLowerCase() === name.toLowerCase());
  if ((known !== undefined && known !== name) || !/^[A-Z][A-Za-z0-9/_+-]+$/.test(name)) return undefined;
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      era: "short",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
      hourCycle: "h23",
    });
  } catch {
    return undefined;
  }
}

/** In a gap, and where a local time occurs twice, Java takes the offset from before the change. */
function regionOffset(name: string, localSeconds: number): number | undefined {
  const format = regionFormat(name);
  if (format === undefined) return undefined;
  const before = offsetAt(format, localSeconds - DAY_SECONDS);
  const after = offsetAt(format, localSeconds + DAY_SECONDS);
  if (offsetAt(format, localSeconds - before) === before) return before;
  return offsetAt(format, localSeconds - after) === after ? after : before;
}

function offsetAt(format: Intl.DateTimeFormat, utcSeconds: number): number {
  const parts = Object.fromEntries(
    format.formatToParts(utcSeconds * 1000).map(({ type, value }) => [type, value]),
  ) as Record<string, string>;
  const year = parts.era === "BC" ? 1 - Number(parts.year) : Number(parts.year);
  const date = new Date(0);
  date.setUTCFullYear(year, Number(parts.month) - 1, Number(parts.day));
  date.setUTCHours(Number(parts.hour), Number(parts.minute), Number(parts.second));
  return date.getTime() / 1000 - utcSeconds;
}
