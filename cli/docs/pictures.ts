// The two pictures of the README, taken with a browser from a real local stack: the live view while browsers visit the
// demo shop, and the report of a simulated month.
import { mkdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { ShopServer } from "../../demo/shop-server";
import { TRACKERS } from "../../demo/trackers";
import type { LocalStack } from "../../local/stack";
import { followExecution, startExecution } from "../../stack/execution";
import { onInterrupt } from "../../stack/interrupt";
import { PROJECT_ROOT, Runs } from "../../stack/runs";
import { type CliTarget, openTarget } from "../../stack/target";
import { launchBrowser } from "../browser/launch";
import { watchEvents } from "../live/watch";
import { datesOf } from "../report/dates";
import { makeReport } from "../report/make";
import { bringUp } from "../view/bring-up";
import type { Console } from "../view/console";

const FOLDER = join(PROJECT_ROOT, "docs", "pictures");
/** Ends below the report's second plot. */
const REPORT_SIZE = { width: 1000, height: 1035 };
const LIVE_SIZE = { width: 1200, height: 860 };
/** A page of GitHub shall not take long to load. */
const MOST_BYTES = 300_000;
const HISTORY = { events: 20_000, days: 30, seed: 7, duplicates: 0.01, malformed: 0.005, pii: 0.02 };
/** The plot then has some minutes. */
const VISITS_SECONDS = 130;
/** A sender's faults: a line that the ingest refuses, and an event that is sent twice. */
const FAULTS_EVERY_MS = 13_000;

export async function takePictures(console: Console): Promise<void> {
  const signal = onInterrupt();
  const shop = new ShopServer(0, "--shop-port");
  let stack: LocalStack | undefined;
  let browser: Browser | undefined;
  try {
    mkdirSync(FOLDER, { recursive: true });
    browser = await launchBrowser();
    const collectorOrigins = [await shop.listen()];
    stack = await bringUp(console, signal, { collector: true, collectorOrigins, batchWindowSeconds: "1" });
    const target = openTarget({ run: stack.id });
    console.event(`Sending and curating ${HISTORY.events} events of ${HISTORY.days} days`);
    await curate(target, signal);
    const report = await pictureOfReport(target, browser, join(stack.stateDir, "report.html"));
    console.event(`${relative(PROJECT_ROOT, report)} written`);
    console.event(`Visiting the shop for ${VISITS_SECONDS} seconds`);
    const live = await pictureOfLive(target, browser, shop, collectorOrigins[0] ?? "", signal);
    console.event(`${relative(PROJECT_ROOT, live)} written`);
  } finally {
    await browser?.close();
    await shop.close();
    await stack?.stop({ keepState: false });
    if (stack) new Runs().remove(stack.id);
  }
}

async function curate({ sfn, outputs }: CliTarget, signal: AbortSignal): Promise<void> {
  const arn = await startExecution(sfn, outputs.stateMachineArn, { simulate: HISTORY });
  const { status, cause } = await followExecution(arn, { sfn, signal });
  if (status !== "SUCCEEDED") throw new Error(`The execution of the history ${status}: ${cause}`);
}

async function pictureOfReport(target: CliTarget, browser: Browser, file: string): Promise<string> {
  const now = Date.now();
  await makeReport({ ...target.outputs, athena: target.athena, name: "shop" }, datesOf({}, now), file, now);
  const page = await lightPage(browser, REPORT_SIZE);
  await page.goto(pathToFileURL(file).href);
  return picture(page, "report.png");
}

async function pictureOfLive(
  target: CliTarget,
  browser: Browser,
  shop: ShopServer,
  shopOrigin: string,
  signal: AbortSignal,
): Promise<string> {
  const { collectorUrl } = target.outputs;
  const watch = await watchEvents({ target: { ...target, name: "shop" }, port: 0, signal });
  try {
    shop.open({ collectorUrl, frame: watch.origin });
    const page = await lightPage(browser, LIVE_SIZE);
    await page.goto(watch.origin);
    const until = Date.now() + VISITS_SECONDS * 1000;
    await Promise.all([
      sendFaults(collectorUrl, until),
      // A visitor of each tracker, with cookies of its own.
      ...TRACKERS.map(async ({ name }, index) => {
        const visitor = await browser.newPage();
        await visitor.goto(`${shopOrigin}/tracker?name=${name}`);
        await visits(visitor, shopOrigin, index, until);
      }),
    ]);
    return await picture(page, "live.png");
  } finally {
    await watch.close();
  }
}

/** One visit after another, from the home page to an order. */
async function visits(page: Page, shopOrigin: string, first: number, until: number): Promise<void> {
  for (let visit = first; Date.now() < until; visit += TRACKERS.length) {
    await page.goto(shopOrigin);
    const products = page.locator(".cards a");
    await sleep(1_500 + 300 * first);
    await products.nth(visit % (await products.count())).click();
    await sleep(1_500);
    await page.locator("#add").click();
    await sleep(1_000);
    await page.locator("nav .cart").click();
    await sleep(1_000);
    await page.locator("#to-checkout").click();
    await sleep(1_000);
    await page.locator("#order button").click();
    await sleep(1_500);
  }
}

async function sendFaults(collectorUrl: string, until: number): Promise<void> {
  for (let number = 1; Date.now() < until; number += 1) {
    const now = new Date().toISOString();
    const event = { event_type: "page_view", user_id: "user-1", page_url: "https://shop.example/sale" };
    const twice = JSON.stringify({ ...event, event_id: `sale-${number}`, event_time: now });
    const wrong = JSON.stringify({ ...event, event_time: "yesterday" });
    for (const body of [twice, twice, wrong])
      await fetch(`${collectorUrl}/v1/events`, { method: "POST", body });
    await sleep(FAULTS_EVERY_MS);
  }
}

async function lightPage(browser: Browser, viewport: { width: number; height: number }): Promise<Page> {
  return browser.newPage({ viewport, colorScheme: "light" });
}

async function picture(page: Page, name: string): Promise<string> {
  const path = join(FOLDER, name);
  await page.screenshot({ path });
  const { size } = statSync(path);
  if (size > MOST_BYTES) throw new Error(`${name} has ${size} bytes, more than ${MOST_BYTES}.`);
  return path;
}
