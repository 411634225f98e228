// The requests of the collector benchmark: what each tracker sends, with one event or ten, as a body and as the event
// that API Gateway makes of it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { Traffic } from "../lambdas/simulator/traffic";

export const FORMATS = ["own", "segment", "snowplow", "plausible"] as const;
export type FormatName = (typeof FORMATS)[number];

export interface BenchRequest {
  route: string;
  path: string;
  pathParameters?: Record<string, string>;
  body: string;
  events: number;
}

/** Recorded from the trackers of the vendors. */
const RECORDED = join(__dirname, "..", "test", "lambdas", "collector", "payloads");
const USER_AGENT =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

type Json = Record<string, unknown>;

/** The next request of a format. Plausible's API takes one event a request. */
export function requestOf(format: FormatName, events: number, number: number): BenchRequest {
  return MAKERS[format](events, number);
}

const MAKERS: Record<FormatName, (events: number, number: number) => BenchRequest> = {
  own: (events, number) => {
    const body = Array.from({ length: events }, (_, at) => ownLine(number * events + at)).join("\n");
    return { route: "POST /v1/{call}", path: "/v1/events", pathParameters: { call: "events" }, body, events };
  },
  segment: (events, number) => {
    const messages = repeated(segmentMessages(), events, number, "messageId");
    const call = events === 1 ? "p" : "b";
    const body = JSON.stringify(events === 1 ? messages[0] : { batch: messages, sentAt: isoNow() });
    return { route: "POST /v1/{call}", path: `/v1/${call}`, pathParameters: { call }, body, events };
  },
  snowplow: (events, number) => {
    const path = "/com.snowplowanalytics.snowplow/tp2";
    const { schema, data } = snowplowPayload();
    const body = JSON.stringify({ schema, data: repeated(data, events, number, "eid") });
    return { route: `POST ${path}`, path, body, events };
  },
  plausible: () => ({
    route: "POST /api/event",
    path: "/api/event",
    body: bodyOf("plausible"),
    events: 1,
  }),
};

export function gatewayEvent(request: BenchRequest, id: string): APIGatewayProxyEventV2 {
  const { route, path, pathParameters, body } = request;
  const host = "collector.example.com";
  const http = { method: "POST", path, protocol: "HTTP/1.1", sourceIp: "192.0.2.10", userAgent: USER_AGENT };
  return {
    version: "2.0",
    routeKey: route,
    rawPath: path,
    rawQueryString: "",
    headers: { host, "user-agent": USER_AGENT, "content-type": "text/plain" },
    ...(pathParameters && { pathParameters }),
    requestContext: {
      ...{ accountId: "000000000000", apiId: "api", domainName: host, domainPrefix: "collector", http },
      ...{ requestId: id, routeKey: route, stage: "$default", time: "", timeEpoch: Date.now() },
    },
    body,
    isBase64Encoded: false,
  };
}

/** Parses the body's JSON as any collector has to, and nothing else. */
export function parseBody({ body }: BenchRequest): number {
  let values = 0;
  for (const line of body.split("\n")) values += JSON.parse(line) === null ? 0 : 1;
  return values;
}

const OWN_LINES = 1_000;
let ownLines: Json[] | undefined;

function ownLine(number: number): string {
  ownLines ??= [
    ...new Traffic({
      ...{ events: OWN_LINES, seed: 7, startMs: Date.now() },
      ...{ duplicates: 0, malformed: 0, late: 0, pii: 0 },
    }).lines(),
  ].map(({ text }) => JSON.parse(text) as Json);
  // The server's part is added by the collector.
  const { geo: _, ...sent } = ownLines[number % OWN_LINES] as Json;
  return JSON.stringify({ ...sent, event_id: `bench-${number}`, event_time: isoNow() });
}

let segment: Json[] | undefined;

function segmentMessages(): Json[] {
  segment ??= (JSON.parse(bodyOf("segment-batch")) as { batch: Json[] }).batch;
  return segment;
}

let snowplow: { schema: string; data: Json[] } | undefined;

function snowplowPayload() {
  snowplow ??= JSON.parse(bodyOf("snowplow")) as { schema: string; data: Json[] };
  return snowplow;
}

/** Other ids, so that none is a duplicate. */
function repeated(messages: readonly Json[], events: number, number: number, id: string): Json[] {
  return Array.from({ length: events }, (_, at) => ({
    ...messages[at % messages.length],
    [id]: `bench-${number}-${at}`,
  }));
}

const bodies = new Map<string, string>();

function bodyOf(tracker: string): string {
  let body = bodies.get(tracker);
  if (body === undefined) {
    const requests = JSON.parse(readFileSync(join(RECORDED, `${tracker}.json`), "utf8")) as {
      body: string;
    }[];
    body = requests[0]?.body ?? "";
    bodies.set(tracker, body);
  }
  return body;
}

function isoNow(): string {
  return new Date().toISOString();
}
