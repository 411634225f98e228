// Facts about how a producer's line becomes a raw line, or is refused; expectations are written by hand.

import assert from "node:assert/strict";
import { AS_IT_STANDS, normalise, type Rejection, recordContext } from "../../../lambdas/ingest/normalise";

const ARRIVAL = Date.parse("2026-11-21T09:00:01.123Z");
const WINDOW = { earliestTime: "2000-01-01T00:00:00.000Z", latestLeadMs: 24 * 3_600_000 };
const context = recordContext("shardId-000000000003", "4711", ARRIVAL, WINDOW);
const ARRIVED = {
  time: "2026-11-21T09:00:01.123Z",
  shard_id: "shardId-000000000003",
  sequence_number: "4711",
  position: 2,
};
const MINIMAL = { event_id: "e1", event_type: "x", event_time: "2026-11-21T09:00:00.000Z", user_id: "u1" };

function outcome(line: string): ReturnType<typeof normalise> {
  return normalise(line, 2, context);
}

/** The raw line as an object. */
function raw(event: unknown): Record<string, unknown> {
  const line = typeof event === "string" ? event : JSON.stringify(event);
  const result = outcome(line);
  if (result === AS_IT_STANDS) return { ...JSON.parse(line), arrival: ARRIVED };
  assert.equal(typeof result, "string", JSON.stringify(result));
  return JSON.parse(result as string);
}

function refused(event: unknown): string {
  const result = outcome(typeof event === "string" ? event : JSON.stringify(event));
  return (result as Rejection).reason;
}

