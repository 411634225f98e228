// Snowplow's protocol: what the browser tracker and its plug-ins send, against events written by hand.

import assert from "node:assert/strict";
import { Api, ARRIVAL, type Line, recorded } from "./api";

const URL_OF_PAGE =
  "https://shop.example.com/product/trail-shoe?utm_source=newsletter&utm_medium=email&utm_campaign=weekly";
const IDS = {
  user_id: "user-42",
  anonymous_id: "a31393bf-a660-4ec5-97b5-00528644f665",
  session_id: "082bc0c6-2f0f-4aa5-836c-bce1058af480",
};
const SHOE = {
  product_id: "P-1",
  product_name: "Trail Shoe",
  product_category: "Shoes",
  product_price: 89.9,
};

const envelope = (data: unknown[], version = "1-0-4") => ({
  schema: `iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/${version}`,
  data,
});
const wrapped = (data: unknown) => JSON.stringify({ schema: "iglu:x/y/jsonschema/1-0-0", data });
const described = (schema: string, data: object) => ({ schema: `iglu:${schema}/jsonschema/1-0-0`, data });
const TP2 = "/com.snowplowanalytics.snowplow/tp2";

async function collected(...payloads: object[]): Promise<Line[]> {
  const api = new Api();
  await api.post(TP2, envelope(payloads.map((each, index) => ({ duid: "d", eid: `e${index}`, ...each }))));
  const { accepted, refused } = api.ingested();
  assert.deepEqual(refused, []);
  return accepted;
}

