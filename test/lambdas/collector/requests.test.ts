// Requests of all kinds: sizes, encodings, keys, privacy signals, faults of the stream, and the files that are served.

import assert from "node:assert/strict";
import { gunzipSync, gzipSync } from "node:zlib";
import { readRequest } from "../../../lambdas/collector/request";
import { named } from "../fakes";
import { Api, ARRIVAL, gatewayEvent, type Line } from "./api";

const EVENT = {
  event_id: "1",
  event_type: "page_view",
  event_time: "2026-11-26T15:39:00.000Z",
  user_id: "u",
  anonymous_id: "a",
  session_id: "s",
};
const LIMIT = 262_144;

/** An event whose JSON has exactly so many bytes. */
function sized(bytes: number): string {
  const empty = JSON.stringify({ ...EVENT, page_title: "" });
  return JSON.stringify({ ...EVENT, page_title: "x".repeat(bytes - empty.length) });
}

const basic = (key: string) => ({ authorization: `Basic ${Buffer.from(key).toString("base64")}` });

describe("lambdas/collector: sizes and encodings", () => {
  it("takes a body of 262,144 bytes, and answers 413 to one byte more", async () => {
    for (const asBase64 of [false, true]) {
      for (const [bytes, status] of [
        [LIMIT, 200],
        [LIMIT + 1, 413],
      ] as const) {
        const api = new Api();
        const body = sized(bytes);
        const answer = await api.post("/v1/events", asBase64 ? Buffer.from(body) : body);
        assert.equal(answer.statusCode, status);
        assert.equal(api.kinesis.calls.length, status === 200 ? 1 : 0);
        if (status === 200)
          assert.equal(api.ingested().accepted[0]?.page_title.length, JSON.parse(body).page_title.length);
      }
    }
  });

  it("counts bytes, not characters", async () => {
    const api = new Api();
    const body = JSON.stringify({ ...EVENT, page_title: "é".repeat(LIMIT / 2) });
    assert.ok(body.length < LIMIT);
    assert.equal((await api.post("/v1/events", body)).statusCode, 413);
  });

  it("takes gzip, and no more of it than of other bodies", async () => {
    const headers = { "Content-Encoding": "gzip" };
    const api = new Api();
    assert.equal((await api.post("/v1/events", gzipSync(sized(LIMIT)), { headers })).statusCode, 200);
    assert.equal(api.ingested().accepted.length, 1);
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024, " "));
    assert.ok(bomb.length < LIMIT);
    assert.equal((await api.post("/v1/events", bomb, { headers })).statusCode, 413);
    assert.equal(api.kinesis.calls.length, 1);
  });

  it("answers 400 to a request without content, and stores nothing", async () => {
    const api = new Api();
    for (const body of [undefined, "", " \r\n\t"]) {
      for (const path of ["/v1/events", "/v1/t", "/com.snowplowanalytics.snowplow/tp2", "/api/event"]) {
        assert.equal((await api.send(path, { method: "POST", body })).statusCode, 400);
      }
    }
    assert.equal((await api.send("/i")).statusCode, 400);
    assert.equal(api.kinesis.calls.length, 0);
  });

  it("reads headers in any case, and a request without headers or parameters", () => {
    const event = gatewayEvent("/v1/events", { method: "POST", body: "{}", headers: { "SEC-GPC": "1" } });
    assert.equal(readRequest(event, { gpc: true, dnt: false }, 5).visitor.isPrivate, true);
    const bare = JSON.parse(JSON.stringify({ ...event, headers: undefined, pathParameters: undefined }));
    delete bare.rawQueryString;
    delete bare.body;
    delete bare.requestContext.timeEpoch;
    delete bare.requestContext.http;
    delete bare.requestContext.domainName;
    bare.requestContext.stage = "beta";
    const request = readRequest(bare, { gpc: true, dnt: true }, 5);
    assert.equal(readRequest(event, { gpc: false, dnt: false }, 5).base, "collector.example.com");
    assert.equal(request.base, "/beta");
    assert.deepEqual(
      [request.arrivalMs, request.body, request.visitor],
      [
        5,
        Buffer.alloc(0),
        { address: undefined, userAgent: undefined, isPrivate: false, withoutAddress: false },
      ],
    );
  });

  it("stores an event without what the server does not know", async () => {
    const api = new Api();
    await api.post("/v1/events", EVENT, { address: "", headers: { "user-agent": "" } });
    assert.deepEqual(api.lines(), [EVENT]);
  });
});

