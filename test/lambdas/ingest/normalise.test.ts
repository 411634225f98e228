// Tests how a producer's line becomes a raw line, or is refused; expectations are written by hand.

import assert from "node:assert/strict";
import { recordContext } from "../../../lambdas/ingest/context";
import { type Outcome, outcomes, type Refused } from "../../../lambdas/ingest/outcomes";

const ARRIVAL = Date.parse("2026-11-21T09:00:01.123Z");
const WINDOW = { earliestTime: "2000-01-01T00:00:00.000Z", latestLeadMs: 24 * 3_600_000 };
const context = recordContext("shardId-000000000003", "4711", ARRIVAL, WINDOW);
const ARRIVED = {
  time: "2026-11-21T09:00:01.123Z",
  shard_id: "shardId-000000000003",
  sequence_number: "4711",
  position: 0,
};
const MINIMAL = { event_id: "e1", event_type: "x", event_time: "2026-11-21T09:00:00.000Z", user_id: "u1" };

/** What a record with just this line becomes. */
function outcome(line: string): Outcome {
  const [only, ...others] = outcomes(Buffer.from(line), context);
  assert.deepEqual(others, []);
  return only as Outcome;
}

/** The raw line as an object. */
function raw(event: unknown): Record<string, unknown> {
  const result = outcome(typeof event === "string" ? event : JSON.stringify(event));
  assert.equal(typeof result, "string", JSON.stringify(result));
  return JSON.parse(result as string);
}

function refused(event: unknown): string {
  return refusal(event).reason;
}

function refusal(event: unknown): Refused {
  const result = outcome(typeof event === "string" ? event : JSON.stringify(event));
  assert.notEqual(typeof result, "string", String(result));
  return result as Refused;
}

/** A minimal event with more JSON at its end. */
function withMore(json: string): string {
  return `${JSON.stringify(MINIMAL).slice(0, -1)},${json}}`;
}