describe("lambdas/collector: Snowplow", () => {
  it("reads every event of a batch of the browser tracker and its ecommerce plug-ins", async () => {
    const api = new Api();
    for (const request of recorded("snowplow")) {
      const answer = await api.replay(request);
      assert.deepEqual([answer.statusCode, answer.body], [200, "ok"]);
    }
    const { accepted, refused } = api.ingested();
    assert.deepEqual(refused, []);
    const [view] = accepted;
    const { properties, arrival: _, ...fields } = view as Line;
    assert.deepEqual(fields, {
      event_id: "aa6d815f-23f1-4a77-91c2-304650ee14bc",
      event_type: "page_view",
      event_time: "2026-11-26T15:38:59.081Z",
      ...IDS,
      page_url: URL_OF_PAGE,
      page_title: "Trail Shoe | Example Shop",
      referrer_url: "https://www.google.com/",
      utm_source: "newsletter",
      utm_medium: "email",
      utm_campaign: "weekly",
      device_type: "desktop",
      browser: "Chrome",
      os: "Windows",
      geo: { ip: "193.99.144.0", country: "DE" },
    });
    const { "context.client_session": session, ...others } = properties;
    assert.deepEqual(others, {
      app_id: "shop",
      platform: "web",
      tracker_version: "js-4.10.1",
      tracker_namespace: "sp",
      cookies: "1",
      character_set: "UTF-8",
      locale: "en-US",
      screen_resolution: "0x0",
      color_depth: "24",
      timezone: "UTC",
      viewport: "1024x768",
      document_size: "0x0",
      session_number: "1",
      "context.web_page": '{"id":"d8e0d54b-a685-45aa-9a77-ac5e99d8572e"}',
    });
    assert.equal(JSON.parse(session).sessionIndex, 1);

    const rest = accepted.slice(1).map((line) => {
      const { event_id, event_type, product_id, product_price, quantity } = line;
      return [event_id.slice(0, 8), event_id.slice(36), event_type, product_id, product_price, quantity];
    });
    assert.deepEqual(rest, [
      ["09c67829", "", "join", undefined, undefined, undefined],
      ["58e67c73", "", "coupon_used", undefined, undefined, undefined],
      ["8af079b9", "", "product_view", "P-1", 89.9, undefined],
      ["2dd9a100", "", "add_to_cart", "P-1", 89.9, 1],
      ["5f2354ff", "", "begin_checkout", undefined, undefined, undefined],
      ["127bb347", "", "purchase", "P-1", 89.9, 1],
      ["127bb347", "-2", "purchase", "P-2", 9.95, 2],
      ["832926e5", "", "transaction", undefined, undefined, undefined],
      ["92cb9113", "", "purchase", "P-2", 9.95, 2],
    ]);
    const { se_category, se_label, se_value } = accepted[1]?.properties ?? {};
    assert.deepEqual([se_category, se_label, se_value], ["newsletter", "weekly", "3"]);
    const { code, percent, schema } = accepted[2]?.properties ?? {};
    assert.deepEqual(
      [code, percent, schema],
      ["SPRING", "10", "iglu:com.example/coupon_used/jsonschema/1-0-0"],
    );
    const bought = accepted[6]?.properties ?? {};
    assert.deepEqual([bought.order_id, bought.currency, bought.product_currency], ["o-1", "EUR", "EUR"]);
    assert.deepEqual([accepted[8]?.properties.order_id, accepted[8]?.properties.total], ["o-2", "20"]);
    assert.equal(accepted[9]?.properties.order_id, "o-2");
  });

  it("answers the pixel with a GIF of 43 bytes, and does not store the address of anonymous tracking", async () => {
    const api = new Api();
    const [request] = recorded("snowplow-pixel");
    assert.ok(request);
    const answer = await api.replay({ ...request, body: undefined as unknown as string });
    const gif = Buffer.from(answer.body ?? "", "base64");
    assert.deepEqual(
      [answer.statusCode, answer.headers?.["content-type"], answer.isBase64Encoded, gif.length],
      [200, "image/gif", true, 43],
    );
    assert.equal(gif.subarray(0, 6).toString("latin1"), "GIF89a");
    const [line] = api.ingested().accepted;
    assert.equal(line?.event_id, "3e1a13f1-3854-4d79-81bd-74b044b9eff6");
    assert.equal(line?.page_title, "Trail Shoe | Example Shop");
    assert.deepEqual([line?.user_id, line?.anonymous_id], [undefined, undefined]);
    assert.match(line?.session_id, /^anonymous-[0-9a-f-]{36}$/);
    assert.deepEqual(line?.geo, { country: "DE" });
    assert.equal(line?.properties["context.web_page"], '{"id":"d8e0d54b-a685-45aa-9a77-ac5e99d8572e"}');
  });

  it("takes the first value of a parameter that is sent twice", async () => {
    const api = new Api();
    await api.send("/i?e=pv&duid=d&eid=1&page=first+page&page=second&dtm=1795707539720");
    assert.equal(api.lines()[0]?.page_title, "first page");
  });

  it("corrects dtm by stm, and leaves a true time as it is", async () => {
    const day = 86_400_000;
    const [behind, ahead, right, exact, none] = await collected(
      { e: "pv", dtm: String(ARRIVAL - day - 5_000), stm: String(ARRIVAL - day - 200) },
      { e: "pv", dtm: String(ARRIVAL + day - 5_000), stm: String(ARRIVAL + day - 200) },
      { e: "pv", dtm: String(ARRIVAL - 5_000), stm: String(ARRIVAL - 200) },
      { e: "pv", ttm: String(ARRIVAL - 3 * day), stm: String(ARRIVAL - day) },
      { e: "pv", stm: String(ARRIVAL - day) },
    );
    assert.deepEqual(
      [behind, ahead, right, exact, none].map((line) => line?.event_time),
      [
        "2026-11-26T15:39:55.000Z",
        "2026-11-26T15:39:55.000Z",
        "2026-11-26T15:39:55.000Z",
        "2026-11-23T15:40:00.000Z",
        "2026-11-26T15:40:00.000Z",
      ],
    );
  });

  it("decodes what trackers encode: base64 with the alphabet of URLs", async () => {
    const data = described("com.acme/purchase", { sku: "ü>?~", price: 3, quantity: 2, note: "größe" });
    const encoded = Buffer.from(wrapped(data)).toString("base64url");
    assert.match(encoded, /[-_]/);
    const contexts = Buffer.from(wrapped([described("com.acme/shop", { floor: 2 })])).toString("base64url");
    const [line] = await collected({ e: "ue", ue_px: encoded, cx: contexts, dtm: String(ARRIVAL) });
    const { event_type, product_id, product_price, quantity, properties } = line as Line;
    assert.deepEqual([event_type, product_id, product_price, quantity], ["purchase", "ü>?~", 3, 2]);
    assert.deepEqual(properties, {
      note: "größe",
      schema: "iglu:com.acme/purchase/jsonschema/1-0-0",
      "context.shop": '{"floor":2}',
    });
  });

  it("reads the other ways to send a shop's events", async () => {
    const enhanced = "com.google.analytics.enhanced-ecommerce";
    const snowplow = "com.snowplowanalytics.snowplow";
    const event = (schema: string, data: object, contexts: object[] = []) => ({
      e: "ue",
      dtm: String(ARRIVAL),
      ue_pr: wrapped(described(schema, data)),
      ...(contexts.length > 0 ? { co: wrapped(contexts) } : {}),
    });
    const product = described(`${enhanced}/productFieldObject`, {
      id: "P-1",
      name: "Trail Shoe",
      category: "Shoes",
      price: 89.9,
      quantity: 2,
    });
    const lines = await collected(
      event(`${enhanced}/action`, { action: "detail" }, [product]),
      event(`${enhanced}/action`, { action: "add" }, [product]),
      event(`${enhanced}/action`, { action: "checkout" }, [product]),
      event(`${enhanced}/action`, { action: "purchase" }, [
        product,
        described(`${enhanced}/actionFieldObject`, { id: "o-3", revenue: 200 }),
      ]),
      event(`${snowplow}/add_to_cart`, {
        sku: "P-1",
        name: "Trail Shoe",
        category: "Shoes",
        unitPrice: 89.9,
        quantity: 2,
      }),
      event(`${snowplow}/site_search`, { terms: ["shoe"] }),
      event(`${snowplow}.ecommerce/snowplow_ecommerce_action`, { type: "checkout_step" }, [
        described(`${snowplow}.ecommerce/checkout_step`, { step: 2 }),
      ]),
      event(`${snowplow}.ecommerce/snowplow_ecommerce_action`, { type: "transaction" }, [
        described(`${snowplow}.ecommerce/transaction`, { transaction_id: "o-4", revenue: 42.5 }),
      ]),
      event(
        `${snowplow}.ecommerce/snowplow_ecommerce_action`,
        { type: "product_view", name: "New shoes" },
        [],
      ),
    );
    const whole = { ...SHOE, quantity: 2 };
    assert.deepEqual(
      lines.map(({ event_type, product_id, product_name, product_category, product_price, quantity }) =>
        Object.fromEntries(
          Object.entries({
            event_type,
            product_id,
            product_name,
            product_category,
            product_price,
            quantity,
          }).filter(([, value]) => value !== undefined),
        ),
      ),
      [
        { event_type: "product_view", ...whole },
        { event_type: "add_to_cart", ...whole },
        { event_type: "begin_checkout", ...whole },
        { event_type: "purchase", ...whole },
        { event_type: "add_to_cart", ...whole },
        { event_type: "search" },
        { event_type: "checkout_step" },
        { event_type: "purchase", product_price: 42.5, quantity: 1 },
        { event_type: "product_view" },
      ],
    );
    assert.equal(lines[3]?.properties.order_id, "o-3");
    assert.equal(lines[7]?.properties.order_id, "o-4");
  });

  it("reads page pings and a mobile tracker's session", async () => {
    const session = described("com.snowplowanalytics.snowplow/client_session", {
      userId: "device-1",
      sessionId: "s-1",
    });
    const [ping] = await collected({
      e: "pp",
      duid: "",
      pp_may: "800",
      co: wrapped([session]),
      dtm: String(ARRIVAL),
    });
    assert.deepEqual(
      [ping?.event_type, ping?.anonymous_id, ping?.session_id, ping?.properties.scroll_max_y],
      ["page_ping", "device-1", "s-1", "800"],
    );
  });

  it("sends on as it came an unknown envelope, and the payloads that it cannot read", async () => {
    const good = { e: "pv", eid: "1", duid: "d", dtm: String(ARRIVAL) };
    const bad = [
      { e: "xx", eid: "2" },
      { e: "ue", eid: "3", ue_px: "%%%" },
      { e: "ue", eid: "4" },
      { e: "pv", eid: "5", co: "{" },
      { e: "pv", eid: "6", co: wrapped([{ schema: "no schema", data: {} }]) },
      { e: "se", eid: "7" },
    ];
    const api = new Api();
    assert.equal((await api.post(TP2, envelope([good, ...bad, "text"]))).statusCode, 200);
    const whole = [
      envelope([good], "2-0-0"),
      { schema: 7, data: [good] },
      envelope([]),
      { ...envelope([]), data: {} },
    ];
    for (const body of whole) assert.equal((await api.post(TP2, body)).statusCode, 200);
    assert.equal((await api.send("/i?e=unknown&eid=8")).statusCode, 200);
    const { accepted, refused } = api.ingested();
    assert.deepEqual(
      accepted.map(({ event_id }) => event_id),
      ["1"],
    );
    assert.deepEqual(
      new Set(refused.map(({ payload }) => payload)),
      new Set([...[...bad, "text", ...whole].map((each) => JSON.stringify(each)), "e=unknown&eid=8"]),
    );
  });

  it("takes the envelope's later additions", async () => {
    const api = new Api();
    await api.post(TP2, envelope([{ e: "pv", eid: "1", duid: "d", dtm: String(ARRIVAL) }], "1-0-9"));
    assert.equal(api.ingested().accepted.length, 1);
  });
});