describe("lambdas/collector: the write key", () => {
  const bodies: [string, string][] = [
    ["/v1/events", JSON.stringify(EVENT)],
    ["/v1/t", JSON.stringify({ type: "track", event: "A", userId: "u" })],
    ["/com.snowplowanalytics.snowplow/tp2", "{}"],
    ["/api/event", JSON.stringify({ n: "pageview", u: "https://a.example/" })],
  ];

  it("is taken from a parameter, either form of Authorization, and Segment's body", async () => {
    const api = new Api();
    api.protect("key-1");
    for (const [path, body] of bodies) {
      assert.ok(((await api.post(`${path}?writeKey=key-1`, body)).statusCode ?? 500) < 300, path);
      assert.ok(((await api.post(path, body, { headers: basic("key-1:") })).statusCode ?? 500) < 300, path);
      const bearer = { Authorization: "bearer key-1" };
      assert.ok(((await api.post(path, body, { headers: bearer })).statusCode ?? 500) < 300, path);
    }
    assert.equal((await api.post("/v1/t", { type: "page", userId: "u", writeKey: "key-1" })).statusCode, 200);
    assert.equal((await api.post("/v1/b", { writeKey: "key-1", batch: [{}] })).statusCode, 200);
    assert.equal((await api.send("/i?e=pv&writeKey=key-1")).statusCode, 200);
    assert.equal((await api.send("/v1/projects/key-1/settings")).statusCode, 200);
    for (const line of api.kinesis.lines()) {
      if (line.includes("event_type")) assert.ok(!line.includes("key-1"), line);
    }
  });

  it("is missed or wrong: 401, and nothing is stored", async () => {
    const api = new Api();
    api.protect("key-1");
    for (const [path, body] of bodies) {
      for (const url of [path, `${path}?writeKey=`, `${path}?writeKey=key-10`]) {
        assert.equal((await api.post(url, body)).statusCode, 401, url);
      }
      for (const headers of [
        basic("key-2:"),
        basic(":key-1"),
        { authorization: "key-1" },
        { authorization: "Basic %" },
      ]) {
        assert.equal((await api.post(path, body, { headers })).statusCode, 401);
      }
    }
    assert.equal((await api.post("/v1/t", "{")).statusCode, 401);
    assert.equal((await api.send("/i?e=pv")).statusCode, 401);
    assert.equal((await api.send("/v1/projects/other/settings")).statusCode, 401);
    assert.equal(api.kinesis.calls.length, 0);
    assert.equal((await api.send("/health")).statusCode, 200);
    assert.equal((await api.send("/clickstream.js")).statusCode, 200);
  });

  it("is read once in five minutes, and a fault of its store is 503", async () => {
    const api = new Api();
    let reads = 0;
    let key = "old";
    api.protect(async () => {
      reads += 1;
      if (reads === 1 || reads === 4) throw named("InternalServiceError");
      return key;
    });
    const status = async (given: string) =>
      (await api.post(`/v1/events?writeKey=${given}`, EVENT)).statusCode;
    const answer = await api.post("/v1/events?writeKey=old", EVENT);
    assert.deepEqual([answer.statusCode, answer.headers?.["retry-after"]], [503, "5"]);
    assert.equal(api.logged[0]?.level, "ERROR");
    assert.deepEqual([await status("old"), await status("old")], [200, 200]);
    key = "new";
    assert.deepEqual([reads, await status("new")], [2, 401]);
    await api.clock.sleep(300_000);
    assert.deepEqual([await status("new"), await status("old"), reads], [200, 401, 3]);
    // The store fails again, but the key is known.
    await api.clock.sleep(300_000);
    assert.deepEqual([await status("new"), await status("old"), reads], [200, 401, 4]);
    assert.equal(api.logged.length, 2);
  });
});

