// The demo and its live view on a local stack with Firehose: what the collector got is on the page after the buffer.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const MAIN = join(__dirname, "..", "..", "cli", "main.mjs");

interface Urls {
  shop: string;
  live: string;
  collector: string;
}

interface Micro {
  all: { total: number; good: number; bad: number };
  good: { duplicate: boolean; rawEvent: { source: { name: string } }; event: Record<string, unknown> }[];
  bad: { errors: string[] }[];
}

describe("npm run demo -- --way firehose", function () {
  this.timeout(120_000);
  let demo: ChildProcess;
  let urls: Urls;

  before(async () => {
    demo = spawn(process.execPath, [MAIN, "demo", "--json", "--no-open", "--way", "firehose"], {
      env: { ...process.env, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    demo.stderr?.on("data", (part: Buffer) => {
      said += part;
    });
    const ended = once(demo, "exit").then(([code]) => assert.fail(`the demo ended with ${code}:\n${said}`));
    ended.catch(() => undefined); // later, the test itself ends it
    const line = once(demo.stdout as NodeJS.EventEmitter, "data");
    const [first] = (await Promise.race([line, ended])) as [Buffer];
    urls = JSON.parse(first.toString()) as Urls;
  });

  after(async () => {
    if (demo.exitCode !== null) return;
    demo.kill("SIGINT");
    await once(demo, "exit");
  });

  const micro = async <Name extends keyof Micro>(name: Name) =>
    (await (await fetch(`${urls.live}micro/${name}`)).json()) as Micro[Name];

  async function post(...events: Record<string, unknown>[]): Promise<void> {
    const answer = await fetch(`${urls.collector}/v1/events`, {
      method: "POST",
      headers: { origin: new URL(urls.shop).origin, "content-type": "application/json" },
      body: JSON.stringify(events),
    });
    assert.equal(answer.status, 200, await answer.text());
  }

  async function arrived(lines: number): Promise<number> {
    const began = Date.now();
    while ((await micro("all")).total < lines) {
      assert.ok(Date.now() - began < 30_000, `${JSON.stringify(await micro("all"))} of ${lines} lines came`);
      await sleep(50);
    }
    return Date.now() - began;
  }

  it("has what the collector got in /micro/good and /micro/bad, and finds a copy in a later object", async () => {
    const event = {
      event_id: "one",
      event_type: "page_view",
      event_time: new Date().toISOString(),
      anonymous_id: "a",
    };
    await post(event, { ...event, event_id: "two", event_time: "1970-01-01T00:00:00Z" });
    const milliseconds = await arrived(2);
    // The demo asks for a buffer of 1 s. The reader looks every second.
    assert.ok(milliseconds < 15_000, `${milliseconds} ms`);
    await post(event);
    await arrived(3);
    assert.deepEqual(await micro("all"), { total: 3, good: 2, bad: 1 });
    const good = await micro("good");
    assert.deepEqual(
      good.map(({ event: { event_id }, duplicate }) => [event_id, duplicate]),
      [
        ["one", true],
        ["one", false],
      ],
    );
    assert.equal(good[0]?.rawEvent.source.name, "firehose");
    assert.equal((await micro("bad"))[0]?.errors[0], "event_time_out_of_window");
  });

  it("says on its pages how long Firehose buffers", async () => {
    const { source } = (await (await fetch(`${urls.live}demo.json`)).json()) as { source: unknown };
    assert.deepEqual(
      Object.entries(source as object)
        .map(([name]) => name)
        .sort(),
      ["bufferSeconds", "deliveryStreamName"],
    );
    assert.equal((source as { bufferSeconds: number }).bufferSeconds, 1);
  });
});
