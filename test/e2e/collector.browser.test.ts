// From a click to a row: four trackers in a browser send to the local stack's collector, an execution runs, and what was
// sent is in the tables.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser } from "playwright-core";
import { launchBrowser } from "../../cli/browser/launch";
import { bundlePage } from "../browser/pages";
import { Site } from "../browser/site";
import { Lake } from "./lake";

const TRACKERS = ["own", "segment", "snowplow", "plausible"];

describe("e2e: from a browser to the tables", function () {
  this.timeout(300_000);
  const site = new Site();
  let lake: Lake;
  let browser: Browser;
  let collectorUrl = "";

  before(async () => {
    await site.start();
    lake = await Lake.up({ "clickstream:collector": true, "clickstream:collectorOrigins": [site.origin] });
    collectorUrl = String(lake.stack.outputs.collectorUrl);
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await lake?.down();
    await site.stop();
  });

  const linesInStream = async () => (await lake.expected()).lines;
  async function linesOf(count: number): Promise<number> {
    const end = Date.now() + 30_000;
    while ((await linesInStream()) < count && Date.now() < end) await sleep(200);
    return linesInStream();
  }

  it("takes the visit of each tracker, and what no tracker sends", async () => {
    let lines = 0;
    for (const tracker of TRACKERS) {
      site.page = () => bundlePage(tracker, collectorUrl);
      const page = await browser.newPage();
      await page.goto(`${site.origin}/shop?tracker=${tracker}`);
      await page.waitForFunction(`"shop" in window && !Array.isArray(window.clickstream)`);
      await page.evaluate("window.shop.view?.(); window.shop.custom(); window.shop.purchase();");
      lines += 3;
      await linesOf(lines);
      await page.evaluate("window.shop.last()");
      await sleep(100);
      await page.goto(`${site.origin}/shop?tracker=${tracker}&again`);
      await page.waitForFunction(`"shop" in window && !Array.isArray(window.clickstream)`);
      await page.evaluate("window.shop.view?.()");
      await linesOf(lines + 2);
      await page.close();
      await sleep(1000);
      lines = await linesInStream();
    }
    const garbage = await fetch(`${collectorUrl}/v1/events`, { method: "POST", body: "this is no event" });
    assert.equal(garbage.status, 200);
    assert.equal(await linesOf(lines + 1), lines + 1);
  });

  it("has each event that was sent in a table, or counted as a copy", async () => {
    // The last record of the only shard: the execution waits until all records up to it are in S3.
    const last = { event_type: "engagement", event_time: new Date().toISOString(), user_id: "last" };
    const sent = await lake.put(JSON.stringify(last));
    const lines = await linesInStream();
    const { status, report } = await lake.execute(sent);
    assert.equal(status, "SUCCEEDED");
    const { curated = 0, quarantined = 0, duplicates = 0 } = report ?? {};
    assert.equal(curated + quarantined + duplicates, lines);
    assert.deepEqual(await lake.quarantinedPayloads(), ["this is no event"]);
    assert.equal(quarantined, 1);
    const ids = (await lake.events()).map(([id]) => id);
    assert.deepEqual([ids.length, new Set(ids).size], [curated, curated]);
  });

  it("has the visit of each tracker in the same types and fields", async () => {
    const rows = await lake.query(
      `SELECT regexp_extract(page_url, 'tracker=(\\w+)', 1), lower(replace(event_type, 'Newsletter Joined', 'newsletter')),
         count(*), round(sum(revenue), 2)
       FROM events WHERE event_type NOT IN ('page_view', 'engagement') GROUP BY 1, 2 ORDER BY 1, 2`,
    );
    const visit = (tracker: string) => [
      [tracker, "last", 1, 0],
      [tracker, "newsletter", 1, 0],
      [tracker, "purchase", 1, 39.8],
    ];
    assert.deepEqual(
      rows.map(([tracker, type, count, revenue]) => [tracker, type, Number(count), Number(revenue)]),
      [...TRACKERS].sort().flatMap(visit),
    );
    const views = await lake.query("SELECT DISTINCT page_url FROM events WHERE event_type = 'page_view'");
    assert.equal(views.length, 2 * TRACKERS.length);
  });
});
