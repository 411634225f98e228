// The demo in a real browser on a local stack: a click in the shop is a line in the live view, and then a row.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KinesisClient, PutRecordsCommand, UpdateShardCountCommand } from "@aws-sdk/client-kinesis";
import type { Browser, FrameLocator, Page } from "playwright-core";
import { launchBrowser } from "../../cli/browser/launch";
import { TRACKERS } from "../../demo/trackers";
import { localClientConfig } from "../../stack/aws";
import { Runs } from "../../stack/runs";

const MAIN = join(__dirname, "..", "..", "cli", "main.mjs");

interface Urls {
  url: string;
  shop: string;
  live: string;
  collector: string;
  target: string;
}

/** What the live view's /good has of an event. */
interface Good {
  eventType: string;
  event: Record<string, unknown> & { event_id: string; properties?: Record<string, string> };
}

let demo: ChildProcess;
let urls: Urls;
let browser: Browser;
let page: Page;
let shop: FrameLocator;
let live: FrameLocator;
const complaints: string[] = [];

async function startDemo(...args: string[]): Promise<void> {
  demo = spawn(process.execPath, [MAIN, "demo", "--json", "--no-open", ...args], {
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  demo.stderr?.on("data", (part: Buffer) => {
    said += part;
  });
  const ended = once(demo, "exit").then(([code]) => assert.fail(`the demo ended with ${code}:\n${said}`));
  ended.catch(() => undefined); // later, the test itself ends it
  const [line] = (await Promise.race([once(demo.stdout as NodeJS.EventEmitter, "data"), ended])) as [Buffer];
  urls = JSON.parse(line.toString()) as Urls;
}

async function good(): Promise<Good[]> {
  return (await (await fetch(`${urls.live}good`)).json()) as Good[];
}

/** Waits until the events with these types are there, and returns the milliseconds. */
async function seen(...types: string[]): Promise<number> {
  const began = Date.now();
  for (;;) {
    const found = (await good()).map(({ eventType }) => eventType);
    if (types.every((type) => found.includes(type))) return Date.now() - began;
    assert.ok(Date.now() - began < 15_000, `of ${types} came ${found}`);
    await sleep(20);
  }
}

async function reset(): Promise<void> {
  await fetch(`${urls.live}reset`);
}

describe("npm run demo in a browser", function () {
  this.timeout(300_000);

  before(async () => {
    [browser] = await Promise.all([launchBrowser(), startDemo("--config", "shardCount=2")]);
    page = await browser.newPage();
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(urls.url);
    shop = page.frameLocator("#shop");
    live = page.frameLocator("iframe[title='The live view']");
    await shop.locator(".cards a").first().waitFor();
  });

  after(async () => {
    await browser?.close();
    demo?.kill("SIGKILL");
  });

  for (const { name, title } of TRACKERS) {
    it(`sends a visit with ${title}: each click is a line within a second`, async () => {
      await shop.locator("#trackers select").selectOption(name);
      await shop.locator(".brand").click();
      await seen("page_view");
      await reset();
      await shop.locator(".cards a").first().click();
      await seen("page_view", "product_view");
      // The function is warm now.
      const delays: number[] = [];
      for (let each = 0; each < 3; each += 1) {
        await reset();
        await shop.locator("#add").click();
        delays.push(await seen("add_to_cart"));
      }
      assert.ok(Math.min(...delays) < 1_000, `${delays} ms`);
      await live.locator("#lines li", { hasText: "add_to_cart" }).first().waitFor({ timeout: 2_000 });
      await reset();
      await shop.locator("nav .cart").click();
      await shop.locator("#to-checkout").click();
      await seen("begin_checkout");
      await shop.locator("#order button").click();
      await seen("purchase");
      const purchase = (await good()).find(({ eventType }) => eventType === "purchase");
      assert.equal(purchase?.event.quantity, 3);
      assert.match(String(purchase?.event.product_id), /^P-\d{5}$/);
      assert.match(String(purchase?.event.properties?.order_id), /^order-/);
      assert.deepEqual(await (await fetch(`${urls.live}bad`)).json(), []);
    });
  }

  it("makes rows of the lines, and a report, when the button is pressed", async () => {
    const told = await page.locator("#execution").isVisible();
    assert.equal(told, false);
    await page.locator("#run").click();
    await page.locator("#rows td", { hasText: "page_view" }).first().waitFor({ timeout: 240_000 });
    assert.match((await page.locator("#execution-title").textContent()) ?? "", /SUCCEEDED/);
    const result = (await page.locator("#result").textContent()) ?? "";
    const [, curated, quarantined] = /^(\d+) curated, (\d+) quarantined/.exec(result) ?? [];
    assert.ok(Number(curated) >= 4 * 8, result);
    assert.equal(quarantined, "0");
    const link = await page.locator("#report-link").getAttribute("href");
    const report = await fetch(new URL(link ?? "", urls.url));
    assert.equal(report.status, 200);
    assert.match(await report.text(), /<svg/);
  });

  it("filters and pauses the lines, and shows the JSON of one", async () => {
    await reset();
    await shop.locator(".brand").click();
    await live.locator("#lines li", { hasText: "page_view" }).first().waitFor();
    await live.locator("#filter").fill("no such event");
    assert.equal(await live.locator("#lines li").count(), 0);
    assert.match((await live.locator("#note").textContent()) ?? "", /No line matches/);
    await live.locator("#filter").fill("page_view");
    await live.locator("#lines button").first().click();
    const shown = await live.locator("#detail-json").filter({ hasText: "event_type" }).textContent();
    assert.equal(JSON.parse(shown ?? "").event.event_type, "page_view");
    await live.locator("#close").click();
    await live.locator("#filter").fill("");
    await live.locator("#pause").click();
    const before = await live.locator("#lines li").count();
    await reset();
    await shop.locator(".categories a").first().click();
    await seen("page_view");
    await live.locator("#note", { hasText: /[1-9]\d* new lines are waiting/ }).waitFor();
    assert.ok((await live.locator("#lines li").count()) <= before);
    await live.locator("#pause").click();
    await live.locator("#lines li", { hasText: "/category/" }).first().waitFor();
  });

  it("follows the stream when its shards are split, and shows what the ingest refuses", async () => {
    const { endpoint, outputs } = new Runs().find(urls.target.split(" ").at(-1));
    const kinesis = new KinesisClient(localClientConfig(endpoint));
    const StreamName = outputs.streamName;
    await reset();
    await kinesis.send(
      new UpdateShardCountCommand({ StreamName, TargetShardCount: 4, ScalingType: "UNIFORM_SCALING" }),
    );
    const Records = Array.from({ length: 40 }, (_, each) => ({
      PartitionKey: `key-${each}`,
      Data: Buffer.from(
        each === 0
          ? "no json"
          : JSON.stringify({
              event_type: `split_${each}`,
              event_time: new Date().toISOString(),
              user_id: "u",
            }),
      ),
    }));
    await kinesis.send(new PutRecordsCommand({ StreamName, Records }));
    await seen(...Array.from({ length: 39 }, (_, each) => `split_${each + 1}`));
    await live.locator("#lines .quarantined", { hasText: "not_json" }).waitFor();
    // Beside these, the shop may still send what the page before had waiting.
    const good = (await (await fetch(`${urls.live}good`)).json()) as { eventType: string }[];
    const split = good.map(({ eventType }) => eventType).filter((type) => type.startsWith("split_"));
    assert.deepEqual(split.sort(), Array.from({ length: 39 }, (_, each) => `split_${each + 1}`).sort());
    assert.equal(((await (await fetch(`${urls.live}all`)).json()) as { bad: number }).bad, 1);
    await live.locator("#status", { hasText: "reading 4 shards" }).waitFor();
  });

  it("fits a phone, and has no fault in the console", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    for (const part of [page.locator("body"), shop.locator("body"), live.locator("body")]) {
      const over = await part.evaluate((body) => body.scrollWidth - body.clientWidth);
      assert.ok(over <= 0, `${over} px too wide`);
    }
    assert.deepEqual(complaints, []);
  });

  it("ends with Ctrl+C, and everything that it started with it", async () => {
    await browser.close();
    const ended = once(demo, "exit");
    demo.kill("SIGINT");
    const [code] = await ended;
    assert.equal(code, 0);
    for (const url of [urls.url, urls.shop, urls.collector]) await assert.rejects(fetch(url), url);
  });
});
