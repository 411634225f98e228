// The live view's server: who gets an answer, the stream of lines, and the JSON for tests in Snowplow Micro's form.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { Feed } from "../../../cli/live/feed";
import type { Lines } from "../../../cli/live/messages";
import { LiveServer } from "../../../cli/live/server";

const WINDOW = { earliestTime: "2000-01-01T00:00:00.000Z", latestLeadMs: 24 * 3_600_000 };
const PAGE = join(__dirname, "..", "..", "..", "cli", "live", "page");

interface Entry {
  event: { event_id: string };
}

// biome-ignore lint/suspicious/noExplicitAny: the answers are compared with what is expected
type Json = any;

let feed: Feed;
let live: LiveServer;
let origin: string;
let sequence = 0;

function take(...lines: string[]): void {
  const records = lines.map((data) => ({
    shardId: "shard-1",
    sequenceNumber: String(++sequence),
    arrivalMs: Date.now(),
    data: Buffer.from(data),
  }));
  feed.take(records);
}

function event(fields: Record<string, unknown> = {}): string {
  const event_time = new Date().toISOString();
  return JSON.stringify({
    event_type: "page_view",
    event_time,
    user_id: "u1",
    page_url: "https://shop.example/a?b=1",
    ...fields,
  });
}

/** fetch() sets Host and the Sec-Fetch headers itself. */
function raw(
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
  body = "",
): Promise<{ status: number; text: string; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(`${origin}${path}`, { method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, text, headers: response.headers }),
      );
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

async function json(path: string, body?: unknown): Promise<Json> {
  const answer = await fetch(
    `${origin}${path}`,
    body === undefined
      ? {}
      : { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } },
  );
  return answer.json();
}

/** Reads server-sent events until one has the name. */
async function* events(
  headers: Record<string, string> = {},
): AsyncGenerator<{ name: string; id?: string; data: unknown }> {
  const controller = new AbortController();
  const answer = await fetch(`${origin}/stream`, { headers, signal: controller.signal });
  assert.equal(answer.headers.get("content-type"), "text/event-stream");
  let text = "";
  try {
    for await (const part of answer.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(part).toString();
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const fields = Object.fromEntries(
          text
            .slice(0, end)
            .split("\n")
            .map((line) => line.split(/: (.*)/s).slice(0, 2)),
        );
        text = text.slice(end + 2);
        yield { name: fields.event, id: fields.id, data: JSON.parse(fields.data) };
      }
    }
  } finally {
    controller.abort();
  }
}

