// Collects what a log line says about a request, field by field, from any format.

import {
  type Address,
  chooseClient,
  holdsAddress,
  isHostName,
  parseAddress,
  parseAddressList,
} from "./addresses";
import { parseAnyTime, parseClfTime, parseEpoch, parseIsoTime } from "./times";

export interface LoggedRequest {
  /** Address or host name of the client, behind all proxies in the line. */
  client: string;
  epochMs: number;
  /** As requested: a path, or an absolute URL at a proxy. Percent-encoding is kept. */
  target: string;
  referrer: string | undefined;
  userAgent: string | undefined;
  /** Method, status, bytes and all other fields. */
  properties: Record<string, string>;
}

/** Why a line is not a request: the position, and what was expected there. */
export interface Refusal {
  /** In characters, from 1. */
  column: number;
  expected: string;
}

export type Reading = LoggedRequest | Refusal;

export function isRefusal(reading: Reading): reading is Refusal {
  return "expected" in reading;
}

/** The meaning of a field. "property" is a field that an event has no column for. */
export type Meaning =
  | "client"
  | "proxy"
  | "forwarded"
  | "clf time"
  | "iso time"
  | "epoch"
  | "milliseconds"
  | "time"
  | "fraction"
  | "request"
  | "method"
  | "target"
  | "path"
  | "query"
  | "protocol"
  | "referrer"
  | "agent"
  | "user"
  | "property";

/** What a line lacks, and in which field it should be. */
export interface Lacking {
  expected: string;
  of: readonly Meaning[];
}

const CLIENT: readonly Meaning[] = ["forwarded", "client"];
const TIME: readonly Meaning[] = ["clf time", "iso time", "epoch", "time"];
const REQUESTED: readonly Meaning[] = ["request", "method", "target", "path"];

/** Names for messages. */
export const EXPECTED = {
  client: "the client's address or host name",
  forwarded: "a list of addresses",
  time: "a time such as 20/Nov/2026:04:33:14 +0000",
  request: 'a request such as "GET /path HTTP/1.1"',
  user: "a user's name, or -",
} as const;

/** Matches an HTTP request. "-" (nothing was sent) and bytes of another protocol do not match. */
const REQUEST = /^([A-Z][A-Z-]*) (\S.*?)(?: (HTTP\/\d(?:\.\d)?))?$/;
const METHOD = /^[A-Z][A-Z-]*$/;

/** Collects the fields of one line. `take` returns what was expected if the value is something else. */
export class RequestParts {
  private readonly forwarded: Address[][] = [];
  private connected: string | undefined;
  private epochMs: number | undefined;
  private fractionMs = 0;
  private method: string | undefined;
  private target: string | undefined;
  private path: string | undefined;
  private query: string | undefined;
  private protocol: string | undefined;
  private referrer: string | undefined;
  private userAgent: string | undefined;
  private readonly rest: [name: string, value: string][] = [];

  /** With a given format, the first of several forwarded lists counts. Without one, two clients are a contradiction. */
  constructor(private readonly firstListCounts = false) {}

  /** `value` is unescaped. "-" and empty values are undefined. */
  take(meaning: Meaning, name: string, value: string | undefined): string | undefined {
    if (value === undefined) return undefined;
    switch (meaning) {
      case "client":
        return this.takeClient(name, value);
      case "forwarded":
        return this.takeForwarded(value);
      case "request":
        return this.takeRequest(value);
      case "user":
        // Apache's form of an empty name.
        if (value === '""') return undefined;
        if (!isUserName(value)) return EXPECTED.user;
        this.rest.push([name, value]);
        return undefined;
      case "method":
        if (!METHOD.test(value)) return "a method such as GET";
        this.method ??= value;
        return undefined;
      case "clf time":
        return this.takeTime(parseClfTime(value));
      case "iso time":
        return this.takeTime(parseIsoTime(value));
      case "epoch":
        return this.takeTime(parseEpoch(value));
      case "time":
        return this.takeTime(parseAnyTime(value));
      default:
        this.takePart(meaning, name, value);
        return undefined;
    }
  }

  takeEpochMs(epochMs: number): void {
    this.epochMs ??= epochMs;
  }

