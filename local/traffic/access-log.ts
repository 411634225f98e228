// Reads a line of a web server's access log (common or combined format) as a request, or says that it is none.

import { isDate } from "../../lambdas/shared/time";

export interface LoggedRequest {
  ip: string;
  /** The authenticated user, where the server knows one. */
  remoteUser: string | undefined;
  epochMs: number;
  method: string;
  /** As the client asked for it: a path, or an absolute URL at a proxy. Percent-encoding is left alone. */
  target: string;
  /** Left out by HTTP/0.9 clients. */
  protocol: string | undefined;
  status: string;
  /** Of the body; "-" in the log is none. */
  bytes: string | undefined;
  referrer: string | undefined;
  userAgent: string | undefined;
}

const QUOTED = String.raw`"((?:[^"\\]|\\.)*)"`;
/** host ident user [time] "request" status bytes, then in the combined format "referrer" "agent", then what a server adds. */
const LINE = new RegExp(
  String.raw`^(\S+) \S+ (\S(?:[^\[]*\S)?) \[([^\]]+)\] ${QUOTED} (\d{3}) (\d+|-)` +
    String.raw`(?: ${QUOTED} ${QUOTED}((?: (?:"(?:[^"\\]|\\.)*"|[^\s"]+))*))?\s*$`,
);
/** A request that a client really made: "-" (nothing was sent) and bytes of another protocol are none. */
const REQUEST = /^([A-Z][A-Z-]*) (\S.*?)(?: (HTTP\/\d(?:\.\d)?))?$/;
const TIME = /^(\d{2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})$/;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MINUTE_MS = 60_000;

export function parseAccessLogLine(line: string): LoggedRequest | undefined {
  const match = LINE.exec(line);
  if (match === null) return undefined;
  const request = REQUEST.exec(withoutEscapes(match[4] as string));
  const epochMs = parseTime(match[3] as string);
  if (request === null || epochMs === undefined) return undefined;
  return {
    ip: match[1] as string,
    remoteUser: present(match[2]),
    epochMs,
    method: request[1] as string,
    target: request[2] as string,
    protocol: request[3],
    status: match[5] as string,
    bytes: present(match[6]),
    referrer: present(match[7]),
    userAgent: present(match[8]),
  };
}

/** `17/May/2015:10:05:03 +0000`, or undefined where it is no time. */
function parseTime(text: string): number | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const month = MONTHS.indexOf(match[2] as string) + 1;
  const [day, year, hour, minute, second] = [match[1], match[3], match[4], match[5], match[6]].map(
    Number,
  ) as [number, number, number, number, number];
  if (!isDate(year, month, day) || year < 1000 || hour > 23 || minute > 59 || second > 59) return undefined;
  const offsetMs = (Number(match[8]) * 60 + Number(match[9])) * MINUTE_MS;
  return Date.UTC(year, month - 1, day, hour, minute, second) - (match[7] === "-" ? -offsetMs : offsetMs);
}

/** "-" and nothing both say that there was none. */
function present(field: string | undefined): string | undefined {
  if (field === undefined) return undefined;
  const text = withoutEscapes(field).trim();
  return text === "-" || text === "" ? undefined : text;
}

/** Undoes the server's escapes of quotes, backslashes and bytes; bytes that are no UTF-8 stay as they are written. */
function withoutEscapes(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/((?:\\x[0-9a-fA-F]{2})+)|\\(["\\tn])/g, (whole, bytes?: string, single?: string) => {
    if (single !== undefined) return single === "t" ? "\t" : single === "n" ? "\n" : single;
    const decoded = Buffer.from((bytes as string).replaceAll("\\x", ""), "hex").toString("utf8");
    return decoded.includes("\ufffd") ? whole : decoded;
  });
}
