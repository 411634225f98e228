// The variables of nginx and the directives of Apache: what each says about a request, and the form of its value.

import { escapeRegExp } from "./escapes";
import type { Meaning } from "./request";
import { parseIsoTime } from "./times";

export interface Field {
  /** As written in the format: `$remote_addr`, `%>s`. */
  text: string;
  meaning: Meaning;
  /** Name of the property, for a field that an event has no column for. */
  name: string;
  /** The form of an unquoted value, if known. */
  pattern?: string;
  /** Reads the value if `meaning` does not say how: a strftime format of Apache. */
  toEpochMs?: (value: string) => number | undefined;
}

const WORD = String.raw`[^\s"]+`;
/*
 * Patterns that can end in several ways are bounded. Otherwise a hostile line would take time in proportion to the
 * square of its length.
 */
/** Characters of addresses and host names. Another character shows where a line leaves its format. */
const ADDRESSES = String.raw`[\w.:%[\]-]{1,255}(?:,[ \t]{0,9}[\w.:%[\]-]{1,255}){0,50}`;
const LIST = String.raw`[^\s",]{1,255}(?:,[ \t]{0,9}[^\s",]{1,255}){0,50}`;
/** nginx joins the values of several upstream servers with commas and colons. */
const UPSTREAM_LIST = String.raw`[^\s",]{1,255}(?:(?:,[ \t]{0,9}| : )[^\s",]{1,255}){0,50}`;
const CLF_TIME = String.raw`\d{1,2}/\w{3}/\d{4}:\d\d:\d\d:\d\d(?:\.\d+)? [+-]\d\d:?\d\d`;
const REQUEST = String.raw`[A-Z-]+ \S+(?: HTTP/[\d.]+)?`;

type Known = readonly [meaning: Meaning, name: string, pattern?: string];

const STATUS: Known = ["property", "status", String.raw`\d{3}`];
const BYTES: Known = ["property", "bytes", String.raw`\d+|-`];
const USER: Known = ["user", "remote_user", String.raw`[^\s"\[](?:[^"\[]{0,255}[^\s"\[])?`];
const CLIENT: Known = ["client", "client_ip", ADDRESSES];
const FORWARDED: Known = ["forwarded", "forwarded_ip", LIST];

/** Headers that name the client; lower case, with underscores. */
export const FORWARDED_NAME =
  /^(?:http_)?(?:x_)?(?:forwarded(?:_for)?|original_forwarded_for|real_ip|client_ip|cluster_client_ip|cf_connecting_ip|true_client_ip|fastly_client_ip|xff)$/;

const NGINX: Readonly<Record<string, Known>> = {
  remote_addr: CLIENT,
  remote_port: ["property", "remote_port", String.raw`\d+`],
  realip_remote_addr: ["proxy", "proxy_ip"],
  proxy_protocol_addr: FORWARDED,
  proxy_add_x_forwarded_for: FORWARDED,
  remote_user: USER,
  time_local: ["clf time", "time", CLF_TIME],
  time_iso8601: ["iso time", "time"],
  msec: ["epoch", "time"],
  request: ["request", "request", REQUEST],
  request_method: ["method", "method"],
  request_uri: ["target", "target"],
  uri: ["path", "path"],
  document_uri: ["path", "path"],
  args: ["query", "query", String.raw`[^\s"]*`],
  query_string: ["query", "query", String.raw`[^\s"]*`],
  server_protocol: ["protocol", "protocol"],
  status: STATUS,
  body_bytes_sent: BYTES,
  bytes_sent: ["property", "bytes_sent", String.raw`\d+|-`],
  http_referer: ["referrer", "referrer"],
  http_user_agent: ["agent", "user_agent"],
  host: ["property", "host", String.raw`[^\s":]+|\[[^\]]*\]`],
  server_name: ["property", "host", String.raw`[^\s":]+|\[[^\]]*\]`],
  http_host: ["property", "host"],
  server_port: ["property", "port", String.raw`\d+`],
  server_addr: ["property", "server_ip"],
  is_args: ["property", "is_args", String.raw`\??`],
};