describe("lambdas/collector: faults of the stream", () => {
  const many = Array.from({ length: 30 }, (_, index) => ({
    ...EVENT,
    event_id: `${index}`,
    session_id: `s${index}`,
  }));

  it("sends entries again that Kinesis refused, and answers 200 when it has all", async () => {
    const api = new Api();
    api.kinesis.refuse = (_, call, index) => call === 1 && index % 2 === 0;
    const answer = await api.post("/v1/events", many);
    assert.deepEqual([answer.statusCode, answer.body], [200, '{"stored":30}']);
    assert.deepEqual(new Set(api.lines().map(({ event_id }) => event_id)).size, 30);
    assert.ok((api.kinesis.calls[1]?.length ?? 0) < (api.kinesis.calls[0]?.length ?? 0));
  });

  it("answers 503 with Retry-After in every format while entries are refused, within the time of a request", async () => {
    const requests: [string, unknown][] = [
      ["/v1/events", many],
      ["/v1/batch", { batch: [{ type: "track", event: "A", userId: "u", messageId: "m" }] }],
      [
        "/com.snowplowanalytics.snowplow/tp2",
        {
          schema: "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4",
          data: [{ e: "pv", duid: "d" }],
        },
      ],
      ["/api/event", { n: "pageview", u: "https://a.example/" }],
      ["/v1/events", "not readable"],
    ];
    for (const [path, body] of requests) {
      const api = new Api();
      api.kinesis.refuse = (_, __, index) => index === 0;
      const answer = await api.post(path, body);
      assert.deepEqual([answer.statusCode, answer.headers?.["retry-after"]], [503, "5"], path);
      assert.ok(api.clock.now() - ARRIVAL < 8_000, `${api.clock.now() - ARRIVAL} ms`);
      assert.ok(api.kinesis.calls.length > 3);
      const logged = JSON.stringify(api.logged);
      assert.equal(api.logged.length, 1);
      for (const personal of ["page_view", "193.99", "not readable", '"u"'])
        assert.ok(!logged.includes(personal), logged);
    }
    const api = new Api();
    api.kinesis.refuse = () => true;
    assert.equal((await api.send("/i?e=pv&duid=d")).statusCode, 503);
  });

  it("answers 503 when the call itself fails, at once if a retry cannot help", async () => {
    const api = new Api();
    api.kinesis.failCall = () => named("ResourceNotFoundException");
    assert.equal((await api.post("/v1/events", many)).statusCode, 503);
    assert.deepEqual([api.kinesis.calls.length, api.clock.sleeps], [1, []]);
    api.kinesis.failCall = (call) => (call < 4 ? named("TimeoutError") : undefined);
    assert.equal((await api.post("/v1/events", many)).statusCode, 200);
  });

  it("stores a request as it came if reading it fails, and logs nothing of its content", async () => {
    const api = new Api();
    api.collector.countries.of = async () => {
      throw new RangeError("u s page_view");
    };
    const body = JSON.stringify(EVENT);
    assert.equal((await api.post("/v1/events", body)).statusCode, 200);
    assert.deepEqual(api.kinesis.lines(), [body]);
    const { level, format, error, ...rest } = api.logged[0] as Line;
    assert.deepEqual([level, format, error, Object.keys(rest)], ["ERROR", "own", "RangeError", ["message"]]);
  });

  it("stores nothing new when the tracker sends a partly stored request again", async () => {
    const api = new Api();
    const { event_id: _, ...withoutId } = EVENT;
    const body = many.map((event, index) => (index % 2 ? event : { ...withoutId, session_id: `s${index}` }));
    let isDown = true;
    api.kinesis.refuse = ({ PartitionKey }) => isDown && Number(PartitionKey.at(-1)) > 4;
    assert.equal((await api.post("/v1/events", body)).statusCode, 503);
    const partly = api.lines();
    assert.ok(partly.length > 0 && partly.length < 30);
    isDown = false;
    assert.equal((await api.post("/v1/events", body)).statusCode, 200);
    const byId = new Map<string, Line>();
    for (const line of api.lines()) {
      const known = byId.get(line.event_id);
      if (known !== undefined) assert.deepEqual(line, known, "another event with a known id");
      byId.set(line.event_id, line);
    }
    assert.equal(byId.size, 30);
  });
});