describe("lambdas/ingest/normalise", () => {
  it("accepts the nested event of a producer, without id and zone", () => {
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
      event_id: "shardId-000000000003:4711:0",
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

  it("accepts the flat event of a producer", () => {
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

  it("keeps a canonical event unchanged", () => {
    const event = {
      ...MINIMAL,
      product_price: 1.5,
      quantity: 3,
      geo: { city: "Köln" },
      properties: { a: "b", __proto: "c", "7": "" },
    };
    assert.deepEqual(raw(event), { ...event, arrival: ARRIVED });
  });

  it("writes normalised JSON: white space, escapes and numbers that every reader understands", () => {
    const line =
      '{ "event_id":"e1",\t"event_type":"\\u0078" , "event_time":"2026-11-21T09:00:00Z","user_id":"u1","quantity":1.0,"product_price":1e0,"browser":"\\/","arrival":{}}';
    assert.equal(
      outcome(line),
      '{"event_id":"e1","event_time":"2026-11-21T09:00:00.000Z","event_type":"x","user_id":"u1","quantity":1,"product_price":1,"browser":"/","properties":{"arrival":"{}"},"arrival":{"time":"2026-11-21T09:00:00.123Z","shard_id":"shardId-000000000003","sequence_number":"4711","position":0}}'.replace(
        "00.123Z",
        "01.123Z",
      ),
    );
  });

  it("moves unknown fields to the properties as text, and keeps fields with the same name", () => {
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

  it("keeps names with a special meaning in JavaScript", () => {
    const line =
      '{"event_id":"e","event_type":"x","event_time":"2026-11-21T09:00:00.000Z","user_id":"u","__proto__":"p","constructor":"c"}';
    const { properties } = raw(line) as { properties: Record<string, string> };
    assert.deepEqual(Object.entries(properties).sort(), [
      ["__proto__", "p"],
      ["constructor", "c"],
    ]);
  });

  it("converts scalars to text in text fields, without rounding long numbers", () => {
    assert.equal(raw({ ...MINIMAL, user_id: 42 }).user_id, "42");
    assert.equal(raw({ ...MINIMAL, browser: false }).browser, "false");
    const long = JSON.stringify(MINIMAL).replace('"u1"', "12345678901234567890");
    assert.equal(raw(long).user_id, "12345678901234567890");
  });

  it("reads numbers in text, and negative numbers", () => {
    const event = raw({ ...MINIMAL, product_price: "-1.5e1", quantity: "-3" });
    assert.deepEqual([event.product_price, event.quantity], [-15, -3]);
  });

  it("accepts a byte order mark before an event", () => {
    assert.deepEqual(raw(`\ufeff${JSON.stringify(MINIMAL)}`), { ...MINIMAL, arrival: ARRIVED });
  });

  it("uses timestamp if event_time is empty", () => {
    assert.equal(
      raw({ ...MINIMAL, event_time: "", timestamp: "2026-11-21T08:00Z" }).event_time,
      "2026-11-21T08:00:00.000Z",
    );
  });

  const refusals: [string, unknown, string][] = [
    ["text that is no JSON", "{nope", "not_json"],
    ["an array in an array", "[[1]]", "not_an_object"],
    ["null", "null", "not_an_object"],
    ["no event_type", { ...MINIMAL, event_type: undefined }, "missing_event_type"],
    ["an empty event_type", { ...MINIMAL, event_type: "" }, "missing_event_type"],
    ["no time", { ...MINIMAL, event_time: null }, "missing_event_time"],
    ["no identity", { ...MINIMAL, user_id: "", anonymous_id: null }, "missing_user_and_session"],
    ["a number that is no time", { ...MINIMAL, event_time: 20261121 }, "invalid_event_time"],
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
    ["properties as a list", { ...MINIMAL, properties: ["a"] }, "invalid_field"],
  ];
  for (const [what, event, reason] of refusals) {
    it(`rejects ${what} as ${reason}`, () => assert.equal(refused(event), reason));
  }

  it("accepts user, session or anonymous id as identity, and names all three if none is present", () => {
    const { user_id: _, ...nobody } = MINIMAL;
    for (const field of ["user_id", "session_id", "anonymous_id"]) {
      assert.deepEqual(raw({ ...nobody, [field]: "x" }), { ...nobody, [field]: "x", arrival: ARRIVED });
    }
    assert.equal(
      refusal(nobody).detail,
      "One of user_id, session_id, anonymous_id is required. All are missing or empty.",
    );
  });

  it("accepts the fields of version 2, and keeps a property with the same name", () => {
    const event = {
      ...MINIMAL,
      anonymous_id: "a-1",
      page_title: "Home",
      utm_source: "newsletter",
      utm_medium: "email",
      utm_campaign: "spring",
      os: "iOS",
      properties: { os: "sent as a property" },
    };
    assert.deepEqual(raw(event), { ...event, arrival: ARRIVED });
    assert.equal(refused({ ...MINIMAL, page_title: {} }), "invalid_field");
  });

  it("accepts times at the limits of the window", () => {
    for (const event_time of ["2000-01-01T00:00:00.000Z", "2026-11-22T09:00:01.123Z"]) {
      assert.equal(raw({ ...MINIMAL, event_time }).event_time, event_time);
    }
  });

  it("names the configuration key of the limit", () => {
    const past = refusal({ ...MINIMAL, event_time: "1995-07-01T00:00:01-04:00" }).detail;
    assert.match(past, /1995-07-01T04:00:01.000Z is not between .* earliestEventTime sets the earliest time/);
    assert.match(refusal({ ...MINIMAL, event_time: "2030-01-01T00:00Z" }).detail, /latestEventLeadHours/);
  });

  it("accepts PHP's empty map", () => {
    assert.deepEqual(raw({ ...MINIMAL, properties: [], geo: [] }), { ...MINIMAL, arrival: ARRIVED });
  });

  const noIds = [
    "",
    " ",
    "0",
    "-",
    "null",
    "NULL",
    "undefined",
    "None",
    "n/a",
    "NaN",
    "[object Object]",
    0,
    null,
    false,
  ];
  for (const event_id of [...noIds, "00000000-0000-0000-0000-000000000000"]) {
    it(`makes an id of its own in the place of ${JSON.stringify(event_id)}`, () => {
      assert.equal(raw({ ...MINIMAL, event_id }).event_id, "shardId-000000000003:4711:0");
    });
  }

  it("keeps ids that look similar to placeholders", () => {
    for (const event_id of ["00", "null-1", "00000000-0000-4000-8000-000000000000", "1"]) {
      assert.equal(raw({ ...MINIMAL, event_id }).event_id, event_id);
    }
  });

  describe("numbers that become text", () => {
    const digits = [
      "0.123456789012345678",
      "10.00",
      "1e400",
      "1E3",
      "-0",
      "12345678901234567890",
      "1e21",
      "42",
      "-1.5",
    ];
    for (const number of digits) {
      it(`keeps ${number} as it was sent`, () => {
        assert.equal(raw(JSON.stringify(MINIMAL).replace('"u1"', number)).user_id, number);
        const line = withMore(`"properties":{"a":${number},"b":{"c":[ ${number} ,1]}},"d":${number}`);
        assert.deepEqual(raw(line).properties, { a: number, b: `{"c":[${number},1]}`, d: number });
      });
    }

    it("shows a number in a detail as it was sent", () => {
      assert.match(refusal(withMore('"product_price":1e400')).detail, /got 1e400\.$/);
      assert.match(refusal(withMore('"quantity":3000000000.10')).detail, /got 3000000000\.10\.$/);
      assert.match(
        refusal(withMore('"geo":12345678901234567890')).detail,
        /geo must be an object, got a number/,
      );
    });

    it("does not treat an object as a number because of its member names", () => {
      const value = '{"isLosslessNumber":true,"value":"7"}';
      assert.deepEqual(raw(withMore(`"a":${value},"b":10.00`)).properties, { a: value, b: "10.00" });
      assert.equal(refused(withMore(`"browser":${value},"b":10.00`)), "invalid_field");
    });
  });

  describe("duplicate names", () => {
    for (const [form, time] of [
      ["canonical", "event_time"],
      ["flat", "timestamp"],
    ]) {
      it(`keeps the last value in the ${form} form`, () => {
        const line = `{"event_id":"e","event_type":"x","${time}":"2026-11-21T09:00:00.000Z","user_id":"u","user_id":"v","properties":{"a":"1","\\u0061":"2","n":{"k":1,"k":2}},"z":"1","z":"2"}`;
        const text = outcome(line) as string;
        assert.equal(text.split('"a":').length, 2);
        const { user_id, properties } = JSON.parse(text);
        assert.deepEqual([user_id, properties], ["v", { a: "2", n: '{"k":2}', z: "2" }]);
      });
    }
  });

  describe("unpaired surrogates", () => {
    it("keeps their escapes as text, so that two ids stay different", () => {
      const ids = ["\\ud83d", "\\uDE00", "a\\ud83d\\ud83d\\ude00"].map(
        (id) => raw(JSON.stringify(MINIMAL).replace('"e1"', `"${id}"`)).event_id,
      );
      assert.deepEqual(ids, ["\\ud83d", "\\ude00", "a\\ud83d\u{1f600}"]);
    });

    it("keeps them in properties, unknown fields, geo and names", () => {
      const line = withMore(
        '"geo":{"city":"\\ud83d"},"properties":{"t":"x\\ud83d","o":{"p":"\\ud83d"},"\\ud83d":"1","\\\\ud83d":"2"},"title":"x\\ude00y"',
      );
      const { geo, properties } = raw(line);
      assert.deepEqual(geo, { city: "\\ud83d" });
      assert.deepEqual(properties, {
        t: "x\\ud83d",
        o: '{"p":"\\ud83d"}',
        "\\ud83d_2": "1",
        "\\ud83d": "2",
        title: "x\\ude00y",
      });
    });
  });

  it("writes no character that a reader treats as a newline", () => {
    const ends = "\r\n\u000b\f\u001c\u001d\u001e\u0085\u2028\u2029";
    const event = { ...MINIMAL, browser: ends, [ends]: ends, properties: { [ends]: { a: ends } } };
    const line = outcome(JSON.stringify(event)) as string;
    assert.deepEqual(
      [...ends].filter((end) => line.includes(end)),
      [],
    );
    assert.equal(JSON.parse(line).browser, ends);
    assert.equal(JSON.parse(line).properties[`${ends}_2`], ends);
  });

  describe("depth", () => {
    const nested = (levels: number) => `${"[".repeat(levels)}1${"]".repeat(levels)}`;
    it("accepts 100 levels including the event", () => {
      // The event, properties and 98 more.
      const deep = nested(98);
      assert.deepEqual(raw(withMore(`"properties":{"a":${deep}}`)).properties, { a: deep });
      assert.equal(refused(withMore(`"properties":{"a":${nested(99)}}`)), "too_deep");
    });

    for (const levels of [5_000, 100_000]) {
      it(`rejects ${levels} levels wherever they are`, () => {
        for (const line of [
          withMore(`"a":${nested(levels)}`),
          withMore(`"event_type":${nested(levels)}`),
          nested(levels),
        ]) {
          assert.equal(refused(line), "too_deep");
        }
        assert.equal(refused("[".repeat(levels)), "too_deep");
        assert.equal(refused(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`), "too_deep");
      });
    }
  });

  describe("detail of lines that are not events", () => {
    const logs = [
      '198.51.100.21 - - [20/Nov/2026:04:33:14 +0000] "GET /1 HTTP/1.1" 200 24015 "-" "curl/8"',
      "<34>1 2026-11-20T22:14:15.003Z host su - ID47 - 'su root' failed",
      "Nov 20 22:14:15 host sshd[42]: Accepted publickey",
      "#Fields: date time c-ip cs-method",
    ];
    for (const line of logs) {
      it(`says that it is a log line: ${line.slice(0, 40)}`, () => {
        const { reason, detail } = refusal(line);
        assert.equal(reason, "log_line");
        assert.match(detail, /npm start -- --file/);
      });
    }

    it("detects a log line in JSON", () => {
      assert.equal(
        refused({ log: `${logs[0]}\n`, stream: "stdout", time: "2026-11-18T04:57:43.9Z" }),
        "log_line",
      );
      assert.equal(refused({ ...MINIMAL, event_type: undefined, log: "hello" }), "missing_event_type");
    });

    const faults: [string, RegExp][] = [
      ["{nope}", /got 'n', line 1, column 2/],
      ['{"a":1,\n"b":}', /line 1, column 8/],
      ['{"a":NaN}', /value expected.*line 1, column 6/],
      ['{"a":"b', /reached end of input/],
    ];
    for (const [line, expected] of faults) {
      it(`says what is wrong with ${JSON.stringify(line)}, and where`, () => {
        const [first] = outcomes(Buffer.from(line), context);
        assert.equal((first as Refused).reason, "not_json");
        assert.match((first as Refused).detail, expected);
      });
    }
  });
});
