// Our own format: one event, an array, lines, and what is not an event, against lines written by hand.

import assert from "node:assert/strict";
import { Api, ARRIVAL, type Line } from "./api";

const EVENT = {
  event_id: "1",
  event_type: "page_view",
  event_time: "2026-11-26T15:39:00.000Z",
  anonymous_id: "a",
  page_url: "https://shop.example.com/",
};
const ADDED = {
  device_type: "desktop",
  browser: "Chrome",
  os: "Windows",
  geo: { ip: "193.99.144.0", country: "DE" },
};
const SENT_AT = `/v1/events?sentAt=${ARRIVAL - 300}`;

describe("lambdas/collector: own events", () => {
  it("takes one event, an array, lines of JSON and a batch, whatever the type of the content", async () => {
    const second = { ...EVENT, event_id: "2" };
    const bodies: [unknown, number][] = [
      [EVENT, 1],
      [JSON.stringify(EVENT, null, 2), 1],
      [[EVENT, second], 2],
      [`${JSON.stringify(EVENT)}\n${JSON.stringify(second)}\r\n\n`, 2],
      [`\uFEFF${JSON.stringify(EVENT)}`, 1],
      [{ batch: [EVENT, second], page_title: "Home" }, 2],
    ];
    for (const type of ["application/json", "text/plain;charset=UTF-8", undefined]) {
      for (const [body, count] of bodies) {
        const api = new Api();
        const headers = type === undefined ? undefined : { "Content-Type": type };
        const answer = await api.post(SENT_AT, body, { headers });
        assert.deepEqual([answer.statusCode, answer.body], [200, JSON.stringify({ stored: count })]);
        const { accepted, refused } = api.ingested();
        assert.deepEqual([accepted.length, refused], [count, []]);
        assert.deepEqual(
          accepted.map(({ arrival: _, page_title: __, ...line }) => line),
          [
            { ...EVENT, ...ADDED },
            { ...second, ...ADDED },
          ].slice(0, count),
        );
      }
    }
  });

  it("keeps what the event says itself, and the digits of its numbers", async () => {
    const api = new Api();
    const own =
      '{"event_id":12345678901234567890,"event_type":"x","event_time":"2026-11-26T15:39:00Z","user_id":"u",' +
      '"device_type":"tv","browser":"Shop app","os":"Tizen","country":"FR","properties":{"total":10.00,"__proto__":"p"}}';
    await api.post("/v1/events", own);
    const [line] = api.ingested().accepted as [Line];
    assert.deepEqual(
      [line.event_id, line.device_type, line.browser, line.os, line.geo],
      ["12345678901234567890", "tv", "Shop app", "Tizen", { ip: "193.99.144.0", country: "FR" }],
    );
    assert.deepEqual(Object.entries(line.properties), [
      ["total", "10.00"],
      ["__proto__", "p"],
    ]);
  });

  it("masks the addresses that an event brings, in all its fields for them", async () => {
    const api = new Api();
    const event = {
      ...EVENT,
      geo: { ip: "81.2.69.142", city: "London" },
      ip_address: "81.2.70.1",
      ip: "81.2.71.1",
    };
    await api.post("/v1/events", event);
    await api.post("/v1/events", { ...EVENT, ip_address: "81.2.69.142:80" });
    await api.post("/v1/events", { ...EVENT, geo: "London", ip_address: "81.2.69.142" });
    const text = api.kinesis.lines().join();
    for (const whole of ["81.2.69.142", "81.2.70.1", "81.2.71.1"]) assert.ok(!text.includes(whole), whole);
    const [first, second] = api.ingested().accepted as [Line, Line];
    assert.deepEqual(first.geo, { ip: "81.2.69.0", city: "London", country: "GB" });
    assert.deepEqual(first.properties, { ip: "81.2.71.0", ip_address: "81.2.70.0" });
    assert.deepEqual(second.geo, { ip: "81.2.69.0", country: "GB" });
    assert.equal(api.ingested().refused[0]?.reason, "invalid_field");
  });

  it("corrects the time by sentAt, in milliseconds or ISO 8601, under either name of the field", async () => {
    const day = 86_400_000;
    const time = (sentAt: string, event: object) => async () => {
      const api = new Api();
      await api.post(`/v1/events?sentAt=${sentAt}`, event);
      const [line] = api.ingested().accepted as [Line];
      return line.event_time;
    };
    const { event_time: _, ...timeless } = EVENT;
    const at = (ms: number) => new Date(ms).toISOString();
    const behind = ARRIVAL - day - 700;
    const cases: [() => Promise<string>, string][] = [
      [time(String(behind), { ...EVENT, event_time: at(behind - 2_000) }), "2026-11-26T15:39:57.300Z"],
      [time(at(behind), { ...EVENT, event_time: at(behind - 2_000) }), "2026-11-26T15:39:57.300Z"],
      [
        time(String(ARRIVAL + day), { ...timeless, timestamp: ARRIVAL + day - 2_000 }),
        "2026-11-26T15:39:58.000Z",
      ],
      // A clock that starts at 1970.
      [time("5000", { ...EVENT, event_time: at(3_000) }), "2026-11-26T15:40:03.000Z"],
      [time(String(ARRIVAL - 29_000), EVENT), "2026-11-26T15:39:00.000Z"],
      [time("yesterday", EVENT), "2026-11-26T15:39:00.000Z"],
      [time("", EVENT), "2026-11-26T15:39:00.000Z"],
    ];
    for (const [actual, expected] of cases) assert.equal(await actual(), expected);
  });

  it("makes ids that a retry makes again, and that differ for two equal events of a request", async () => {
    const api = new Api();
    const { event_id: _, ...event } = EVENT;
    const other = { ...event, page_url: "https://shop.example.com/other" };
    for (const requestId of ["first", "retry"]) {
      await api.post("/v1/events", [event, event, other, { ...event, event_id: " NULL" }], { requestId });
    }
    const ids = api.lines().map(({ event_id }) => event_id);
    assert.equal(new Set(ids).size, 4);
    assert.deepEqual(ids.slice(4), ids.slice(0, 4));
  });

  it("keeps the events of a session in one shard, in order, over requests", async () => {
    const api = new Api();
    const sessions = ["s1", "s2", "s3"];
    for (let step = 0; step < 20; step += 1) {
      await api.post(
        "/v1/events",
        sessions.map((session_id) => ({ ...EVENT, event_id: `${session_id}-${step}`, session_id })),
      );
    }
    for (const session of sessions) {
      const records = api.kinesis.stored.filter(({ data }) => data.includes(`"session_id":"${session}"`));
      assert.equal(new Set(records.map(({ key }) => key)).size, 1);
      const steps = records
        .flatMap(({ data }) => data.split("\n"))
        .map((line) => JSON.parse(line))
        .filter(({ session_id }) => session_id === session)
        .map(({ event_id }) => event_id);
      assert.deepEqual(
        steps,
        Array.from({ length: 20 }, (_, step) => `${session}-${step}`),
      );
    }
    assert.ok(new Set(api.kinesis.stored.map(({ key }) => key)).size > 1);
  });

  it("sends on as it came what is not an event, and reads the rest", async () => {
    const api = new Api();
    const good = JSON.stringify(EVENT);
    const bad = [
      "not json",
      "42",
      '{"event_time":"2026-11-26T15:39:00Z","user_id":"u"}',
      '{"event_type":{}}',
      "{ ",
    ];
    const answer = await api.post("/v1/events", [bad[0], good, ...bad.slice(1)].join("\n"));
    assert.deepEqual([answer.statusCode, answer.body], [200, '{"stored":6}']);
    const { accepted, refused } = api.ingested();
    assert.equal(accepted.length, 1);
    assert.deepEqual(refused.map(({ payload }) => payload).sort(), bad.map((each) => each.trim()).sort());
  });

  it("sends on bytes that are not text, and broken gzip, byte for byte", async () => {
    for (const body of [Buffer.from([0xff, 0xfe, 0x00, 0x41]), Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3])]) {
      const api = new Api();
      const answer = await api.post("/v1/events", body, { headers: { "content-encoding": "gzip" } });
      assert.equal(answer.statusCode, 200);
      const sent = api.kinesis.calls.flat().map(({ Data }) => Buffer.from(Data));
      assert.deepEqual(sent, [body]);
    }
  });

  it("does not read what nests too deep, nor lose it", async () => {
    const api = new Api();
    const deep = `{"event_type":"x","user_id":"u","event_time":1,"a":${"[".repeat(60_000)}${"]".repeat(60_000)}}`;
    assert.equal((await api.post("/v1/events", deep)).statusCode, 200);
    assert.equal((await api.post("/v1/track", deep)).statusCode, 200);
    const { accepted, refused } = api.ingested();
    assert.deepEqual(accepted, []);
    assert.deepEqual(
      refused.map(({ reason, payload }) => [reason, payload]),
      [
        ["too_deep", deep],
        ["too_deep", deep],
      ],
    );
  });
});