describe("lambdas/collector: privacy at the door", () => {
  const PERSONAL = { ...EVENT, email: "j@example.com", geo: { ip: "81.2.69.142" }, page_title: "Home" };

  it("applies the rules of address and user agent before the stream", async () => {
    const stored = async (
      ip: "keep" | "hash" | "mask" | "drop",
      userAgent: "keep" | "hash" | "mask" | "drop",
    ) => {
      const api = new Api();
      api.collector.rules = { ip, userAgent };
      await api.post("/v1/events", EVENT);
      await api.post("/v1/events", { ...EVENT, user_agent: "Mozilla/5.0 own" });
      const [first, second] = api.lines() as [Line, Line];
      return [first.geo.ip, first.user_agent?.slice(0, 12), second.user_agent];
    };
    const own = "Mozilla/5.0 own";
    assert.deepEqual(await stored("mask", "drop"), ["193.99.144.0", undefined, undefined]);
    assert.deepEqual(await stored("drop", "mask"), [undefined, undefined, undefined]);
    assert.deepEqual(await stored("hash", "hash"), ["193.99.144.80", "Mozilla/5.0 ", own]);
    assert.deepEqual(await stored("keep", "keep"), ["193.99.144.80", "Mozilla/5.0 ", own]);
  });

  it("stores no ids where GPC or DNT asks for it and the stack respects it", async () => {
    for (const [respect, headers, isPrivate] of [
      [{ gpc: true, dnt: false }, { "sec-gpc": "1" }, true],
      [{ gpc: false, dnt: true }, { dnt: "1" }, true],
      [{ gpc: false, dnt: true }, { "sec-gpc": "1" }, false],
      [{ gpc: true, dnt: false }, { dnt: "1" }, false],
      [{ gpc: true, dnt: true }, { dnt: "0" }, false],
      [{ gpc: true, dnt: true }, {}, false],
    ] as const) {
      const api = new Api();
      api.respect = respect;
      api.collector.rules = { ip: "keep", userAgent: "keep" };
      await api.post("/v1/events", [PERSONAL, { ...PERSONAL, event_id: "2" }], {
        headers: headers as Record<string, string>,
      });
      const lines = api.lines();
      if (!isPrivate) {
        assert.deepEqual([lines[0]?.user_id, lines[0]?.geo.ip], ["u", "81.2.69.142"]);
        continue;
      }
      for (const line of lines) {
        const { event_id: _, session_id, ...kept } = line;
        assert.match(session_id, /^anonymous-[0-9a-f-]{36}$/);
        assert.deepEqual(kept, {
          event_type: "page_view",
          event_time: "2026-11-26T15:39:00.000Z",
          page_title: "Home",
          device_type: "desktop",
          browser: "Chrome",
          os: "Windows",
          geo: { country: "GB" },
        });
      }
      assert.notEqual(lines[0]?.session_id, lines[1]?.session_id, "nothing links the two");
      assert.equal(api.ingested().accepted.length, 2);
    }
  });

  it("stores no ids of the other formats either, and a retry stays a duplicate", async () => {
    const api = new Api();
    api.respect = { gpc: true, dnt: true };
    const headers = { "sec-gpc": "1" };
    const traits = { email: "j@example.com", name: "Jane" };
    const segment = {
      type: "identify",
      userId: "user-1",
      anonymousId: "anon-1",
      messageId: "m",
      timestamp: "2026-11-26T15:39:00Z",
      traits,
      context: { traits, groupId: "x" },
    };
    await api.post("/v1/i", segment, { headers });
    await api.post("/v1/i", segment, { headers, requestId: "retry" });
    await api.post(
      "/v1/g",
      { type: "group", userId: "user-1", groupId: "group-1", messageId: "g", previousId: "anon-0" },
      { headers },
    );
    const session = {
      schema: "iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2",
      data: { userId: "duid-1", sessionId: "sid-1" },
    };
    const payload = {
      e: "pv",
      eid: "e",
      uid: "user-1",
      duid: "duid-1",
      sid: "sid-1",
      tnuid: "nuid-1",
      dtm: String(ARRIVAL),
      co: JSON.stringify({ schema: "x", data: [session] }),
    };
    await api.post(
      "/com.snowplowanalytics.snowplow/tp2",
      { schema: "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4", data: [payload] },
      { headers },
    );
    await api.post("/api/event", { n: "pageview", u: "https://a.example/" }, { headers });
    const text = api.kinesis.lines().join("\n");
    for (const id of [
      "user-1",
      "anon-",
      "duid-1",
      "sid-1",
      "nuid-1",
      "group-1",
      "j@example.com",
      "Jane",
      "visitor-",
      "193.99",
    ]) {
      assert.ok(!text.includes(id), `${id} in ${text}`);
    }
    const [first, again] = api.lines();
    assert.deepEqual(again, first);
    assert.deepEqual(api.ingested().refused, []);
  });

  it("flags bots and keeps their events", async () => {
    const api = new Api();
    const headers = {
      "user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    };
    await api.post("/v1/events", { ...EVENT, properties: { a: "1" } }, { headers });
    await api.post("/v1/events", { ...EVENT, device_type: "tv" }, { headers });
    // A program that sends events of visitors whom it does not describe.
    await api.post("/v1/events", EVENT, { headers: { "user-agent": "python-requests/2.32" } });
    assert.deepEqual(
      api.ingested().accepted.map(({ device_type, properties }) => [device_type, properties]),
      [
        ["bot", { a: "1", bot: "true" }],
        ["bot", { bot: "true" }],
        [undefined, undefined],
      ],
    );
  });
});

describe("lambdas/collector: what it serves", () => {
  it("serves the tracker with an ETag, compressed on demand, and 304 to who has it", async () => {
    const api = new Api();
    const plain = await api.send("/clickstream.js");
    assert.deepEqual(plain.headers, {
      "cache-control": "public, max-age=3600, stale-while-revalidate=86400",
      "content-type": "text/javascript; charset=utf-8",
      "cross-origin-resource-policy": "cross-origin",
      etag: '"abc"',
      vary: "accept-encoding",
      "x-content-type-options": "nosniff",
    });
    const code = Buffer.from(plain.body ?? "", "base64");
    assert.match(code.toString(), /^console\.log/);
    const zipped = await api.send("/clickstream.js", { headers: { "accept-encoding": "gzip, br" } });
    assert.equal(zipped.headers?.["content-encoding"], "gzip");
    assert.ok(gunzipSync(Buffer.from(zipped.body ?? "", "base64")).equals(code));
    for (const tag of ['"abc"', 'W/"abc"', '"x", "abc"', "*"]) {
      const known = await api.send("/clickstream.js", { headers: { "If-None-Match": tag } });
      assert.deepEqual([known.statusCode, known.body], [304, undefined], tag);
    }
    const other = await api.send("/clickstream.js", { headers: { "if-none-match": '"abcd"' } });
    assert.equal(other.statusCode, 200);
  });

  it("gives analytics-next its settings: events come here, and nothing goes to Segment", async () => {
    const answer = await new Api().send("/v1/projects/my-key/settings");
    assert.equal(answer.headers?.["content-type"], "application/json");
    assert.deepEqual(JSON.parse(answer.body ?? ""), {
      integrations: {
        "Segment.io": {
          apiKey: "my-key",
          apiHost: "collector.example.com/v1",
          protocol: "https",
          addBundledMetadata: false,
        },
      },
      metrics: { sampleRate: 0 },
    });
  });

  it("answers 404 to calls that are not Segment's", async () => {
    const api = new Api();
    for (const call of ["m", "import", "tracks", "constructor", "__proto__"]) {
      assert.equal((await api.post(`/v1/${call}`, EVENT)).statusCode, 404, call);
    }
    assert.equal(api.kinesis.calls.length, 0);
  });
});