describe("cli/live/server", () => {
  beforeEach(async () => {
    feed = new Feed(WINDOW, Date.now);
    const state = () => ({ kind: "stream" as const, shards: 1, behindMs: 0, throttled: 0 });
    live = new LiveServer({
      feed,
      target: "the local run x",
      source: { streamName: "events" },
      state,
      port: 0,
      frames: [],
    });
    origin = await live.listen();
  });

  afterEach(() => live.close());

  it("answers this machine's browser, and no other site's page", async () => {
    const host = new URL(origin).host;
    const { port } = new URL(origin);
    const statuses = async (path: string, headers: Record<string, string>, method = "GET") =>
      (await raw(path, headers, method)).status;
    assert.equal(await statuses("/", {}), 200);
    assert.equal(await statuses("/all", { host: `localhost:${port}` }), 200);
    // DNS rebinding: the name of another site with the address 127.0.0.1.
    assert.equal(await statuses("/", { host: `shop.example:${port}` }), 403);
    assert.equal(await statuses("/all", { host: "127.0.0.1" }), 403);
    assert.equal(await statuses("/reset", { host, origin: "https://shop.example" }, "POST"), 403);
    assert.equal(
      await statuses("/reset", { host, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }),
      403,
    );
    assert.equal(
      await statuses("/good", { host, "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors" }),
      403,
    );
    assert.equal(await statuses("/stream", { host, origin: "null" }), 403);
    // A link to the page may be anywhere.
    assert.equal(
      await statuses("/", { host, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }),
      200,
    );
    assert.equal(await statuses("/reset", { host, origin, "sec-fetch-site": "same-origin" }, "POST"), 200);
    for (const path of ["/", "/all"]) {
      const { headers } = await raw(path, { origin });
      assert.ok(!Object.keys(headers).some((name) => name.startsWith("access-control-")), "no CORS");
    }
  });

  it("allows no script, style or address but its own", async () => {
    const { headers, text } = await raw("/");
    assert.equal(
      headers["content-security-policy"],
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    );
    assert.equal(headers["x-content-type-options"], "nosniff");
    const files = [
      text,
      ...["style.css", "app.ts", "plot.ts"].map((name) => readFileSync(join(PAGE, name), "utf8")),
    ];
    const addresses = files.flatMap((file) => file.match(/(https?:)?\/\/[\w.-]+\.\w+[\w./]*/g) ?? []);
    // The name of SVG's namespace is asked of nobody.
    assert.deepEqual(addresses, ["http://www.w3.org/2000/svg"]);
    assert.doesNotMatch(text, /<script(?![^>]*src=)|style=|onclick/);
    const script = await raw("/app.js");
    assert.match(String(script.headers["content-type"]), /javascript/);
    assert.doesNotMatch(script.text, /\b(eval|Function)\(|innerHTML/);
  });

  it("pushes a line with its verdict to the page at once", async () => {
    take(event({ event_id: "first" }));
    const names: string[] = [];
    let began = 0;
    for await (const { name, data } of events()) {
      names.push(name);
      if (name === "hello")
        assert.deepEqual(data, { target: "the local run x", source: { streamName: "events" } });
      if (name !== "lines") continue;
      const { lines } = data as Lines;
      if (began === 0) {
        assert.deepEqual(
          lines.map(({ number, verdict, type, about, who }) => ({ number, verdict, type, about, who })),
          [{ number: 1, verdict: "accepted", type: "page_view", about: "/a?b=1", who: "u1" }],
        );
        began = Date.now();
        take(event({ event_id: "first" }), "no json");
        continue;
      }
      assert.ok(Date.now() - began < 1_000);
      assert.deepEqual(
        lines.map(({ verdict, reason }) => [verdict, reason]),
        [
          ["quarantined", "id_conflict"],
          ["quarantined", "not_json"],
        ],
      );
      break;
    }
    assert.deepEqual(names.slice(0, 3), ["hello", "stats", "lines"]);
  });

  it("sends a page that was cut off what it missed, and not more", async () => {
    take(event({ event_id: "1" }), event({ event_id: "2" }), event({ event_id: "3" }));
    for await (const { name, id, data } of events({ "last-event-id": "2" })) {
      if (name !== "lines") continue;
      assert.equal(id, "3");
      assert.deepEqual(
        (data as Lines).lines.map(({ number }) => number),
        [3],
      );
      break;
    }
  });

  it("says how many lines of a busy stream are not listed", async () => {
    let shown = 0;
    let skipped = 0;
    let isFirst = true;
    for await (const { name, data } of events()) {
      if (isFirst) take(...Array.from({ length: 1_000 }, (_, each) => event({ event_id: `e${each}` })));
      isFirst = false;
      if (name !== "lines") continue;
      shown += (data as Lines).lines.length;
      skipped += (data as Lines).skipped;
      assert.ok((data as Lines).lines.length <= 200);
      if (shown + skipped >= 1_000) break;
    }
    assert.equal(shown + skipped, 1_000);
    assert.deepEqual(await json("/all"), { total: 1_000, good: 1_000, bad: 0 });
  });

  it("has the JSON of a line", async () => {
    take(event({ event_id: "first", geo: { ip: "203.0.113.9" } }), "no json");
    const line = await json("/lines/1");
    assert.equal(line.event.geo.ip, "203.0.113.9");
    assert.equal(line.verdict, "accepted");
    assert.equal((await json("/lines/2")).payload, "no json");
    assert.equal((await raw("/lines/3")).status, 404);
    assert.equal((await raw("/lines/x")).status, 404);
  });

  it("answers /all, /good, /bad and /reset as Snowplow Micro does", async () => {
    take(
      event({ event_id: "1" }),
      event({ event_id: "2", event_type: "purchase", product_price: 5 }),
      `{"a":`,
    );
    take(event({ event_id: "3" }));
    for (const prefix of ["", "/micro"]) {
      assert.deepEqual(await json(`${prefix}/all`), { total: 4, good: 3, bad: 1 });
      const good = await json(`${prefix}/good`);
      assert.deepEqual(
        good.map((entry: Entry) => entry.event.event_id),
        ["3", "2", "1"],
      );
      assert.deepEqual(Object.keys(good[0]).sort(), [
        "contexts",
        "duplicate",
        "event",
        "eventType",
        "rawEvent",
        "schema",
      ]);
      assert.equal(good[1].eventType, "purchase");
      assert.equal(good[1].rawEvent.parameters.product_price, "5");
    }
    const bad = await json("/bad");
    assert.deepEqual([bad.length, bad[0].errors[0], bad[0].collectorPayload.body], [1, "not_json", `{"a":`]);
    assert.deepEqual(
      (await json("/good", { event_type: "page_view", limit: 1 })).map(
        (entry: Entry) => entry.event.event_id,
      ),
      ["3"],
    );
    assert.deepEqual(await json("/good", { schema: "iglu:com.acme/x/jsonschema/1-0-0" }), []);
    assert.deepEqual(await json("/good", { contexts: ["x"] }), []);
    assert.equal((await json("/good", { contexts: [] })).length, 3);
    assert.deepEqual(await json("/bad", { vendor: "com.snowplowanalytics.snowplow" }), []);
    assert.equal((await json("/bad", { vendor: "clickstream", limit: 5 })).length, 1);
    assert.deepEqual(await json("/reset"), { total: 0, good: 0, bad: 0 });
    assert.deepEqual(await json("/good"), []);
  });

  it("names what is wrong with a filter", async () => {
    const error = async (path: string, body: unknown) => (await json(path, body)).error;
    assert.equal(
      await error("/good", { type: "x" }),
      "Unknown filter type. Allowed are event_type, schema, contexts, limit.",
    );
    assert.equal(await error("/good", { limit: "3" }), 'limit must be a whole number, 0 or more, got "3".');
    assert.equal(await error("/good", { contexts: "x" }), 'contexts must be a list of texts, got "x".');
    assert.equal(await error("/bad", []), "The filter must be a JSON object, got []");
    assert.equal((await raw("/good", {}, "PUT")).status, 405);
    assert.equal((await raw("/good", {}, "POST", "x".repeat(70_000))).status, 413);
    assert.equal((await raw("/nowhere")).status, 404);
  });
});
