// Reads an HTTP request from the event of API Gateway (payload format 2.0): headers, parameters, body, visitor.

import { gunzipSync } from "node:zlib";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { isGzip } from "../ingest/compressed";
import type { Visitor } from "./visitor";

/** The largest body, also after decompression. */
export const MAX_BODY_BYTES = 256 * 1024;

export interface Request {
  /** The route of the API, e.g. `POST /v1/{call}`. */
  route: string;
  /** Unique for each request. */
  id: string;
  /** When API Gateway received it. */
  arrivalMs: number;
  header(name: string): string | undefined;
  /** Of a parameter that is sent twice, the first value. */
  query: URLSearchParams;
  rawQuery: string;
  path: Readonly<Record<string, string | undefined>>;
  /** The host of the API, and the path of its stage if that has one. */
  base: string;
  body: Buffer | "too large";
  visitor: Visitor;
}

export interface Respect {
  gpc: boolean;
  dnt: boolean;
}

export function readRequest(event: APIGatewayProxyEventV2, respect: Respect, nowMs: number): Request {
  const headers = new Map(
    Object.entries(event.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const header = (name: string) => headers.get(name) ?? undefined;
  const { requestContext: context } = event;
  const rawQuery = event.rawQueryString ?? "";
  return {
    route: event.routeKey,
    id: context.requestId,
    arrivalMs: context.timeEpoch ?? nowMs,
    header,
    query: new URLSearchParams(rawQuery),
    rawQuery,
    path: event.pathParameters ?? {},
    base: `${context.domainName ?? header("host") ?? ""}${stagePath(context.stage)}`,
    body: readBody(event, header("content-encoding")),
    visitor: {
      address: context.http?.sourceIp || undefined,
      userAgent: header("user-agent") || undefined,
      isPrivate: (respect.gpc && header("sec-gpc") === "1") || (respect.dnt && header("dnt") === "1"),
      withoutAddress: header("sp-anonymous") !== undefined,
    },
  };
}

/** The stage `$default` is not in the path. */
function stagePath(stage: string | undefined): string {
  return stage === undefined || stage === "$default" ? "" : `/${stage}`;
}

function readBody(event: APIGatewayProxyEventV2, encoding: string | undefined): Buffer | "too large" {
  const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  if (body.length > MAX_BODY_BYTES) return "too large";
  return encoding?.trim().toLowerCase() === "gzip" && isGzip(body) ? gunzipped(body) : body;
}

/** A broken body is kept as it came. */
function gunzipped(body: Buffer): Buffer | "too large" {
  try {
    return gunzipSync(body, { maxOutputLength: MAX_BODY_BYTES });
  } catch (error) {
    return (error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE" ? "too large" : body;
  }
}
