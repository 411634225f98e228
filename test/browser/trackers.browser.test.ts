// Four unmodified trackers in a real browser against the collector's code: what they send is what the table shall have.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { launchBrowser } from "../../cli/browser/launch";
import type { Line } from "../lambdas/collector/api";
import { LocalCollector } from "./collector";
import { bundlePage } from "./pages";
import { Site } from "./site";
import type { Shop } from "./trackers/shop";

const CHROME =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
/** The fields that a test is about. */
const pick = (event: Line | undefined, ...names: string[]) =>
  Object.fromEntries(names.flatMap((name) => (event?.[name] === undefined ? [] : [[name, event[name]]])));

describe("trackers in a browser, and the collector", function () {
  this.timeout(60_000);
  const site = new Site();
  const collector = new LocalCollector();
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  before(async () => {
    await Promise.all([site.start(), collector.start()]);
    // For the whole browser: Playwright's own option does not reach what is sent after the end of a page.
    browser = await launchBrowser([`--user-agent=${CHROME}`]);
  });
  after(async () => {
    await browser?.close();
    await Promise.all([site.stop(), collector.stop()]);
  });
  beforeEach(async () => {
    site.reset();
    collector.reset();
    context = await browser.newContext();
    page = await context.newPage();
  });
  afterEach(() => context.close());

  async function visit(tracker: string): Promise<void> {
    const shop = bundlePage(tracker, collector.url);
    site.page = (path) =>
      path.startsWith("/shop")
        ? shop
        : "<!doctype html><title>Elsewhere</title><a id=link href='/shop?q=1&utm_source=news&utm_medium=email'>shop</a>";
    await page.goto(`${site.origin}/start`);
    await page.click("#link");
    await page.waitForFunction(() => "shop" in window);
  }
  /** Calls a part of the visit, and waits for the events that it adds. */
  async function act(part: keyof Shop, count: number): Promise<Line[]> {
    const before = collector.events().length;
    await page.evaluate((name) => window.shop[name]?.(), part);
    return added(before, count);
  }
  async function added(before: number, count: number): Promise<Line[]> {
    const end = Date.now() + 8000;
    while (collector.events().length < before + count && Date.now() < end) await sleep(20);
    await sleep(200);
    const events = collector.events().slice(before);
    assert.equal(events.length, count, JSON.stringify(events.map(({ event_type }) => event_type)));
    return events;
  }
  /** Ends the page while the last event waits for a batch to fill. analytics-next takes a moment to put it there. */
  async function leave(): Promise<Line[]> {
    const before = collector.events().length;
    await page.evaluate(() => window.shop.last());
    await sleep(100);
    await page.goto("about:blank");
    const end = Date.now() + 8000;
    while (!collector.events().slice(before).some(isLast) && Date.now() < end) await sleep(20);
    await sleep(200);
    return collector.events().slice(before);
  }
  const isLast = ({ event_type }: Line) => event_type === "last";

  /** What holds for each tracker: nothing refused, each event once and of the right time, device from the header. */
  function allIsWell(): void {
    const { refused } = collector.ingested();
    assert.deepEqual(refused, []);
    for (const { request, status } of collector.answered) assert.ok(status < 300, `${request}: ${status}`);
    const events = collector.events();
    assert.equal(new Set(events.map(({ event_id }) => event_id)).size, events.length);
    for (const event of events) {
      assert.ok(Math.abs(Date.parse(event.event_time) - Date.now()) < 30_000, event.event_time);
      assert.deepEqual(pick(event, "device_type", "browser", "os"), {
        ...{ device_type: "desktop", browser: "Chrome", os: "Windows" },
      });
      assert.equal(event.user_agent, undefined);
      assert.ok(event.session_id ?? event.anonymous_id ?? event.user_id);
    }
  }
  const view = () => ({
    event_type: "page_view",
    page_title: "The shop",
    referrer_url: `${site.origin}/start`,
    utm_source: "news",
    utm_medium: "email",
  });
  const VIEW = ["event_type", "page_title", "referrer_url", "utm_source", "utm_medium"];
  const PRODUCT = [
    "event_type",
    "product_id",
    "product_name",
    "product_category",
    "product_price",
    "quantity",
  ];
  const LAMPS = {
    event_type: "purchase",
    product_id: "p-1",
    product_name: "Lamp",
    product_category: "Home",
    product_price: 19.9,
    quantity: 2,
  };
  const oneVisitor = (...fields: string[]) => {
    for (const field of fields) {
      const values = new Set(collector.events().map((event) => event[field]));
      assert.equal(values.size, 1, field);
      assert.ok([...values][0], field);
    }
  };
  /** The requests that had so many events. */
  const requestsWith = (events: number) => collector.answered.filter((each) => each.events === events);

  it("reads this project's tracker", async () => {
    await visit("own");
    const [first] = await added(0, 1);
    assert.deepEqual(pick(first, "page_url", ...VIEW), { ...view(), page_url: `${site.origin}/shop?q=1` });
    const [custom] = await act("custom", 1);
    assert.deepEqual(pick(custom, "event_type", "properties"), {
      event_type: "newsletter",
      properties: { list: "weekly" },
    });
    const [purchase] = await act("purchase", 1);
    assert.deepEqual(pick(purchase, ...PRODUCT, "properties"), {
      ...LAMPS,
      properties: { order_id: "o-1", currency: "EUR" },
    });
    const [identify] = await act("identify", 1);
    assert.deepEqual(pick(identify, "event_type", "user_id", "properties"), {
      event_type: "identify",
      user_id: "u-1",
      properties: { plan: "gold" },
    });
    const steps = await act("batch", 3);
    assert.deepEqual(
      steps.map((event) => pick(event, "event_type", "user_id", "properties")),
      ["1", "2", "3"].map((number) => ({ event_type: "step", user_id: "u-1", properties: { number } })),
    );
    assert.equal(requestsWith(3).length, 1);
    assert.deepEqual(
      (await leave()).map(({ event_type }) => event_type),
      ["last"],
    );
    allIsWell();
    oneVisitor("session_id", "anonymous_id");
  });

  it("reads Segment's analytics-next", async () => {
    await visit("segment");
    const [first] = await act("view", 1);
    const url = `${site.origin}/shop?q=1&utm_source=news&utm_medium=email`;
    assert.deepEqual(pick(first, "page_url", ...VIEW), { ...view(), page_url: url });
    const [custom] = await act("custom", 1);
    assert.deepEqual([custom?.event_type, custom?.properties?.list], ["Newsletter Joined", "weekly"]);
    const [purchase] = await act("purchase", 1);
    assert.deepEqual(pick(purchase, ...PRODUCT), LAMPS);
    assert.deepEqual(pick(purchase?.properties, "order_id", "currency"), {
      order_id: "o-1",
      currency: "EUR",
    });
    const [identify] = await act("identify", 1);
    assert.deepEqual(pick(identify, "event_type", "user_id"), { event_type: "identify", user_id: "u-1" });
    assert.equal(identify?.properties?.["traits.plan"], "gold");
    const steps = await act("batch", 3);
    assert.deepEqual(
      steps.map(({ event_type, properties }) => [event_type, properties?.number]),
      ["1", "2", "3"].map((number) => ["step", number]),
    );
    assert.deepEqual(
      requestsWith(3).map(({ request }) => request),
      ["POST /v1/b"],
    );
    assert.deepEqual(
      (await leave()).map(({ event_type }) => event_type),
      ["last"],
    );
    allIsWell();
    oneVisitor("anonymous_id");
  });

  it("reads Snowplow's browser tracker", async () => {
    await visit("snowplow");
    const [first] = await act("view", 1);
    const url = `${site.origin}/shop?q=1&utm_source=news&utm_medium=email`;
    assert.deepEqual(pick(first, "page_url", ...VIEW), { ...view(), page_url: url });
    assert.equal(first?.properties?.app_id, "shop");
    const [custom] = await act("custom", 1);
    assert.deepEqual([custom?.event_type, custom?.properties?.list], ["newsletter", "weekly"]);
    const [purchase] = await act("purchase", 1);
    assert.deepEqual(pick(purchase, ...PRODUCT), LAMPS);
    assert.deepEqual(pick(purchase?.properties, "order_id", "currency"), {
      order_id: "o-1",
      currency: "EUR",
    });
    const [signIn] = await act("identify", 1);
    assert.deepEqual([signIn?.event_type, signIn?.user_id], ["sign_in", "u-1"]);
    const steps = await act("batch", 3);
    assert.deepEqual(
      steps.map(({ event_type, user_id, properties }) => [event_type, user_id, properties?.se_value]),
      ["1", "2", "3"].map((value) => ["step", "u-1", value]),
    );
    assert.equal(requestsWith(3).length, 1);
    assert.deepEqual(
      (await leave()).map(({ event_type }) => event_type),
      ["last"],
    );
    allIsWell();
    oneVisitor("session_id", "anonymous_id");
  });

  it("reads Plausible's tracker, which sends each event alone and has no ids", async () => {
    await visit("plausible");
    const [first] = await added(0, 1);
    const { page_title: _, ...withoutTitle } = view();
    const url = `${site.origin}/shop?q=1&utm_source=news&utm_medium=email`;
    assert.deepEqual(pick(first, "page_url", ...VIEW), { ...withoutTitle, page_url: url });
    const [custom] = await act("custom", 1);
    assert.deepEqual([custom?.event_type, custom?.properties?.list], ["newsletter", "weekly"]);
    const [purchase] = await act("purchase", 1);
    assert.deepEqual(pick(purchase, ...PRODUCT), {
      event_type: "purchase",
      product_price: 39.8,
      quantity: 1,
    });
    assert.deepEqual(pick(purchase?.properties, "goal", "order_id", "currency", "domain"), {
      ...{ goal: "Purchase", order_id: "o-1", currency: "EUR", domain: "shop.example" },
    });
    // At the end of a page it also sends how long and how far it was read.
    const last = await leave();
    assert.ok(last.some(isLast));
    assert.deepEqual([...new Set(last.map(({ event_type }) => event_type))].sort(), ["engagement", "last"]);
    allIsWell();
    assert.equal(requestsWith(1).length, collector.events().length);
  });
});