const APACHE: Readonly<Record<string, Known>> = {
  h: CLIENT,
  a: CLIENT,
  A: ["property", "server_ip"],
  l: ["property", "ident"],
  u: USER,
  t: ["clf time", "time", String.raw`\[${CLF_TIME}\]`],
  r: ["request", "request", REQUEST],
  m: ["method", "method"],
  U: ["path", "path"],
  q: ["query", "query", String.raw`(?:\?[^\s"]*)?`],
  H: ["protocol", "protocol"],
  s: STATUS,
  b: BYTES,
  B: BYTES,
  O: ["property", "bytes_sent", String.raw`\d+|-`],
  I: ["property", "bytes_received", String.raw`\d+|-`],
  S: ["property", "bytes_transferred", String.raw`\d+|-`],
  D: ["property", "duration_us", String.raw`\d+|-`],
  T: ["property", "duration_s", String.raw`\d+|-`],
  v: ["property", "host", String.raw`[^\s":]+|\[[^\]]*\]`],
  V: ["property", "host", String.raw`[^\s":]+|\[[^\]]*\]`],
  p: ["property", "port", String.raw`\d+|-`],
  P: ["property", "process_id"],
  k: ["property", "keepalive_requests"],
  X: ["property", "connection_status"],
  f: ["property", "file_name"],
  R: ["property", "handler"],
  L: ["property", "log_id"],
};

/** Directives with a name between braces: headers, cookies, notes, environment. */
const APACHE_NAMED: Readonly<Record<string, string>> = {
  i: "http_",
  o: "sent_http_",
  C: "cookie_",
  e: "env_",
  n: "note_",
  "^ti": "trailer_",
  "^to": "sent_trailer_",
};
const DURATION: Readonly<Record<string, string>> = { s: "duration_s", ms: "duration_ms", us: "duration_us" };

/** Every name is accepted: nginx modules, `map` and `set` define further variables. */
export function nginxField(variable: string): Field {
  const text = `$${variable}`;
  const known = Object.hasOwn(NGINX, variable) ? NGINX[variable] : undefined;
  if (known !== undefined) return field(text, known);
  if (FORWARDED_NAME.test(variable)) return field(text, FORWARDED);
  const pattern = variable.startsWith("upstream_") ? UPSTREAM_LIST : undefined;
  return field(text, ["property", variable, pattern]);
}

/** Undefined if Apache has no such directive. */
export function apacheField(text: string, argument: string | undefined, letter: string): Field | undefined {
  if (argument === undefined) {
    const known = Object.hasOwn(APACHE, letter) ? APACHE[letter] : undefined;
    return known && field(text, known);
  }
  if (letter === "t") return apacheTime(text, argument);
  if (letter === "T" && Object.hasOwn(DURATION, argument)) {
    return field(text, ["property", DURATION[argument] as string, String.raw`\d+|-`]);
  }
  if (letter === "a" && argument === "c") return field(text, ["proxy", "proxy_ip"]);
  if (letter === "h" && argument === "c") return field(text, ["proxy", "proxy_ip"]);
  if (letter === "p")
    return field(text, ["property", argument === "remote" ? "client_port" : "port", String.raw`\d+`]);
  if (letter === "P") return field(text, ["property", "process_id"]);
  if (!Object.hasOwn(APACHE_NAMED, letter)) return undefined;
  const name = argument.toLowerCase().replace(/[^a-z0-9]+/g, "_");
  if (letter === "i" && name === "referer") return field(text, ["referrer", "referrer"]);
  if (letter === "i" && name === "user_agent") return field(text, ["agent", "user_agent"]);
  if (letter === "i" && name === "host") return field(text, ["property", "host"]);
  if (letter === "i" && FORWARDED_NAME.test(name)) return field(text, FORWARDED);
  return field(text, ["property", `${APACHE_NAMED[letter]}${name}`]);
}

