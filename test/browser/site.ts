// A site and a collector for the tests, on two ports: a page of the one sends to the other, across origins as on AWS.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { bundleTracker } from "../../tracker/bundle";

export type SentEvent = Record<string, unknown> & {
  event_id: string;
  event_type: string;
  event_time: string;
};

export interface Received {
  method: string;
  url: URL;
  headers: IncomingMessage["headers"];
  body: string;
  events: SentEvent[];
  atMs: number;
  /** What the collector answered. */
  status: number;
}

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  delayMs?: number;
}

const OK: Answer = { status: 200 };

export class Site {
  /** What the collector got. */
  readonly requests: Received[] = [];
  /** How the collector answers, and the page that the site has at a path. */
  answer: (request: Received) => Answer = () => OK;
  page: (path: string) => string = () => this.html();
  pageHeaders: Record<string, string> = {};
  origin = "";
  collector = "";
  private readonly servers: Server[] = [];

  async start(): Promise<void> {
    this.collector = await this.listen((request, response) => this.collect(request, response));
    this.origin = await this.listen((request, response) => {
      if (request.url === "/favicon.ico") return response.writeHead(404).end();
      // No etag and no cache, but not no-store, which would keep pages out of the back/forward cache.
      response.writeHead(200, { "content-type": "text/html; charset=utf-8", ...this.pageHeaders });
      response.end(this.page(request.url ?? "/"));
    });
  }

  async stop(): Promise<void> {
    for (const server of this.servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  /** For the next test. */
  reset(): void {
    this.requests.length = 0;
    this.answer = () => OK;
    this.page = () => this.html();
    this.pageHeaders = {};
  }

  /** A page with the tracker. `before` runs before it loads. Of two attributes of a name, the first counts. */
  html({ attributes = "", before = "", body = "", title = "A page" } = {}): string {
    return `<!doctype html><title>${title}</title>
<script>window.clickstream = window.clickstream || []; ${before}</script>
<script async src="${this.collector}/clickstream.js" ${attributes} data-batch-ms="100"></script>
<body>${body}</body>`;
  }

  /** All copies of events that the collector answered with 200, or that it got in any way. */
  received(onlyStored = true): SentEvent[] {
    return this.requests
      .filter(({ status }) => !onlyStored || status === 200)
      .flatMap(({ events }) => events);
  }

  /** The stored events, each once, as soon as there are so many; fails if there are not, or if more come after. */
  async events(count: number, { timeoutMs = 8000, quietMs = 300 } = {}): Promise<SentEvent[]> {
    const unique = () => [...new Map(this.received().map((event) => [event.event_id, event])).values()];
    const end = Date.now() + timeoutMs;
    while (unique().length < count && Date.now() < end) await sleep(20);
    await sleep(quietMs);
    const events = unique();
    if (events.length === count) return events;
    const types = events.map(({ event_type }) => event_type).join(", ");
    throw new Error(`expected ${count} events, got ${events.length}: ${types || "none"}`);
  }

  async until(holds: () => boolean, timeoutMs = 8000): Promise<void> {
    const end = Date.now() + timeoutMs;
    while (!holds()) {
      if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${holds}`);
      await sleep(20);
    }
  }

  private async collect(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.collector);
    if (url.pathname === "/clickstream.js") {
      response.writeHead(200, { "content-type": "text/javascript", "cache-control": "max-age=3600" });
      return void response.end(bundleTracker().code);
    }
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const events = body ? body.split("\n").map((line) => JSON.parse(line) as SentEvent) : [];
    const { method = "", headers } = request;
    const received = { method, url, headers, body, events, atMs: Date.now(), status: 0 };
    const { status, headers: more, delayMs } = this.answer(received);
    this.requests.push(received);
    if (delayMs) await sleep(delayMs);
    received.status = status;
    response.writeHead(status, {
      "access-control-allow-origin": headers.origin ?? "*",
      "access-control-expose-headers": "retry-after",
      ...more,
    });
    response.end("{}");
  }

  private async listen(handler: (request: IncomingMessage, response: ServerResponse) => unknown) {
    const server = createServer(handler);
    this.servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
}
