// Plausible's events API: what its tracker sends, against events written by hand, and the visitor of the day.

import assert from "node:assert/strict";
import { Api, ARRIVAL, type Line, recorded } from "./api";

const EVENT = { n: "pageview", u: "https://shop.example.com/", d: "shop.example.com" };

describe("lambdas/collector: Plausible", () => {
  it("reads a page view, a custom event, a revenue goal and the end of a page", async () => {
    const api = new Api();
    for (const request of recorded("plausible")) {
      const answer = await api.replay(request);
      assert.deepEqual([answer.statusCode, answer.body], [202, "ok"]);
    }
    const { accepted, refused } = api.ingested();
    assert.deepEqual(refused, []);
    const [view, joined, bought, end] = accepted as [Line, Line, Line, Line];
    const { event_id, anonymous_id, arrival: _, ...fields } = view;
    assert.deepEqual(fields, {
      event_type: "page_view",
      event_time: "2026-11-26T15:39:00.000Z",
      page_url:
        "https://shop.example.com/product/trail-shoe?utm_source=newsletter&utm_medium=email&utm_campaign=weekly",
      referrer_url: "https://www.google.com/",
      utm_source: "newsletter",
      utm_medium: "email",
      utm_campaign: "weekly",
      device_type: "desktop",
      browser: "Chrome",
      os: "Windows",
      geo: { ip: "193.99.144.0", country: "DE" },
      properties: { domain: "shop.example.com" },
    });
    assert.match(event_id, /^[0-9a-f-]{36}$/);
    assert.match(anonymous_id, /^visitor-[0-9a-f-]{36}$/);
    assert.deepEqual(
      [joined.event_type, joined.properties],
      ["Newsletter Joined", { list: "weekly", domain: "shop.example.com" }],
    );
    assert.deepEqual([bought.event_type, bought.product_price, bought.quantity], ["purchase", 109.8, 1]);
    assert.deepEqual(bought.properties, {
      order_id: "o-1",
      goal: "Purchase",
      revenue_amount: "109.80",
      currency: "EUR",
      domain: "shop.example.com",
    });
    assert.deepEqual([end.event_type, end.properties.engagement_ms], ["engagement", "3333"]);
    assert.equal(new Set(accepted.map((line) => line.event_id)).size, 4);
    assert.equal(new Set(accepted.map((line) => line.anonymous_id)).size, 1);
  });

  it("reads the long names, properties as text, and a product among them", async () => {
    const api = new Api();
    const props = { product_id: "P-1", product_price: 9.5, quantity: "2", color: "red" };
    const event = {
      name: "Add to cart",
      url: EVENT.u,
      domain: "a",
      referrer: "https://x.example/",
      m: JSON.stringify(props),
    };
    await api.post("/api/event", event);
    await api.post("/api/event", { ...EVENT, n: "Sale", p: props, $: { amount: 19, currency: "USD" } });
    const [added, sold] = api.ingested().accepted as [Line, Line];
    assert.deepEqual(
      [added.event_type, added.product_id, added.product_price, added.quantity, added.referrer_url],
      ["add_to_cart", "P-1", 9.5, 2, "https://x.example/"],
    );
    assert.deepEqual(added.properties, { color: "red", domain: "a" });
    assert.deepEqual(
      [
        sold.event_type,
        sold.product_price,
        sold.quantity,
        sold.properties.goal,
        sold.properties.revenue_amount,
      ],
      ["purchase", 9.5, 2, "Sale", "19"],
    );
  });

  it("tells visitors apart by network, kind of browser, site and day, and by nothing else", async () => {
    const api = new Api();
    const visitor = async (sent: object = {}, event: object = EVENT) => {
      await api.post("/api/event", event, sent);
      return (api.lines().at(-1) as Line).anonymous_id;
    };
    const first = await visitor();
    const same = [
      await visitor({ address: "193.99.144.1" }),
      await visitor({ arrivalMs: ARRIVAL - 3_600_000 * 15 }),
      await visitor({}, { ...EVENT, u: "https://shop.example.com/other" }),
      await visitor({
        headers: {
          "user-agent":
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99.0.0.0 Safari/537.36",
        },
      }),
    ];
    const others = [
      await visitor({ address: "193.99.145.80" }),
      await visitor({ arrivalMs: ARRIVAL + 86_400_000 }),
      await visitor({}, { ...EVENT, d: "other.example.com" }),
      await visitor({
        headers: { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0" },
      }),
    ];
    assert.deepEqual(new Set(same), new Set([first]));
    assert.equal(new Set([first, ...others]).size, 5);
  });

  it("takes the whole address only where the table keeps it, and none where it is dropped", async () => {
    const visitors = async (ip: "keep" | "hash" | "mask" | "drop") => {
      const api = new Api();
      api.collector.rules = { ip, userAgent: "drop" };
      await api.post("/api/event", EVENT, { address: "193.99.144.80" });
      await api.post("/api/event", EVENT, { address: "193.99.144.81" });
      return api.lines();
    };
    const distinct = (lines: Line[]) => new Set(lines.map(({ anonymous_id }) => anonymous_id)).size;
    assert.equal(distinct(await visitors("keep")), 2);
    assert.equal(distinct(await visitors("hash")), 1);
    assert.equal(distinct(await visitors("mask")), 1);
    const dropped = await visitors("drop");
    assert.deepEqual(
      dropped.map(({ anonymous_id }) => anonymous_id),
      [undefined, undefined],
    );
    assert.equal(new Set(dropped.map(({ session_id }) => session_id)).size, 2);
  });

  it("counts the same event of two requests twice", async () => {
    const api = new Api();
    await api.post("/api/event", EVENT);
    await api.post("/api/event", EVENT);
    assert.equal(new Set(api.lines().map(({ event_id }) => event_id)).size, 2);
  });

  it("sends on as it came what has no name or no URL", async () => {
    const api = new Api();
    const bodies = [
      "{",
      "7",
      "[]",
      '{"n":"pageview"}',
      '{"u":"https://a.example/"}',
      '{"n":7,"u":"https://a.example/"}',
    ];
    for (const body of bodies) assert.equal((await api.post("/api/event", body)).statusCode, 202);
    const { accepted, refused } = api.ingested();
    assert.deepEqual(accepted, []);
    assert.deepEqual(refused.map(({ payload }) => payload).sort(), bodies.sort());
  });
});