describe("lambdas/ingest/normalise", () => {
  it("takes the nested producer's event, which has no id and no zone", () => {
    const event = {
      user_id: "u-17",
      session_id: "s-3",
      event_time: "2026-11-21T08:59:30.25",
      event_type: "page_view",
      page_url: "https://shop.example.com/",
      referrer_url: "",
      device_type: "mobile",
      browser: "Safari",
      geo: { ip: "198.18.0.1", country: "DE", city: "Köln" },
    };
    assert.deepEqual(raw(event), {
      event_id: "shardId-000000000003:4711:2",
      event_type: "page_view",
      event_time: "2026-11-21T08:59:30.250Z",
      user_id: "u-17",
      session_id: "s-3",
      page_url: "https://shop.example.com/",
      device_type: "mobile",
      browser: "Safari",
      geo: { ip: "198.18.0.1", country: "DE", city: "Köln" },
      arrival: ARRIVED,
    });
  });

  it("takes the flat producer's event", () => {
    const event = {
      event_id: "e-9",
      event_type: "purchase",
      timestamp: "2026-11-21T10:00:00+01:00",
      user_id: "u-17",
      session_id: "s-3",
      page_url: "/checkout",
      product_id: "P-1",
      product_name: "Teapot",
      product_category: "Kitchen",
      product_price: "19.90",
      quantity: "2",
      device_type: "desktop",
      browser: "Firefox",
      country: "FR",
      city: "Lyon",
      ip_address: "2001:db8::1",
      email: "a@example.com",
      user_agent: "Mozilla/5.0",
    };
    assert.deepEqual(raw(event), {
      event_id: "e-9",
      event_type: "purchase",
      event_time: "2026-11-21T09:00:00.000Z",
      user_id: "u-17",
      session_id: "s-3",
      page_url: "/checkout",
      device_type: "desktop",
      browser: "Firefox",
      user_agent: "Mozilla/5.0",
      email: "a@example.com",
      geo: { ip: "2001:db8::1", country: "FR", city: "Lyon" },
      product_id: "P-1",
      product_name: "Teapot",
      product_category: "Kitchen",
      product_price: 19.9,
      quantity: 2,
      arrival: ARRIVED,
    });
  });

  it("keeps a canonical event's own text", () => {
    const event = {
      ...MINIMAL,
      product_price: 1.5,
      quantity: 3,
      geo: { city: "Köln" },
      properties: { a: "b" },
    };
    assert.equal(outcome(JSON.stringify(event)), AS_IT_STANDS);
    assert.deepEqual(raw(event), { ...event, arrival: ARRIVED });
  });

  it("rewrites whatever is not canonical, however near to it", () => {
    const near = [
      '{"event_id":"e1","event_type":"x","event_time":"2026-11-21T09:00:00Z","user_id":"u1"}',
      '{"event_id":"e1","event_type":"x","event_time":"2026-11-21T09:00:00.000Z","user_id":"u1","quantity":1.0}',
      '{"event_id":"e1","event_type":"x","event_time":"2026-11-21T09:00:00.000Z","user_id":"u1","quantity":1e0}',
      '{"event_id":"e1","event_type":"x","event_time":"2026-11-21T09:00:00.000Z","user_id":"u1","browser":""}',
      '{"event_id":"e1","event_type":"x","event_time":"2026-11-21T09:00:00.000Z","user_id":"u1","geo":{"x":"y"}}',
      '{"event_id":"e1","event_type":"x","event_time":"2026-11-21T09:00:00.000Z","user_id":"u1","properties":{"n":1}}',
      '{"event_id":"e1","event_type":"x","event_time":"2026-11-21T09:00:00.000Z","user_id":"u1","arrival":{}}',
      '{"event_type":"x","event_time":"2026-11-21T09:00:00.000Z","user_id":"u1"}',
    ];
    for (const line of near) assert.equal(typeof outcome(line), "string", line);
    assert.equal(raw(near[1]).quantity, 1);
    assert.equal((outcome(near[1] as string) as string).includes('"quantity":1,'), true);
  });

  it("puts unknown fields with the properties, as text, and loses none that has a name twice", () => {
    const event = {
      ...MINIMAL,
      campaign: "spring",
      score: 0.5,
      tags: ["a", "b"],
      nothing: null,
      clash: "top",
      timestamp: "2026-11-21T08:00:00Z",
      geo: { country: "DE", region: "NW" },
      country: "Germany",
      properties: { clash: "own", clash_2: "own too", depth: { a: 1 }, empty: "", flag: true },
    };
    assert.deepEqual(raw(event).properties, {
      clash: "own",
      clash_2: "own too",
      depth: '{"a":1}',
      empty: "",
      flag: "true",
      campaign: "spring",
      score: "0.5",
      tags: '["a","b"]',
      clash_3: "top",
      timestamp: "2026-11-21T08:00:00Z",
      "geo.region": "NW",
      country: "Germany",
    });
  });

  it("keeps names that JavaScript has a meaning for", () => {
    const line =
      '{"event_id":"e","event_type":"x","event_time":"2026-11-21T09:00:00.000Z","user_id":"u","__proto__":"p","constructor":"c"}';
    const { properties } = raw(line) as { properties: Record<string, string> };
    assert.deepEqual(Object.entries(properties).sort(), [
      ["__proto__", "p"],
      ["constructor", "c"],
    ]);
  });

  it("takes scalars as the text of a text field, without rounding long numbers", () => {
    assert.equal(raw({ ...MINIMAL, user_id: 42 }).user_id, "42");
    assert.equal(raw({ ...MINIMAL, browser: false }).browser, "false");
    const long = JSON.stringify(MINIMAL).replace('"u1"', "12345678901234567890");
    assert.equal(raw(long).user_id, "12345678901234567890");
  });

  it("reads numbers that come as text, and negative ones", () => {
    const event = raw({ ...MINIMAL, product_price: "-1.5e1", quantity: "-3" });
    assert.deepEqual([event.product_price, event.quantity], [-15, -3]);
  });

  it("takes a byte order mark before an event", () => {
    assert.deepEqual(raw(`\ufeff${JSON.stringify(MINIMAL)}`), { ...MINIMAL, arrival: ARRIVED });
  });

  it("falls back to timestamp where event_time is empty", () => {
    assert.equal(
      raw({ ...MINIMAL, event_time: "", timestamp: "2026-11-21T08:00Z" }).event_time,
      "2026-11-21T08:00:00.000Z",
    );
  });

  const refusals: [string, unknown, string][] = [
    ["text that is no JSON", "{nope", "not_json"],
    ["an array", "[1]", "not_an_object"],
    ["null", "null", "not_an_object"],
    ["no event_type", { ...MINIMAL, event_type: undefined }, "missing_event_type"],
    ["an empty event_type", { ...MINIMAL, event_type: "" }, "missing_event_type"],
    ["no time", { ...MINIMAL, event_time: null }, "missing_event_time"],
    ["neither user nor session", { ...MINIMAL, user_id: "" }, "missing_user_and_session"],
    ["a time as a number", { ...MINIMAL, event_time: 1763715600 }, "invalid_event_time"],
    ["a date without a time", { ...MINIMAL, event_time: "2026-11-21" }, "invalid_event_time"],
    [
      "a date that does not exist",
      { ...MINIMAL, event_time: "2026-02-30T00:00:00.000Z" },
      "invalid_event_time",
    ],
    [
      "a time before the window",
      { ...MINIMAL, event_time: "1999-12-31T23:59:59.999Z" },
      "event_time_out_of_window",
    ],
    [
      "a time after the window",
      { ...MINIMAL, event_time: "2026-11-22T09:00:01.124Z" },
      "event_time_out_of_window",
    ],
    ["an object as text", { ...MINIMAL, browser: {} }, "invalid_field"],
    ["an array as an event_type", { ...MINIMAL, event_type: ["x"] }, "invalid_field"],
    ["a price that is none", { ...MINIMAL, product_price: "free" }, "invalid_field"],
    [
      "a price beyond all numbers",
      JSON.stringify({ ...MINIMAL, product_price: 7 }).replace("7}", "1e400}"),
      "invalid_field",
    ],
    ["half a piece", { ...MINIMAL, quantity: 1.5 }, "invalid_field"],
    ["more pieces than 32 bits", { ...MINIMAL, quantity: 2147483648 }, "invalid_field"],
    ["geo as text", { ...MINIMAL, geo: "DE" }, "invalid_field"],
    ["properties as a list", { ...MINIMAL, properties: [] }, "invalid_field"],
  ];
  for (const [what, event, reason] of refusals) {
    it(`refuses ${what} as ${reason}`, () => assert.equal(refused(event), reason));
  }

  it("passes the very edges of the window", () => {
    assert.equal(
      outcome(JSON.stringify({ ...MINIMAL, event_time: "2000-01-01T00:00:00.000Z" })),
      AS_IT_STANDS,
    );
    assert.equal(
      outcome(JSON.stringify({ ...MINIMAL, event_time: "2026-11-22T09:00:01.123Z" })),
      AS_IT_STANDS,
    );
  });
});
