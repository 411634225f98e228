// Segment's HTTP API: what analytics-next sends, and what Segment documents, against events written by hand.

import assert from "node:assert/strict";
import { Api, ARRIVAL, CHROME, type Line, RECORDED, recorded } from "./api";

const PAGE = {
  page_url:
    "https://shop.example.com/product/trail-shoe?utm_source=newsletter&utm_medium=email&utm_campaign=weekly",
  page_title: "Trail Shoe | Example Shop",
  referrer_url: "https://www.google.com/",
  utm_source: "newsletter",
  utm_medium: "email",
  utm_campaign: "weekly",
};
const BROWSER = {
  device_type: "desktop",
  browser: "Chrome",
  os: "Windows",
  geo: { ip: "193.99.144.0", country: "DE" },
};
const CONTEXT = { library: "analytics.js npm:next-1.84.3", locale: "en-US", timezone: "UTC" };
const ANONYMOUS = "634383c4-db90-4953-8c76-b3c63ad79323";

describe("lambdas/collector: Segment", () => {
  it("reads every call of analytics-next", async () => {
    const api = new Api();
    for (const request of recorded("segment")) {
      const answer = await api.replay(request);
      assert.deepEqual([answer.statusCode, answer.body], [200, '{"success":true}']);
    }
    const lines = api.lines();
    assert.deepEqual(lines[0], {
      event_id: "ajs-next-1795707534389-43634383-c4db-40d9-93cc-76b3c63ad793",
      event_type: "page_view",
      event_time: "2026-11-26T15:38:54.389Z",
      anonymous_id: ANONYMOUS,
      ...PAGE,
      ...BROWSER,
      properties: CONTEXT,
    });
    assert.deepEqual(lines[1], {
      event_id: "ajs-next-1795707534570-83c4db90-d953-4c76-b3c6-3ad793238fd1",
      event_type: "Newsletter Joined",
      event_time: "2026-11-26T15:38:54.570Z",
      anonymous_id: ANONYMOUS,
      ...PAGE,
      ...BROWSER,
      properties: { list: "weekly", ...CONTEXT },
    });
    assert.deepEqual(lines[2], {
      event_id: "ajs-next-1795707534588-db90d953-cc76-43c6-bad7-93238fd16f7f",
      event_type: "identify",
      event_time: "2026-11-26T15:38:54.588Z",
      user_id: "user-42",
      anonymous_id: ANONYMOUS,
      email: "jane@example.com",
      ...PAGE,
      ...BROWSER,
      properties: { "traits.plan": "gold", ...CONTEXT },
    });
    assert.deepEqual(lines[3], {
      event_id: "ajs-next-1795707534616-d953cc76-b3c6-4ad7-9323-8fd16f7f03f7",
      event_type: "product_view",
      event_time: "2026-11-26T15:38:54.616Z",
      user_id: "user-42",
      anonymous_id: ANONYMOUS,
      product_id: "P-1",
      product_name: "Trail Shoe",
      product_category: "Shoes",
      product_price: 89.9,
      quantity: 1,
      ...PAGE,
      ...BROWSER,
      properties: { sku: "S1", brand: "Acme", ...CONTEXT },
    });
    assert.deepEqual(
      lines.slice(6).map(({ event_type, user_id, properties }) => [event_type, user_id, properties]),
      [
        ["group", "user-42", { "traits.name": "Acme", group_id: "g-1", ...CONTEXT }],
        ["alias", "user-42", { previous_id: "user-42", ...CONTEXT }],
      ],
    );
    assert.equal(api.ingested().accepted.length, 8);
    assert.deepEqual(api.ingested().refused, []);
  });

  it("makes one purchase of each product of an order, with ids that a retry makes again", async () => {
    const api = new Api();
    const order = recorded("segment").find(({ body }) => body.includes("Order Completed"));
    assert.ok(order);
    await api.replay(order);
    // The retry of the tracker: sent again 20 seconds later, with its own count.
    const again = {
      ...JSON.parse(order.body),
      sentAt: "2026-11-26T15:39:14.637Z",
      _metadata: { retryCount: 2 },
    };
    await api.post(order.url, again, { arrivalMs: RECORDED + 20_000, requestId: "another" });
    const [shoe, socks, ...copies] = api.lines();
    const id = "ajs-next-1795707534635-cc76b3c6-3ad7-4323-8fd1-6f7f03f7c54b";
    const whole = { order_id: "o-1", total: 112.8, revenue: 109.8, shipping: 3, currency: "EUR" };
    const fields = ({
      event_id,
      event_type,
      product_id,
      product_name,
      product_price,
      quantity,
      properties,
    }: Line = {}) => [
      ...[event_id, event_type, product_id, product_name, product_price, quantity, properties],
    ];
    assert.deepEqual(fields(shoe), [
      ...[id, "purchase", "P-1", "Trail Shoe", 89.9, 1],
      { ...whole, product_coupon: "SPRING", ...CONTEXT },
    ]);
    assert.deepEqual(fields(socks), [
      ...[`${id}-2`, "purchase", "P-2", "Socks", 9.95, 2],
      { ...whole, ...CONTEXT },
    ]);
    assert.deepEqual(copies, [shoe, socks], "the retry must be a duplicate in every field");
  });

  it("reads a batch, with what its messages share", async () => {
    const api = new Api();
    const [batch] = recorded("segment-batch");
    assert.ok(batch);
    assert.equal((await api.replay(batch)).statusCode, 200);
    assert.deepEqual(
      api
        .lines()
        .map((each) => [
          ...[each.event_type, each.event_time, each.product_id, each.product_price, each.quantity],
          each.properties.name,
        ]),
      [
        ["page_view", "2026-11-26T15:38:55.108Z", undefined, undefined, undefined, "Trail Shoe"],
        ["begin_checkout", "2026-11-26T15:38:55.116Z", "P-1", 89.9, 1, undefined],
        ["purchase", "2026-11-26T15:38:55.117Z", undefined, 12, 1, undefined],
      ],
    );
    const shared = { context: { locale: "de-DE", ip: "2001:db8:1:2::7" }, sentAt: "2026-11-26T15:40:00Z" };
    const message = {
      type: "track",
      event: "A",
      userId: "u",
      messageId: "m",
      timestamp: "2026-11-26T15:39:00Z",
    };
    await api.post("/v1/batch", {
      ...shared,
      batch: [{ ...message, context: { timezone: "Europe/Berlin" } }],
    });
    const last = api.lines().at(-1);
    assert.deepEqual(last?.properties, { locale: "de-DE", timezone: "Europe/Berlin" });
    assert.deepEqual(last?.geo, { ip: "2001:db8:1::" });
  });

  it("corrects the time by the clock that sent it, and leaves what Segment corrected", async () => {
    const api = new Api();
    const message = { type: "track", event: "A", userId: "u", messageId: "m" };
    // The clock is a day and a bit behind. The event happened 30 seconds before it was sent.
    const late = { timestamp: "2026-11-25T15:39:29.600Z", sentAt: "2026-11-25T15:39:59.600Z" };
    await api.post("/v1/track", { ...message, ...late });
    await api.post("/v1/t", {
      ...message,
      originalTimestamp: late.timestamp,
      timestamp: "x",
      sentAt: late.sentAt,
    });
    await api.post("/v1/track", { ...message, ...late, receivedAt: "2026-11-25T16:00:00Z" });
    await api.post("/v1/track", { ...message, timestamp: "2026-11-20T10:00:00+01:00" });
    await api.post("/v1/track", message);
    assert.deepEqual(
      api.lines().map(({ event_time }) => event_time),
      [
        "2026-11-26T15:39:29.600Z",
        "2026-11-26T15:39:29.600Z",
        "2026-11-25T15:39:29.600Z",
        "2026-11-20T10:00:00+01:00",
        "2026-11-26T15:40:00.000Z",
      ],
    );
  });

  it("corrects a retry by the same time, however long it was under way", async () => {
    const api = new Api();
    const message = {
      type: "track",
      event: "A",
      userId: "u",
      messageId: "m",
      timestamp: "2026-11-25T15:39:00Z",
    };
    for (const [sent, arrivalMs] of [
      ["2026-11-25T15:40:00.000Z", ARRIVAL + 80],
      ["2026-11-25T15:40:30.000Z", ARRIVAL + 30_000 + 2_900],
      ["2026-11-25T15:49:00.000Z", ARRIVAL + 540_000 + 12_000],
    ] as const) {
      await api.post("/v1/track", { ...message, sentAt: sent }, { arrivalMs });
    }
    assert.deepEqual(
      new Set(api.lines().map(({ event_time }) => event_time)),
      new Set(["2026-11-26T15:39:00.000Z"]),
    );
  });

  it("gives a message without an id one that its retry has too", async () => {
    const api = new Api();
    const message = {
      type: "track",
      event: "A",
      userId: "u",
      timestamp: "2026-11-26T15:39:00Z",
      sentAt: "2026-11-26T15:39:50Z",
    };
    await api.post("/v1/track", message);
    await api.post("/v1/track", { ...message, sentAt: "2026-11-26T15:39:55Z" });
    await api.post("/v1/batch", { batch: [message, message, { ...message, event: "B" }] });
    const ids = api.lines().map(({ event_id }) => event_id);
    assert.match(ids[0], /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    assert.deepEqual([ids[1], ids[2]], [ids[0], ids[0]]);
    assert.equal(new Set(ids).size, 3);
  });

  it("maps the ecommerce events, and leaves other names", async () => {
    const api = new Api();
    const types: Record<string, string> = {
      "Products Searched": "search",
      "Product Viewed": "product_view",
      "Product Added": "add_to_cart",
      "Product Removed": "remove_from_cart",
      "Checkout Started": "begin_checkout",
      "Order Completed": "purchase",
      "Add to Cart": "add_to_cart",
      "Product List Viewed": "Product List Viewed",
      "Order Refunded": "Order Refunded",
      Detail: "Detail",
      constructor: "constructor",
    };
    const batch = Object.keys(types).map((event) => ({
      type: "track",
      event,
      userId: "u",
      messageId: event,
    }));
    await api.post("/v1/b", { batch });
    assert.deepEqual(
      api.lines().map(({ event_type }) => event_type),
      Object.values(types),
    );
  });

  it("keeps the products of other events, and the digits of numbers", async () => {
    const api = new Api();
    const products = '[{"sku":"1","price":1.50},{"sku":"2","price":2.00}]';
    const text = (event: string) =>
      `{"type":"track","event":"${event}","userId":12345678901234567890,"messageId":"${event}","properties":{"products":${products},"value":3.50}}`;
    await api.post("/v1/track", text("Checkout Started"));
    await api.post("/v1/track", text("Cart Viewed"));
    const { accepted } = api.ingested();
    assert.deepEqual(
      accepted.map(({ event_type, user_id, product_id, properties }) => [
        event_type,
        user_id,
        product_id,
        properties,
      ]),
      [
        ["begin_checkout", "12345678901234567890", undefined, { value: "3.50", products }],
        ["Cart Viewed", "12345678901234567890", undefined, { products, value: "3.50" }],
      ],
    );
  });

  it("leaves a price or a quantity that is not a number among the properties", async () => {
    const api = new Api();
    const properties = { product_id: 7, price: "19,99 €", quantity: 1.5, category: ["a"] };
    await api.post("/v1/track", {
      type: "track",
      event: "Product Added",
      userId: "u",
      messageId: "m",
      properties,
    });
    const [{ product_id, properties: kept, product_price, quantity } = {}] = api.ingested()
      .accepted as Line[];
    assert.deepEqual([product_id, product_price, quantity], ["7", undefined, undefined]);
    assert.deepEqual(kept, { price: "19,99 €", quantity: "1.5", category: '["a"]' });
  });

  it("does not split an order whose events would be too large together, and keeps its revenue", async () => {
    const api = new Api();
    const products = Array.from({ length: 1_000 }, (_, index) => ({ id: String(index), price: 1 }));
    const properties = { order_id: "o", revenue: 1_000, products };
    const context = { page: { url: "https://shop.example.com/" }, note: "x".repeat(20_000) };
    await api.post("/v1/track", {
      type: "track",
      event: "Order Completed",
      userId: "u",
      messageId: "m",
      context,
      properties,
    });
    const lines = api.lines();
    assert.equal(lines.length, 1);
    assert.deepEqual([lines[0]?.product_price, lines[0]?.quantity], [1_000, 1]);
    assert.equal(lines[0]?.properties.products.length, 1_000);
  });

  it("reads what a server's library sends: address, device and place are the event's", async () => {
    const api = new Api();
    const context = {
      ip: "81.2.69.142",
      userAgent:
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
      location: { city: "London", country: "United Kingdom", region: "Greater London" },
      campaign: { name: "spring", source: "x", medium: "cpc", term: "shoes" },
      device: { id: "d" },
      library: { name: "analytics-node", version: "2.2.0" },
    };
    await api.post(
      "/v1/batch",
      { batch: [{ type: "page", userId: "u", messageId: "m", context }] },
      { headers: { "user-agent": "axios/1.6.0" } },
    );
    const [{ event_id: _, event_time: __, ...line } = {}] = api.lines() as Line[];
    assert.deepEqual(line, {
      event_type: "page_view",
      user_id: "u",
      utm_source: "x",
      utm_medium: "cpc",
      utm_campaign: "spring",
      device_type: "mobile",
      browser: "Safari",
      os: "iOS",
      geo: { ip: "81.2.69.0", country: "United Kingdom", city: "London" },
      properties: {
        library: "analytics-node 2.2.0",
        utm_term: "shoes",
        "context.location.region": "Greater London",
        "context.device": { id: "d" },
      },
    });
  });

  it("sends on as it came what is not a message, and reads the rest of the batch", async () => {
    const api = new Api();
    const good = {
      type: "track",
      event: "A",
      userId: "u",
      messageId: "m",
      timestamp: "2026-11-26T15:39:00Z",
    };
    const bodies: [string, string[]][] = [
      ["{", ["{"]],
      ["[1]", ["1"]],
      ['{"batch": []}', ['{"batch": []}']],
      [
        `{"batch":[7, ${JSON.stringify(good)}, {"type":"track","userId":"u"},{ "type": "other" }]}`,
        ["7", '{"type":"track","userId":"u"}', '{ "type": "other" }'],
      ],
    ];
    const expected: string[] = [];
    for (const [body, asItCame] of bodies) {
      assert.equal(
        (await api.post("/v1/b", body, { headers: { "user-agent": CHROME } })).statusCode,
        200,
        body,
      );
      expected.push(...asItCame);
    }
    const { accepted, refused } = api.ingested();
    assert.deepEqual(
      accepted.map(({ event_type }) => event_type),
      ["A"],
    );
    assert.deepEqual(refused.map(({ payload }) => payload).sort(), expected.sort());
  });
});
