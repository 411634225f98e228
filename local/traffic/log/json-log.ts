// Reads a request that a server logged as JSON: Caddy, Traefik, nginx with escape=json, or a line inside Docker's JSON.

import { FORWARDED_NAME } from "./directives";
import { type Meaning, present, type Reading, RequestParts } from "./request";

type JsonObject = Record<string, unknown>;

/** Known names of each field, without case and separators: nginx's variables and other common names. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ...meaning(
    "client",
    "remoteaddr remoteip clientip client clientaddr clienthost clientaddress ip ipaddress remotehost",
  ),
  ...meaning("time", "timelocal timeiso8601 time timestamp msec ts startutc date datetime requesttimestamp"),
  ...meaning("request", "request requestline"),
  ...meaning("method", "requestmethod method httpmethod verb"),
  ...meaning("target", "requesturi uri url path requestpath requesturl"),
  ...meaning("query", "args querystring query"),
  ...meaning("protocol", "serverprotocol protocol proto requestprotocol httpversion"),
  ...meaning("referrer", "httpreferer httpreferrer referer referrer requestreferer"),
  ...meaning("agent", "httpuseragent useragent agent requestuseragent"),
};
/** Properties that the text formats also have. */
const PROPERTIES: Readonly<Record<string, string>> = {
  status: "status",
  statuscode: "status",
  responsestatus: "status",
  downstreamstatus: "status",
  bodybytessent: "bytes",
  bytes: "bytes",
  size: "bytes",
  responsesize: "bytes",
  downstreamcontentsize: "bytes",
  remoteuser: "remote_user",
  userid: "remote_user",
  user: "remote_user",
  clientusername: "remote_user",
  requesthost: "host",
};
/** Fields in which Docker, containerd and log collectors put the server's line. */
const LINE_NAMES = ["log", "message", "MESSAGE", "msg", "line", "textPayload"];

/** The server's line inside a collector's JSON object; undefined if there is none. */
export function lineInside(object: JsonObject): string | undefined {
  if (isRequest(object)) return undefined;
  const name = LINE_NAMES.find((key) => typeof object[key] === "string");
  return name === undefined ? undefined : (object[name] as string).replace(/[\r\n]+$/, "");
}

/** True if the object has fields that only a logged request has. Events of producers have other names. */
export function isRequest(object: JsonObject): boolean {
  if ("event_type" in object) return false;
  const meanings = new Set(fieldsOf(object).map(([name, value]) => meaningOf(name, value)));
  const has = (...names: Meaning[]) => names.some((name) => meanings.has(name));
  return has("client", "forwarded") && has("time") && (has("request") || (has("method") && has("target")));
}

export function readJsonRequest(object: JsonObject): Reading {
  const parts = new RequestParts();
  for (const [name, value] of fieldsOf(object)) {
    const means = meaningOf(name, value);
    const property = PROPERTIES[plain(name)] ?? name;
    const expected = parts.take(means, property, present(value));
    if (expected !== undefined) return { column: 1, expected: `${expected} in "${name}"` };
  }
  const request = parts.finish();
  return "expected" in request ? { column: 1, expected: request.expected } : request;
}

/** The object's scalars, and those of the nested request in Caddy's format, whose headers are lists. */
function fieldsOf(object: JsonObject): [name: string, value: string][] {
  const fields: [string, string][] = [];
  for (const [name, value] of Object.entries(object)) {
    if (isScalar(value)) fields.push([name, String(value)]);
  }
  const { request } = object;
  if (typeof request !== "object" || request === null) return fields;
  const inner = request as JsonObject;
  // Caddy logs the connection's address and the trusted client's address.
  const client = "client_ip" in inner ? "client_ip" : "remote_ip";
  for (const name of [client, "method", "uri", "proto", "host"]) {
    if (isScalar(inner[name])) fields.push([name, String(inner[name])]);
  }
  for (const name of ["User-Agent", "Referer", "X-Forwarded-For"]) {
    const header = (inner.headers as JsonObject | undefined)?.[name];
    if (Array.isArray(header) && typeof header[0] === "string") fields.push([name, header.join(", ")]);
  }
  return fields;
}

function meaningOf(name: string, value: string): Meaning {
  const key = plain(name);
  if (FORWARDED_NAME.test(name.toLowerCase().replace(/[^a-z0-9]+/g, "_")) && key !== "clientip")
    return "forwarded";
  const known = Object.hasOwn(MEANINGS, key) ? (MEANINGS[key] as Meaning) : undefined;
  // "request": "/path" and "request": "GET /path HTTP/1.1" are both in use.
  if (known === "request" && /^\/\S*$/.test(value)) return "target";
  return known ?? "property";
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, "");
}

function isScalar(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function meaning(means: Meaning, names: string): Record<string, Meaning> {
  return Object.fromEntries(names.split(" ").map((name) => [name, means]));
}
