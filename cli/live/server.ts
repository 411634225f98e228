// Serves the live view on 127.0.0.1: the page, the stream of lines as server-sent events, and JSON for tests.
import { readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { type Asked, json, LoopbackServer } from "../../local/loopback";
import { pageScript } from "../browser/page-script";
import type { Feed } from "./feed";
import type { Hello, Line, Source, Stats } from "./messages";
import { serveMicro } from "./micro";
import type { ReaderState } from "./reader";
import type { Seen } from "./seen";

/** Everything comes from this server. The page runs no script and loads no style but its own. */
function policyWith(frames: readonly string[]): string {
  const shown = frames.length === 0 ? "" : ` frame-src 'self' ${frames.join(" ")};`;
  return (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';" +
    `${shown} base-uri 'none'; form-action 'none'; frame-ancestors 'self'`
  );
}

/** Lines are collected for this long, so that a busy stream is few messages. */
const FLUSH_MS = 100;
const STATS_MS = 1_000;
/** A message has at most so many lines. A person cannot read more, and the counts have all of them. */
const LINES_A_MESSAGE = 100;
/** What a page gets when it opens. */
const LINES_AT_FIRST = 200;
/** A page that reads slower than this is sent no lines until it has caught up. */
const WAITING_BYTES = 1024 * 1024;
const MOST_PAGES = 20;

export interface LiveOptions {
  feed: Feed;
  /** The stack, for the page's title. */
  target: string;
  source: Source;
  state: () => ReaderState;
  port: number;
  /** Origins that its pages may show in a frame. */
  frames: readonly string[];
}

export class LiveServer {
  readonly server: LoopbackServer;
  private readonly pages = new Map<ServerResponse, Page>();
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly endListening: () => void;

  constructor(private readonly options: LiveOptions) {
    const { feed, port } = options;
    this.server = new LoopbackServer({ port, policy: () => policyWith(options.frames) });
    this.server.on("/", () => asset("page.html", "text/html; charset=utf-8"), { isPage: true });
    this.server.on("/style.css", () => asset("style.css", "text/css; charset=utf-8"));
    this.server.on("/app.js", () => ({
      type: "text/javascript; charset=utf-8",
      body: pageScript(PAGE_SCRIPT),
    }));
    this.server.on("/stream", (asked, response) => this.openPage(asked, response));
    this.server.on("/lines/", ({ url }) => this.lineDocument(url.pathname.split("/").at(-1) ?? ""));
    serveMicro(this.server, feed, () => this.sendAll("reset", {}));
    this.endListening = feed.listen((lines) => {
      for (const page of this.pages.values()) page.add(lines);
    });
  }

  async listen(): Promise<string> {
    pageScript(PAGE_SCRIPT); // a fault in the page ends the command, not a request
    const origin = await this.server.listen();
    this.timers.push(
      setInterval(() => this.flush(), FLUSH_MS),
      setInterval(() => this.sendAll("stats", this.stats()), STATS_MS),
    );
    return origin;
  }

  async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    this.endListening();
    await this.server.close();
  }

  private openPage(asked: Asked, response: ServerResponse): undefined {
    if (this.pages.size >= MOST_PAGES) {
      response.writeHead(503, { "content-type": "text/plain" }).end("Too many pages are open.\n");
      return;
    }
    response.writeHead(200, { ...this.server.safeHeaders(), "content-type": "text/event-stream" });
    // A page that was cut off names the last line that it has.
    const page = new Page(response, Number(asked.headers["last-event-id"] ?? 0) || 0);
    this.pages.set(response, page);
    response.on("close", () => this.pages.delete(response));
    const { target, source, feed } = this.options;
    page.send("hello", { target, source } satisfies Hello);
    page.send("stats", this.stats());
    page.add(feed.newest(LINES_AT_FIRST, page.lastSent));
    page.flush(LINES_AT_FIRST);
    return undefined;
  }

  private flush(): void {
    for (const page of this.pages.values()) page.flush(LINES_A_MESSAGE);
  }

  private sendAll(event: string, value: unknown): void {
    for (const page of this.pages.values()) page.send(event, value);
  }

  private stats(): Stats {
    return { ...this.options.feed.counts.summary(), reader: this.options.state() };
  }

  private lineDocument(number: string) {
    const seen = /^\d+$/.test(number) ? this.options.feed.find(Number(number)) : undefined;
    if (seen === undefined) return json({ error: `Line ${number} is not kept any more.` }, 404);
    return json({
      ...seen,
      arrivalMs: undefined,
      seenMs: undefined,
      arrived: new Date(seen.arrivalMs).toISOString(),
      seen: new Date(seen.seenMs).toISOString(),
    });
  }
}

/** A page that is open in a browser. */
class Page {
  private waiting: Seen[] = [];
  private skipped = 0;

  constructor(
    private readonly response: ServerResponse,
    public lastSent: number,
  ) {}

  add(lines: readonly Seen[]): void {
    this.waiting.push(...lines);
    // The newest are what a person watches.
    const over = this.waiting.length - LINES_AT_FIRST;
    if (over > 0) {
      this.waiting.splice(0, over);
      this.skipped += over;
    }
  }

  flush(most: number): void {
    if (this.waiting.length === 0 || this.response.writableLength > WAITING_BYTES) return;
    const lines = this.waiting.slice(-most);
    this.skipped += this.waiting.length - lines.length;
    this.lastSent = lines.at(-1)?.number ?? this.lastSent;
    this.waiting = [];
    this.send("lines", { lines: lines.map(lineOf), skipped: this.skipped }, this.lastSent);
    this.skipped = 0;
  }

  send(event: string, value: unknown, id?: number): void {
    if (this.response.writableLength > 2 * WAITING_BYTES) return;
    const head = id === undefined ? "" : `id: ${id}\n`;
    this.response.write(`${head}event: ${event}\ndata: ${JSON.stringify(value)}\n\n`);
  }
}

const LONGEST_TEXT = 200;

function lineOf({ number, verdict, reason, event, payload, arrivalMs, seenMs }: Seen): Line {
  return {
    number,
    verdict,
    ...(reason === undefined ? {} : { reason }),
    arrival: arrivalMs,
    seen: seenMs,
    ...(event === undefined ? {} : { time: Date.parse(event.event_time), type: short(event.event_type) }),
    about: short(
      event === undefined ? (payload ?? "") : (event.product_name ?? pathOf(event.page_url) ?? ""),
    ),
    who: short(event?.user_id ?? event?.anonymous_id ?? event?.session_id ?? ""),
  };
}

function pathOf(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return url;
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
}

function short(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}

const PAGE_FOLDER = join(__dirname, "page");
const PAGE_SCRIPT = join(PAGE_FOLDER, "app.ts");

function asset(name: string, type: string) {
  return { type, body: readFileSync(join(PAGE_FOLDER, name)) };
}