  /** The request, or what it lacks. */
  finish(): LoggedRequest | Lacking {
    const client = this.client();
    const target = this.target ?? this.pathAndQuery();
    if (client === undefined) return { expected: EXPECTED.client, of: CLIENT };
    if (typeof client !== "string") return client;
    if (this.epochMs === undefined) return { expected: EXPECTED.time, of: TIME };
    if (target === undefined || this.method === undefined)
      return { expected: EXPECTED.request, of: REQUESTED };
    return {
      client,
      epochMs: this.epochMs + this.fractionMs,
      target,
      referrer: this.referrer,
      userAgent: this.userAgent,
      properties: this.properties(this.method),
    };
  }

  private takeClient(name: string, value: string): string | undefined {
    const list = value.includes(",") ? parseAddressList(value) : undefined;
    if (list !== undefined) return this.takeForwarded(value);
    if (parseAddress(value) === undefined && !isHostName(value)) return EXPECTED.client;
    if (this.connected === undefined) this.connected = value;
    else if (this.connected !== value) this.rest.push([name, value]);
    return undefined;
  }

  private takeForwarded(value: string): string | undefined {
    const list = parseAddressList(value);
    if (list === undefined) return EXPECTED.forwarded;
    if (list.length > 0) this.forwarded.push(list);
    return undefined;
  }

  private takeRequest(value: string): string | undefined {
    const match = REQUEST.exec(value);
    if (match === null) return EXPECTED.request;
    this.method = match[1];
    this.target = match[2];
    this.protocol = match[3];
    return undefined;
  }

  private takeTime(epochMs: number | undefined): string | undefined {
    if (epochMs === undefined) return EXPECTED.time;
    this.epochMs ??= epochMs;
    return undefined;
  }

  private takePart(meaning: Meaning, name: string, value: string): void {
    if (meaning === "proxy") return;
    if (meaning === "target") this.target ??= value;
    else if (meaning === "path") this.path ??= value;
    else if (meaning === "query") this.query ??= value;
    else if (meaning === "protocol") this.protocol ??= value;
    else if (meaning === "referrer") this.referrer ??= value;
    else if (meaning === "agent") this.userAgent ??= value;
    else if (meaning === "milliseconds") this.fractionMs = Number(value);
    else if (meaning === "fraction") this.fractionMs = Math.floor(Number(value) / 1000);
    else this.rest.push([name, value]);
  }

  private pathAndQuery(): string | undefined {
    if (this.path === undefined || this.query === undefined || this.query === "?") return this.path;
    return `${this.path}${this.query.startsWith("?") ? "" : "?"}${this.query}`;
  }

  /** Two lists with different clients: it is unclear who the client is. */
  private client(): string | undefined | Lacking {
    const lists = this.firstListCounts ? this.forwarded.slice(0, 1) : this.forwarded;
    const chosen = lists.map((list) => chooseClient(this.connected, list));
    const clients = new Set(chosen.length === 0 ? [chooseClient(this.connected, [])] : chosen);
    if (clients.size > 1) return { expected: `one client, not ${clients.size}`, of: CLIENT };
    return clients.values().next().value;
  }

  private properties(method: string): Record<string, string> {
    const properties: Record<string, string> = { method };
    if (this.protocol !== undefined) properties.protocol = this.protocol;
    for (const [name, value] of this.rest) properties[freeName(properties, name, value)] = value;
    return properties;
  }
}

/** A name can contain blanks. But if a later word is an address, a host or a time, the words are separate fields. */
function isUserName(value: string): boolean {
  const [first = "", ...others] = value.split(/[ \t]+/);
  if (parseAddress(first) !== undefined || /^\d{1,2}:\d/.test(first)) return false;
  if (first === "-" && others.length > 0) return false;
  return !others.some(
    (word) => parseAddress(word) !== undefined || /\S\.\S{2}/.test(word) || /[:,]/.test(word),
  );
}

/** An address under a name that ends in `ip` is subject to the privacy rule for addresses. */
function freeName(properties: Readonly<Record<string, string>>, name: string, value: string): string {
  const plain =
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "_")
      .replace(/^_+|_+$/g, "") || "field";
  const wanted = holdsAddress(value) && !/(?:^|_)ip$/.test(plain) ? `${plain}_ip` : plain;
  let free = wanted;
  for (let count = 2; Object.hasOwn(properties, free); count += 1) {
    free = wanted.endsWith("_ip") ? `${wanted.slice(0, -3)}_${count}_ip` : `${wanted}_${count}`;
  }
  return free;
}

/** "-" and an empty value both mean that there is none. */
export function present(field: string | undefined): string | undefined {
  const text = field?.trim();
  return text === undefined || text === "-" || text === "" ? undefined : text;
}
