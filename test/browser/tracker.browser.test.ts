// The tracker in a real browser: what it sends, what it keeps, and what it never sends.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { launchBrowser } from "../../cli/browser/launch";
import type { Clickstream } from "../../tracker/api";
import { type SentEvent, Site } from "./site";

const HEX = /^[0-9a-f]{32}$/;
const DAY_MS = 86_400_000;

const types = (events: SentEvent[]) => events.map(({ event_type }) => event_type);
const ids = (events: SentEvent[]) => events.map(({ event_id }) => event_id);
const only = <Value>(values: Value[]): Value => {
  assert.equal(new Set(values).size, 1, `${values}`);
  return values[0] as Value;
};

describe("the tracker in a browser", function () {
  this.timeout(30_000);
  const site = new Site();
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  before(async () => {
    await site.start();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await site.stop();
  });
  beforeEach(async () => {
    site.reset();
    context = await browser.newContext();
    page = await context.newPage();
  });
  afterEach(() => context.close());

  const open = (path = "/", tab = page) => tab.goto(site.origin + path);
  /** Runs in the page, once the tracker has loaded. */
  async function call(run: (tracker: Clickstream) => void, tab = page): Promise<void> {
    await tab.waitForFunction(() => "track" in window.clickstream);
    await tab.evaluate(`(${run})(window.clickstream)`);
  }
  const stored = (tab = page) =>
    tab.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("clickstream:")));
  /** Moves the clock of the pages, not their timers. */
  const shiftClock = (ms: number, tab = page) =>
    tab.addInitScript(
      `{ const now = Date.now; window.shiftMs = ${ms}; Date.now = () => now() + window.shiftMs; }`,
    );

  describe("page views", () => {
    it("sends one with URL, title, referrer, ids and the device's time, in a request without preflight", async () => {
      site.page = (path) =>
        path === "/from" ? '<a id="link" href="/shop?q=1#top">shop</a>' : site.html({ title: "The shop" });
      await open("/from");
      await page.click("#link");
      const [event] = await site.events(1);
      assert.ok(event);
      assert.match(event.event_id, HEX);
      assert.match(String(event.session_id), HEX);
      assert.match(String(event.anonymous_id), HEX);
      assert.ok(Math.abs(Date.parse(event.event_time) - Date.now()) < 10_000);
      const { event_id, session_id, anonymous_id, event_time, ...rest } = event;
      assert.deepEqual(rest, {
        event_type: "page_view",
        page_url: `${site.origin}/shop?q=1`,
        page_title: "The shop",
        referrer_url: `${site.origin}/from`,
      });
      const [request] = site.requests;
      assert.equal(request?.url.pathname, "/v1/events");
      assert.deepEqual([...(request?.url.searchParams.keys() ?? [])], ["sentAt"]);
      assert.match(request?.headers["content-type"] ?? "", /^text\/plain/);
      assert.equal(request?.headers.cookie, undefined);
      assert.deepEqual(
        site.requests.map(({ method }) => method),
        ["POST"],
      );
    });

    it("sends one for each new URL of a single-page app, and none twice", async () => {
      await open("/");
      await call(() => {
        history.pushState(null, "", "/a");
        document.title = "A";
      });
      await sleep(200);
      const steps = [
        'history.pushState(null, "", "/a")',
        'history.replaceState({ scroll: 1 }, "", "/a#part")',
        'history.replaceState(null, "", "/a?utm_source=x")',
        'location.hash = "other"',
        'history.replaceState(null, "", "/b")',
        "history.back()",
      ];
      for (const step of steps) {
        await page.evaluate(step);
        await sleep(50);
      }
      const events = await site.events(4);
      assert.deepEqual(
        events.map(({ page_url, referrer_url }) =>
          [page_url, referrer_url].map((url) => url && new URL(url as string).pathname),
        ),
        [
          ["/", undefined],
          ["/a", "/"],
          ["/b", "/a"],
          ["/a", "/b"],
        ],
      );
      assert.equal(events[1]?.page_title, "A");
      assert.deepEqual(types(events), Array(4).fill("page_view"));
    });

    it("counts routes in the fragment where the site says so", async () => {
      site.page = () => site.html({ attributes: "data-hash" });
      await open("/#/one");
      await call(() => {
        location.hash = "#/two";
      });
      const events = await site.events(2);
      assert.deepEqual(
        events.map(({ page_url }) => page_url),
        [`${site.origin}/#/one`, `${site.origin}/#/two`],
      );
    });

    it("leaves them to the site where it says so", async () => {
      site.page = () => site.html({ attributes: 'data-page-views="manual"' });
      await open("/");
      await call((tracker) => {
        history.pushState(null, "", "/a");
        tracker.page({ section: "docs" });
      });
      const [event] = await site.events(1);
      assert.deepEqual([event?.event_type, event?.section], ["page_view", "docs"]);
    });

    it("sends one when the back/forward cache brings the page back", async () => {
      await open("/first");
      await site.events(1);
      await page.evaluate(() => Object.assign(window, { mark: 1 }));
      await open("/second");
      await site.events(2);
      await page.goBack({ waitUntil: "commit" });
      await sleep(500);
      if (!(await page.evaluate(() => "mark" in window))) {
        // Headless shells have no such cache: the page was loaded, so its view is one as any. The events are the same.
        await site.events(3);
        await page.evaluate(() => {
          dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
          dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
        });
        await site.events(4);
      } else await site.events(3);
      const last = site.received().at(-1);
      assert.deepEqual([last?.event_type, last?.page_url], ["page_view", `${site.origin}/first`]);
      only(site.received().map(({ session_id }) => session_id));
    });
  });

  describe("events", () => {
    it("sends clicks on elements with data-clickstream, also inside of them and when the page stops the click", async () => {
      site.page = () =>
        site.html({
          body: `<button data-clickstream="add_to_cart" data-clickstream-product-id="p1" data-clickstream-product-price="2.5"
            data-clickstream-quantity="2" data-clickstream-list="top" onclick="event.stopPropagation()"><b id="in">Buy</b></button>
            <a id="out" href="#no">no event</a>`,
        });
      await open("/");
      await call(() => {});
      await page.click("#in");
      await page.click("#out");
      const [, click] = await site.events(2);
      assert.ok(click);
      const { event_type, product_id, product_price, quantity, list } = click;
      assert.deepEqual(
        { event_type, product_id, product_price, quantity, list },
        { event_type: "add_to_cart", product_id: "p1", product_price: 2.5, quantity: 2, list: "top" },
      );
    });

    it("has typed helpers for the shop", async () => {
      await open("/");
      await call((tracker) => {
        const lamp = { product_id: "p1", product_name: "Lamp", product_category: "Home", product_price: 10 };
        tracker.productView(lamp);
        tracker.addToCart({ ...lamp, quantity: 2 });
        tracker.checkout({ ...lamp, quantity: 2 });
        tracker.checkout([lamp, { product_id: "p2" }], { coupon: "X" });
        tracker.checkout();
        tracker.purchase(
          [
            { ...lamp, quantity: 2 },
            { product_id: "p2", product_price: 5 },
          ],
          { order_id: "o1" },
        );
        tracker.purchase({ product_id: "p3" });
      });
      const events = await site.events(9);
      const shown = events
        .slice(1)
        .map(({ event_type, product_id, product_price, quantity, items, coupon }) => ({
          ...{ event_type, product_id, product_price, quantity, items, coupon },
        }));
      const none = {
        product_id: undefined,
        product_price: undefined,
        quantity: undefined,
        items: undefined,
        coupon: undefined,
      };
      assert.deepEqual(shown, [
        { ...none, event_type: "product_view", product_id: "p1", product_price: 10 },
        { ...none, event_type: "add_to_cart", product_id: "p1", product_price: 10, quantity: 2 },
        { ...none, event_type: "begin_checkout", product_id: "p1", product_price: 10, quantity: 2 },
        {
          ...none,
          event_type: "begin_checkout",
          coupon: "X",
          items: [
            { product_id: "p1", product_name: "Lamp", product_category: "Home", product_price: 10 },
            { product_id: "p2" },
          ],
        },
        { ...none, event_type: "begin_checkout" },
        { ...none, event_type: "purchase", product_id: "p1", product_price: 10, quantity: 2 },
        { ...none, event_type: "purchase", product_id: "p2", product_price: 5 },
        { ...none, event_type: "purchase", product_id: "p3" },
      ]);
      const orders = events.slice(6).map(({ order_id }) => order_id);
      assert.deepEqual(orders.slice(0, 2), ["o1", "o1"]);
      assert.match(String(orders[2]), HEX);
    });

    it("runs what the page called before the script was there, and knows the user in the first page view", async () => {
      site.page = () =>
        site.html({
          before:
            'clickstream.push(["identify", 7, { plan: "pro" }], ["noSuchMethod"], ["track", "early", { a: 1 }])',
        });
      await open("/");
      const events = await site.events(3);
      assert.deepEqual(
        events.map(({ event_type, user_id }) => [event_type, user_id]),
        [
          ["identify", "7"],
          ["early", "7"],
          ["page_view", "7"],
        ],
      );
      assert.deepEqual([events[0]?.plan, events[1]?.a], ["pro", 1]);
    });

    it("keeps the user on later pages until reset, which begins a new visitor and session", async () => {
      await open("/");
      await call((tracker) => tracker.identify("u1"));
      await site.events(2);
      await open("/next");
      await site.events(3);
      await call((tracker) => {
        tracker.reset();
        tracker.track("after");
      });
      const events = await site.events(4);
      assert.deepEqual(
        events.map(({ user_id }) => user_id),
        [undefined, "u1", "u1", undefined],
      );
      const visitors = events.map(({ anonymous_id, session_id }) => `${anonymous_id} ${session_id}`);
      only(visitors.slice(0, 3));
      assert.notEqual(visitors[3], visitors[2]);
    });

    it("never throws into the page, and says what it could not send", async () => {
      const warnings: string[] = [];
      page.on("console", (message) => warnings.push(message.text()));
      await open("/");
      await call((tracker) => {
        const circle: Record<string, unknown> = {};
        circle.self = circle;
        tracker.track("circle", circle);
        tracker.track("huge", { text: "x".repeat(70_000) });
        tracker.track("fine");
      });
      assert.deepEqual(types(await site.events(2)), ["page_view", "fine"]);
      assert.match(
        warnings.join("\n"),
        /clickstream: event is not JSON[\s\S]*clickstream: event is too large/,
      );
    });

    it("sends many events in few requests, none of them above 64 KiB", async () => {
      await open("/");
      await call((tracker) => {
        for (let index = 0; index < 120; index++) tracker.track("many", { index, text: "ä".repeat(500) });
      });
      const events = await site.events(121);
      assert.deepEqual(
        events.slice(1).map(({ index }) => index),
        Array.from({ length: 120 }, (_, index) => index),
      );
      assert.ok(site.requests.length <= 6, `${site.requests.length} requests`);
      for (const { body } of site.requests) assert.ok(Buffer.byteLength(body) <= 65_536);
    });

    it("sends the write key with each request", async () => {
      site.page = () => site.html({ attributes: 'data-write-key="a key"' });
      await open("/");
      await site.events(1);
      assert.equal(only(site.requests.map(({ url }) => url.searchParams.get("writeKey"))), "a key");
    });

    it("does not run twice when the page has its script twice", async () => {
      site.page = () => site.html() + site.html();
      await open("/");
      await site.events(1);
    });
  });

  describe("sessions and campaigns", () => {
    it("has one session for all tabs, and a new one after 30 minutes without an event", async () => {
      const other = await context.newPage();
      await shiftClock(0);
      await shiftClock(29 * 60_000, other);
      await open("/");
      await site.events(1);
      await open("/other", other);
      await site.events(2);
      await call((tracker) => {
        Object.assign(window, { shiftMs: 58 * 60_000 });
        tracker.track("goes_on");
        Object.assign(window, { shiftMs: 89 * 60_000 });
        tracker.track("later");
      });
      const events = await site.events(4);
      const sessions = events.map(({ session_id }) => session_id);
      only(sessions.slice(0, 3));
      assert.notEqual(sessions[3], sessions[0]);
      only(events.map(({ anonymous_id }) => anonymous_id));
    });

    it("puts the campaign of the first page on all events of the session, and takes it out of the URL", async () => {
      await shiftClock(0);
      await open("/?utm_source=news&utm_medium=email&utm_campaign=spring&utm_content=top&q=1");
      await site.events(1);
      await open("/next");
      await site.events(2);
      await call((tracker) => {
        Object.assign(window, { shiftMs: 31 * 60_000 });
        tracker.track("next_session");
      });
      const events = await site.events(3);
      const campaigns = events.map(({ utm_source, utm_medium, utm_campaign, utm_content }) => [
        ...[utm_source, utm_medium, utm_campaign, utm_content],
      ]);
      const spring = ["news", "email", "spring", "top"];
      assert.deepEqual(campaigns, [spring, spring, Array(4).fill(undefined)]);
      assert.equal(events[0]?.page_url, `${site.origin}/?q=1`);
    });

    it("keeps a visitor in the sample or out of it on every page, and says the rate", async () => {
      site.page = () => site.html({ attributes: 'data-sample="0.25"' });
      const visitor = (id: string) =>
        page.addInitScript(`localStorage.setItem("clickstream:visitor", "${id.repeat(32)}")`);
      await visitor("3"); // 0.2
      await open("/");
      await open("/two");
      const events = await site.events(2);
      assert.equal(only(events.map(({ sample_rate }) => sample_rate)), 0.25);
      await visitor("5"); // 0.33
      await open("/");
      await open("/two");
      await site.events(2);
    });

    it("has a rate that is no number said in the console, and sends nothing", async () => {
      const warnings: string[] = [];
      page.on("console", (message) => warnings.push(message.text()));
      site.page = () => site.html({ attributes: 'data-sample="0,5"' });
      await open("/");
      await site.events(0, { timeoutMs: 0, quietMs: 600 });
      assert.match(warnings.join(), /data-sample must be 0 to 1/);
    });
  });

  describe("what gets lost on the way", () => {
    it("keeps events while offline, over a reload, and sends each once when the network is back", async () => {
      await open("/");
      await site.events(1);
      // The site still answers (a service worker would), the collector does not.
      await context.route(`${site.collector}/v1/**`, (route) => route.abort("internetdisconnected"));
      await call((tracker) => tracker.track("offline"));
      await sleep(300);
      await open("/reloaded");
      await call((tracker) => tracker.track("offline_too"));
      await sleep(300);
      await context.unroute(`${site.collector}/v1/**`);
      await page.evaluate(() => dispatchEvent(new Event("online")));
      const events = await site.events(4);
      assert.deepEqual(types(events), ["page_view", "offline", "page_view", "offline_too"]);
      assert.deepEqual(ids(site.received()), ids(events));
      assert.deepEqual(
        (await stored()).filter((key) => key.startsWith("clickstream:event:")),
        [],
      );
    });

    it("tries again when the network is down, without any event of the browser", async () => {
      await open("/");
      await site.events(1);
      await context.setOffline(true);
      await call((tracker) => tracker.track("offline"));
      await sleep(400);
      assert.equal(site.received().length, 1);
      await context.setOffline(false);
      assert.deepEqual(types(await site.events(2)), ["page_view", "offline"]);
    });

    it("sends again what was under way when the page closed, with the same ids", async () => {
      site.answer = () => ({ status: 503, delayMs: 600, headers: { "retry-after": "0" } });
      await open("/");
      await call((tracker) => tracker.track("before_close"));
      await site.until(() => site.received(false).length >= 1);
      await page.close();
      site.answer = () => ({ status: 200 });
      const sent = new Set(ids(site.received(false)));
      await sleep(700);
      page = await context.newPage();
      await open("/again");
      const events = await site.events(3);
      // A beacon may overtake the request that the collector holds back.
      assert.deepEqual(types(events).sort(), ["before_close", "page_view", "page_view"]);
      for (const id of sent) assert.ok(ids(events).includes(id));
    });

    it("sends the last events of a page by a beacon, and has them until the collector has answered", async () => {
      site.page = () =>
        site.html({
          attributes: 'data-batch-ms="60000"',
          body: '<a id="leave" href="about:blank" data-clickstream="leave">leave</a>',
        });
      await open("/");
      await site.events(1);
      await page.click("#leave");
      const events = await site.events(2);
      assert.deepEqual(types(events), ["page_view", "leave"]);
      assert.equal(site.requests.length, 2);
      assert.match(site.requests[1]?.headers["content-type"] ?? "", /^text\/plain/);
      await open("/");
      const later = await site.events(3);
      // The answer to a beacon reaches nobody, so the next page sends a copy. It has the same id.
      assert.deepEqual(types(later), ["page_view", "leave", "page_view"]);
      assert.equal(ids(site.received()).filter((id) => id === events[1]?.event_id).length, 2);
    });

    it("tries again after 503, not before Retry-After, also on the next page and in another tab", async () => {
      site.answer = () => ({ status: 503, headers: { "retry-after": "2" } });
      await open("/");
      await site.until(() => site.requests.length === 1);
      const refusedMs = site.requests[0]?.atMs ?? 0;
      site.answer = () => ({ status: 200 });
      await open("/next");
      await open("/other", await context.newPage());
      const events = await site.events(3, { quietMs: 1500 });
      assert.ok((site.requests[1]?.atMs ?? 0) - refusedMs >= 2000);
      assert.ok(site.requests[0]?.events.every(({ event_id }) => ids(events).includes(event_id)));
    });

    it("waits longer from try to try where the collector gives no time", async () => {
      site.answer = () => ({ status: 500 });
      await open("/");
      await site.until(() => site.requests.length >= 3, 10_000);
      const [first = 0, second = 0, third = 0] = site.requests.map(({ atMs }) => atMs);
      assert.ok(second - first >= 450 && third - second >= 950, `${second - first}, ${third - second}`);
      only(site.received(false).map(({ event_id }) => event_id));
    });

    it("does not wait for ever for an answer", async () => {
      // 30 s are too long for a test: the page makes them 500 ms.
      await page.addInitScript(
        "{ const timeout = AbortSignal.timeout; AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms / 60); }",
      );
      let first = true;
      site.answer = () => {
        const answer = first ? { status: 200, delayMs: 20_000 } : { status: 200 };
        first = false;
        return answer;
      };
      await open("/");
      await site.until(() => site.received().length === 1);
      assert.equal(site.requests.length, 2);
      only(site.received(false).map(({ event_id }) => event_id));
    });

    it("finds the one event that the collector always refuses, drops it, and sends all others", async () => {
      const warnings: string[] = [];
      page.on("console", (message) => warnings.push(message.text()));
      for (const status of [400, 413]) {
        site.requests.length = 0;
        site.answer = ({ events }) => ({ status: types(events).includes("bad") ? status : 200 });
        await open("/");
        await call((tracker) => {
          for (let index = 0; index < 10; index++) tracker.track(index === 6 ? "bad" : "good");
        });
        assert.deepEqual(types(await site.events(10)), ["page_view", ...Array(9).fill("good")]);
        assert.ok(site.requests.length <= 10, `${site.requests.length} requests`);
        assert.deepEqual(
          (await stored()).filter((key) => key.startsWith("clickstream:event:")),
          [],
        );
      }
      assert.ok(warnings.some((text) => text.startsWith("clickstream: event refused 413")));
    });

    it("keeps events while the write key is wrong", async () => {
      site.answer = () => ({ status: 401 });
      await open("/");
      await site.until(() => site.requests.length === 1);
      site.answer = () => ({ status: 200 });
      await site.events(1);
    });

    it("sends the time of a clock that is wrong by a day with the time of sending, for the collector to correct", async () => {
      await shiftClock(-DAY_MS);
      await context.setOffline(false);
      await open("/");
      await site.events(1);
      const [{ events: [event] = [], url, atMs }] = site.requests as [Site["requests"][number]];
      const eventMs = Date.parse(event?.event_time ?? "");
      assert.ok(Math.abs(eventMs - (Date.now() - DAY_MS)) < 10_000);
      const corrected = eventMs + (atMs - Number(url.searchParams.get("sentAt")));
      assert.ok(Math.abs(corrected - Date.now()) < 10_000);
    });

    it("loses nothing with two tabs, offline and back, and has them take turns", async () => {
      const other = await context.newPage();
      await open("/");
      await open("/", other);
      await site.events(2);
      await context.route(`${site.collector}/v1/**`, (route) => route.abort("internetdisconnected"));
      for (const tab of [page, other])
        await call((tracker) => {
          for (let index = 0; index < 60; index++) tracker.track("both");
        }, tab);
      await sleep(400);
      await context.unroute(`${site.collector}/v1/**`);
      site.answer = () => ({ status: 200, delayMs: 50 });
      for (const tab of [page, other]) await tab.evaluate(() => dispatchEvent(new Event("online")));
      const events = await site.events(122);
      // Chrome tells other processes late what a tab has removed, so some may be sent by both tabs, with the same ids.
      assert.ok(site.received().length < 2 * events.length, `${site.received().length} copies`);
    });

    it("keeps the newest 1,000 events", async () => {
      await open("/");
      await site.events(1);
      await context.route(`${site.collector}/v1/**`, (route) => route.abort("internetdisconnected"));
      await call((tracker) => {
        for (let index = 0; index < 1100; index++) tracker.track("many", { index });
      });
      const waiting = await page.evaluate(() =>
        Object.keys(localStorage)
          .filter((key) => key.startsWith("clickstream:event:"))
          .sort()
          .map((key) => JSON.parse(localStorage[key]).index),
      );
      assert.deepEqual(
        waiting,
        Array.from({ length: 1000 }, (_, index) => index + 100),
      );
    });

    it("works when storage is full, and stores again when there is room", async () => {
      await page.addInitScript(`try { for (let size = 1 << 22; size; ) {
        try { localStorage.setItem("filler" + size + Math.random(), "x".repeat(size)); } catch { size >>= 1; }
      } } catch {}`);
      await open("/");
      await call((tracker) => tracker.track("full"));
      const events = await site.events(2);
      only(events.map(({ session_id, anonymous_id }) => `${session_id} ${anonymous_id}`));
      assert.deepEqual(await stored(), []);
      await call((tracker) => {
        localStorage.clear();
        tracker.track("room");
      });
      only((await site.events(3)).map(({ session_id }) => session_id));
      assert.deepEqual((await stored()).sort(), ["clickstream:session", "clickstream:visitor"]);
    });

    it("works where the browser forbids storage, and sends what is left at the end of the page", async () => {
      // A sandbox has no origin: localStorage and locks throw.
      site.pageHeaders = { "content-security-policy": "sandbox allow-scripts" };
      await open("/");
      await call((tracker) => tracker.track("forbidden"));
      const events = await site.events(2);
      only(events.map(({ session_id, anonymous_id }) => `${session_id} ${anonymous_id}`));
      await call((tracker) => tracker.track("last"));
      await page.goto("about:blank");
      assert.deepEqual(types(await site.events(3)), ["page_view", "forbidden", "last"]);
    });
  });

  describe("privacy", () => {
    it("stores and sends nothing before consent where it is asked for, then sends what happened on the page", async () => {
      site.page = () => site.html({ attributes: 'data-consent="required"' });
      await open("/");
      await call((tracker) => tracker.track("before"));
      await site.events(0, { timeoutMs: 0, quietMs: 600 });
      assert.equal(await page.evaluate(() => localStorage.length), 0);
      assert.deepEqual(await context.cookies(), []);
      await call((tracker) => tracker.consent(true));
      const events = await site.events(2);
      assert.deepEqual(types(events), ["page_view", "before"]);
      await open("/later");
      only((await site.events(3)).map(({ anonymous_id }) => anonymous_id));
    });

    it("sends nothing of a page that is left without consent", async () => {
      site.page = () => site.html({ attributes: "data-consent" });
      await open("/");
      await call((tracker) => tracker.track("before"));
      await page.goto(`${site.origin}/next`);
      await page.goto("about:blank");
      await site.events(0, { timeoutMs: 0, quietMs: 600 });
    });

    it("deletes what it has stored when consent is withdrawn, in all tabs, and sends nothing after it", async () => {
      site.page = () => site.html({ attributes: 'data-consent="required"' });
      const other = await context.newPage();
      await open("/");
      await call((tracker) => tracker.consent(true));
      await open("/", other);
      await site.events(2);
      await call((tracker) => tracker.consent(false));
      for (const tab of [page, other]) {
        await call((tracker) => {
          tracker.track("after");
          tracker.identify("u1");
        }, tab);
      }
      await open("/again");
      await site.events(2);
      assert.deepEqual(await stored(), []);
    });

    it("remembers an objection where no consent is asked for", async () => {
      await open("/");
      await site.events(1);
      await call((tracker) => {
        tracker.consent(false);
        tracker.track("after");
        tracker.identify("u1");
      });
      await open("/later");
      await site.events(1);
      assert.deepEqual(await stored(), ["clickstream:consent"]);
      await call((tracker) => {
        tracker.consent(true);
        tracker.track("again");
      });
      assert.deepEqual(types(await site.events(2)), ["page_view", "again"]);
    });

    const signal = (name: string, value: unknown) =>
      page.addInitScript(`Object.defineProperty(navigator, "${name}", { value: ${JSON.stringify(value)} })`);

    it("sends no ids with Global Privacy Control", async () => {
      await signal("globalPrivacyControl", true);
      await open("/?utm_source=news");
      await call((tracker) => {
        tracker.identify("u1", { email: "a@example.com" });
        tracker.track("next");
      });
      const events = await site.events(2);
      assert.deepEqual(types(events), ["page_view", "next"]);
      for (const event of events) {
        assert.deepEqual(
          [event.user_id, event.anonymous_id, event.session_id],
          [undefined, undefined, `anonymous-${event.event_id}`],
        );
        assert.equal(event.utm_source, "news");
      }
      assert.deepEqual(await stored(), []);
    });

    it("sends nothing, or takes no notice, where the site says so", async () => {
      await signal("globalPrivacyControl", true);
      site.page = () => site.html({ attributes: 'data-gpc="nothing"' });
      await open("/");
      await call((tracker) => tracker.identify("u1"));
      await site.events(0, { timeoutMs: 0, quietMs: 600 });
      assert.deepEqual(await stored(), []);
      site.page = () => site.html({ attributes: 'data-gpc="ignore"' });
      await open("/");
      assert.match(String((await site.events(1))[0]?.anonymous_id), HEX);
    });

    it("reads Do Not Track only where the site says so", async () => {
      await signal("doNotTrack", "1");
      await open("/");
      assert.match(String((await site.events(1))[0]?.anonymous_id), HEX);
      site.page = () => site.html({ attributes: 'data-dnt="no-ids"' });
      await open("/two");
      assert.equal((await site.events(2))[1]?.anonymous_id, undefined);
    });

    it("stores nothing with data-storage=none: a session is a page, and there is no visitor", async () => {
      site.page = () => site.html({ attributes: 'data-storage="none"' });
      await open("/");
      await call((tracker) => tracker.track("same_page"));
      await site.events(2);
      assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length), 0);
      assert.deepEqual(await context.cookies(), []);
      await open("/next");
      const events = await site.events(3);
      const sessions = events.map(({ session_id }) => session_id);
      only(sessions.slice(0, 2));
      assert.notEqual(sessions[2], sessions[0]);
      only(events.map(({ anonymous_id }) => anonymous_id).concat(undefined));
    });
  });
});