function field(text: string, [meaning, name, pattern]: Known): Field {
  return { text, meaning, name, pattern: pattern ?? WORD };
}

/** `%{...}t`: an epoch, a fraction of a second, or a strftime format; with `end:` the end of the request. */
function apacheTime(text: string, argument: string): Field | undefined {
  const format = argument.replace(/^(?:begin|end):/, "");
  if (["sec", "msec", "usec"].includes(format)) return field(text, ["epoch", "time", String.raw`\d+`]);
  if (format === "msec_frac") return field(text, ["milliseconds", "fraction", String.raw`\d{3}`]);
  if (format === "usec_frac") return field(text, ["fraction", "fraction", String.raw`\d{6}`]);
  const strftime = compileStrftime(format);
  return strftime && { ...field(text, ["time", "time", strftime.pattern]), toEpochMs: strftime.toEpochMs };
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const CONVERSIONS: Readonly<Record<string, readonly [name: string, pattern: string]>> = {
  Y: ["year", String.raw`\d{4}`],
  m: ["month", String.raw`\d{2}`],
  b: ["monthName", "[A-Z][a-z]{2}"],
  h: ["monthName", "[A-Z][a-z]{2}"],
  d: ["day", String.raw`\d{2}`],
  e: ["day", String.raw`[ \d]\d`],
  H: ["hour", String.raw`\d{2}`],
  M: ["minute", String.raw`\d{2}`],
  S: ["second", String.raw`\d{2}`],
  z: ["zone", String.raw`[+-]\d{2}:?\d{2}`],
  s: ["epoch", String.raw`\d{9,10}`],
};
const SHORT: Readonly<Record<string, string>> = { F: "%Y-%m-%d", T: "%H:%M:%S", R: "%H:%M" };

interface Strftime {
  pattern: string;
  toEpochMs: (value: string) => number | undefined;
}

/** Undefined if a conversion is unknown or repeated, or the time is incomplete. */
function compileStrftime(format: string): Strftime | undefined {
  const seen = new Set<string>();
  let isKnown = true;
  let pattern = "";
  const expanded = format.replace(/%([FTR])/g, (_, letter: string) => SHORT[letter] as string);
  for (const [token] of expanded.matchAll(/%[\s\S]|[^%]/g)) {
    const [name, look] = CONVERSIONS[token.slice(1)] ?? [];
    if (token === "%%") pattern += "%";
    else if (token.length === 1) pattern += escapeRegExp(token);
    else if (name === undefined || seen.has(name)) isKnown = false;
    else pattern += `(?<${name}>${look})`;
    if (name !== undefined) seen.add(name);
  }
  const isDay = seen.has("year") && seen.has("day") && (seen.has("month") || seen.has("monthName"));
  if (!isKnown || (!seen.has("epoch") && !(isDay && seen.has("hour") && seen.has("minute"))))
    return undefined;
  const whole = new RegExp(`^${pattern}$`);
  return { pattern: pattern.replace(/\?<\w+>/g, "?:"), toEpochMs: (value) => instantOf(whole.exec(value)) };
}

/** A format without a zone is read as UTC: the log does not contain the server's zone. */
function instantOf(match: RegExpExecArray | null): number | undefined {
  if (match?.groups === undefined) return undefined;
  const { epoch, year, month, monthName, day, hour, minute, second, zone } = match.groups;
  if (epoch !== undefined) return Number(epoch) * 1000;
  const number = month ?? String(MONTHS.indexOf(monthName as string) + 1).padStart(2, "0");
  const date = `${year}-${number}-${(day as string).trim().padStart(2, "0")}`;
  return parseIsoTime(`${date}T${hour}:${minute}:${second ?? "00"}${zone ?? "Z"}`);
}
