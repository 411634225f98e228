// The HTTP answers of the collector. API Gateway adds the CORS headers.

import { gzipSync } from "node:zlib";
import type { APIGatewayProxyStructuredResultV2 } from "aws-lambda";

export type Answer = APIGatewayProxyStructuredResultV2;

/** Seconds after which a sender may try again. */
const RETRY_AFTER_SECONDS = 5;
const NO_STORE = { "cache-control": "no-store" };

/** A transparent GIF of one pixel, 43 bytes. */
const PIXEL = Buffer.from(
  "47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b",
  "hex",
).toString("base64");

export function json(statusCode: number, body: object, headers: Record<string, string> = NO_STORE): Answer {
  return {
    statusCode,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
}

export function text(statusCode: number, body: string): Answer {
  return { statusCode, headers: { "content-type": "text/plain", ...NO_STORE }, body };
}

export function pixel(): Answer {
  return {
    statusCode: 200,
    headers: { "content-type": "image/gif", ...NO_STORE },
    body: PIXEL,
    isBase64Encoded: true,
  };
}

/** Not everything is stored. The sender keeps its events and sends all of them again. */
export function notStored(): Answer {
  const error = "Not all events could be stored. Send the same request again.";
  return json(503, { error }, { ...NO_STORE, "retry-after": String(RETRY_AFTER_SECONDS) });
}

/**
 * What analytics-next reads at its start (its option `cdnURL`): where to send events. The other fields switch off what
 * would go to Segment.
 */
export function segmentSettings(writeKey: string, base: string): Answer {
  const segment = { apiKey: writeKey, apiHost: `${base}/v1`, protocol: "https", addBundledMetadata: false };
  return json(
    200,
    { integrations: { "Segment.io": segment }, metrics: { sampleRate: 0 } },
    { "cache-control": "public, max-age=300" },
  );
}

/** A script as the function serves it. */
export interface Script {
  etag: string;
  plain: Buffer;
  compressed: Buffer;
}

export function scriptOf(code: Buffer, etag: string): Script {
  return { etag: `"${etag}"`, plain: code, compressed: gzipSync(code, { level: 9 }) };
}

/** The browser's tracker. It can be cached for an hour, and is used for a day more while a new one is fetched. */
export function script(
  { etag, plain, compressed }: Script,
  header: (name: string) => string | undefined,
): Answer {
  const headers: Record<string, string> = {
    "cache-control": "public, max-age=3600, stale-while-revalidate=86400",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
    vary: "accept-encoding",
    etag,
  };
  const known = header("if-none-match")
    ?.split(",")
    .map((tag) => tag.trim().replace(/^W\//, ""));
  if (known?.some((tag) => tag === etag || tag === "*")) return { statusCode: 304, headers };
  const isCompressed = /\bgzip\b/.test(header("accept-encoding") ?? "");
  return {
    statusCode: 200,
    headers: {
      ...headers,
      "content-type": "text/javascript; charset=utf-8",
      ...(isCompressed ? { "content-encoding": "gzip" } : {}),
    },
    body: (isCompressed ? compressed : plain).toString("base64"),
    isBase64Encoded: true,
  };
}
