// Tests landing a batch: keys, bytes, the quarantine once, and failures that come back to Lambda.

import assert from "node:assert/strict";
import type { KinesisStreamRecord } from "aws-lambda";
import { batchCalls } from "../../../cli/cost/calls";
import { ingestBatch } from "../../../lambdas/ingest/batch";
import { readWindow } from "../../../lambdas/ingest/window";
import { FakeClock, FakeS3, kinesisRecord, named } from "../fakes";

const HOUR = "year=2026/month=11/day=21/hour=09";
const SHARD = "shardId-000000000000";

function good(id: string): string {
  return JSON.stringify({
    event_id: id,
    event_type: "x",
    event_time: "2026-11-21T09:00:00.000Z",
    user_id: "ü",
  });
}

async function ingest(s3: FakeS3, records: KinesisStreamRecord[], logs: Record<string, unknown>[] = []) {
  const window = readWindow({ EARLIEST_EVENT_TIME: "2000-01-01T00:00:00Z", LATEST_EVENT_LEAD_HOURS: "24" });
  const log = (entry: Record<string, unknown>) => void logs.push(entry);
  return ingestBatch(records, {
    s3: s3.client,
    bucket: "raw",
    stack: "clickstream-test",
    window,
    clock: new FakeClock(),
    log,
  });
}

describe("lambdas/ingest", () => {
  it("writes a long payload in parts with the same result as in one piece", async () => {
    // A pair of surrogates across the end of the first part; what JSON escapes, and what it leaves and we escape.
    const payload = `${"x".repeat(64 * 1024 - 1)}\u{1f600}"\\\u0001\u2028${"ü".repeat(70_000)}`;
    const s3 = new FakeS3();
    assert.deepEqual(await ingest(s3, [kinesisRecord(`short\n${payload}`, "100")]), []);
    const [short, long] = s3.lines(`quarantine/${HOUR}/${SHARD}-100-100.jsonl.gz`);
    assert.equal(long?.payload, payload);
    assert.deepEqual({ ...long, payload: "short", position: 0, detail: short?.detail }, short);
    assert.deepEqual(Object.keys(long ?? {}), Object.keys(short ?? {}));
  });

  it("writes one raw and one quarantine object of a shard, the quarantine first", async () => {
    const s3 = new FakeS3();
    const logs: Record<string, unknown>[] = [];
    const records = [
      kinesisRecord(`${good("a")}\r\n\n  ${good("b")}\nbroken\n`, "100"),
      kinesisRecord(Buffer.concat([Buffer.from(`${good("c")}\n`), Buffer.from([0xc3, 0x28])]), "101"),
      kinesisRecord(" \n", "102"),
    ];
    assert.deepEqual(await ingest(s3, records, logs), []);

    const rawKey = `raw/${HOUR}/${SHARD}-100-102.jsonl.gz`;
    const quarantineKey = `quarantine/${HOUR}/${SHARD}-100-102.jsonl.gz`;
    assert.deepEqual(s3.puts, [quarantineKey, rawKey]);
    const arrival = { time: "2026-11-21T09:00:01.123Z", shard_id: SHARD };
    assert.deepEqual(s3.lines(rawKey), [
      { ...JSON.parse(good("a")), arrival: { ...arrival, sequence_number: "100", position: 0 } },
      { ...JSON.parse(good("b")), arrival: { ...arrival, sequence_number: "100", position: 1 } },
      { ...JSON.parse(good("c")), arrival: { ...arrival, sequence_number: "101", position: 0 } },
    ]);
    const place = { shard_id: SHARD, arrival_time: "2026-11-21 09:00:01.123" };
    const lines = s3.lines(quarantineKey).map(({ detail, ...line }) => line);
    assert.deepEqual(lines, [
      {
        reason: "not_json",
        payload: "broken",
        payload_encoding: "utf8",
        sequence_number: "100",
        position: 2,
        ...place,
      },
      {
        reason: "not_utf8",
        payload: "wyg=",
        payload_encoding: "base64",
        sequence_number: "101",
        position: 1,
        ...place,
      },
      {
        reason: "empty_record",
        payload: " \n",
        payload_encoding: "utf8",
        sequence_number: "102",
        position: 0,
        ...place,
      },
    ]);
    assert.equal(logs.length, 1);
    assert.deepEqual(logs[0]?.reasons, { not_json: 1, not_utf8: 1, empty_record: 1 });
    assert.deepEqual([logs[0]?.records, logs[0]?.EventsAccepted, logs[0]?.LinesQuarantined], [3, 3, 3]);
    assert.equal(logs[0]?.batch, `${SHARD}-100-102`);
  });

  it("takes a pretty-printed object as one event, on one raw line", async () => {
    const s3 = new FakeS3();
    await ingest(s3, [kinesisRecord(JSON.stringify(JSON.parse(good("a")), null, 2), "1")]);
    assert.deepEqual(
      s3.lines(`raw/${HOUR}/${SHARD}-1-1.jsonl.gz`).map(({ event_id }) => event_id),
      ["a"],
    );
    assert.deepEqual(s3.keys("quarantine/"), []);
  });

  it("lists nothing if there is nothing to quarantine", async () => {
    const s3 = new FakeS3();
    await ingest(s3, [kinesisRecord(good("a"), "1")]);
    assert.equal(s3.listings, 0);
  });

  it("makes the same bytes for the same batch", async () => {
    const [first, second] = [new FakeS3(), new FakeS3()];
    for (const s3 of [first, second]) await ingest(s3, [kinesisRecord(`${good("a")}\n{`, "1")]);
    assert.deepEqual(
      [...first.objects].map(([key, { body }]) => [key, body]),
      [...second.objects].map(([key, { body }]) => [key, body]),
    );
  });

  it("groups by shard, and returns only the first record of the failed shard", async () => {
    const s3 = new FakeS3();
    s3.failPut = (key) =>
      key.includes("000000000001") ? named("AccessDenied", "no s3:PutObject") : undefined;
    const logs: Record<string, unknown>[] = [];
    const other = { shardId: "shardId-000000000001" };
    const records = [
      kinesisRecord(good("a"), "1"),
      kinesisRecord(good("b"), "7", other),
      kinesisRecord(good("c"), "8", other),
    ];
    assert.deepEqual(await ingest(s3, records, logs), [{ itemIdentifier: "7" }]);
    assert.deepEqual(s3.puts, [`raw/${HOUR}/${SHARD}-1-1.jsonl.gz`]);
    const [refused] = logs.filter(({ level }) => level === "ERROR");
    assert.deepEqual(
      [refused?.batch, refused?.error, refused?.detail],
      ["shardId-000000000001-7-8", "AccessDenied", "no s3:PutObject"],
    );
  });

  it("stores a batch under the arrival hour of its first record", async () => {
    const s3 = new FakeS3();
    const records = [
      kinesisRecord(good("a"), "1", { arrival: "2026-11-21T08:59:59.999Z" }),
      kinesisRecord(good("b"), "2", { arrival: "2026-11-21T09:00:00.000Z" }),
    ];
    await ingest(s3, records);
    assert.deepEqual(s3.keys("raw/"), [`raw/year=2026/month=11/day=21/hour=08/${SHARD}-1-2.jsonl.gz`]);
  });

  const bad = ["11", "12", "13", "14"].map((sequence, index) =>
    kinesisRecord(`bad ${sequence}`, sequence, {
      arrival: index < 2 ? "2026-11-21T08:30:00Z" : "2026-11-21T10:30:00Z",
    }),
  );
  const deliveries: [string, [number, number][]][] = [
    [
      "again as it was",
      [
        [0, 4],
        [0, 4],
      ],
    ],
    [
      "in halves, after a crash",
      [
        [0, 4],
        [0, 2],
        [2, 4],
      ],
    ],
    [
      "in halves, then whole",
      [
        [0, 2],
        [2, 4],
        [0, 4],
      ],
    ],
    [
      "with a later end",
      [
        [0, 3],
        [0, 4],
        [0, 3],
      ],
    ],
    [
      "with overlapping ends",
      [
        [0, 3],
        [1, 4],
        [0, 3],
        [1, 4],
      ],
    ],
    [
      "record by record, across hours",
      [
        [0, 4],
        [0, 1],
        [1, 2],
        [2, 3],
        [3, 4],
      ],
    ],
  ];
  for (const [how, ranges] of deliveries) {
    it(`keeps a line once in the quarantine when its batch comes ${how}`, async () => {
      const s3 = new FakeS3();
      for (const [from, to] of ranges) await ingest(s3, bad.slice(from, to));
      const payloads = s3.keys("quarantine/").flatMap((key) => s3.lines(key).map(({ payload }) => payload));
      assert.deepEqual(payloads.sort(), ["bad 11", "bad 12", "bad 13", "bad 14"]);
    });
  }

  const quarantined = (s3: FakeS3) =>
    s3.keys("quarantine/").flatMap((key) => s3.lines(key).map(({ payload }) => payload as string));

  it("keeps a quarantined line under the hour of its own record, in one object of the batch for each hour", async () => {
    const s3 = new FakeS3();
    await ingest(s3, bad);
    assert.deepEqual(s3.puts, [
      `quarantine/year=2026/month=11/day=21/hour=08/${SHARD}-11-14.jsonl.gz`,
      `quarantine/year=2026/month=11/day=21/hour=10/${SHARD}-11-14.jsonl.gz`,
    ]);
    assert.deepEqual(
      s3.puts.map((key) => s3.lines(key).map(({ payload }) => payload)),
      [
        ["bad 11", "bad 12"],
        ["bad 13", "bad 14"],
      ],
    );
  });

  it("keeps each line once whatever was delivered before, at any crash and with times out of order", async () => {
    // Numbers of a fixed sequence, so that a failure can be repeated.
    let state = 7;
    const below = (limit: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((state / 2 ** 31) * limit);
    };
    for (let round = 0; round < 300; round += 1) {
      // Eight records over three hours, most of them in order. Every second one is good.
      const start = Date.parse("2026-11-21T08:50:00Z");
      const records = Array.from({ length: 8 }, (_, index) => {
        const arrival = new Date(start + (index * 20 + below(30) - 15) * 60_000).toISOString();
        return kinesisRecord(index % 2 === 0 ? `bad ${index}` : good(`${index}`), `${100 + index}`, {
          arrival,
        });
      });
      const s3 = new FakeS3();
      for (let delivery = 0; delivery < 6; delivery += 1) {
        const from = below(8);
        let left = below(4);
        s3.failPut = () => (left-- > 0 ? undefined : named("SlowDown"));
        await ingest(s3, records.slice(from, from + 1 + below(8 - from)));
      }
      s3.failPut = () => undefined;
      // The stream goes on until everything was delivered, here in two batches.
      const cut = below(8);
      await ingest(s3, records.slice(0, cut));
      await ingest(s3, records.slice(cut));
      assert.deepEqual(quarantined(s3).sort(), ["bad 0", "bad 2", "bad 4", "bad 6"], `round ${round}`);
    }
  });

  it("finds quarantined lines behind more than a page of objects of its shard and hour", async () => {
    const s3 = new FakeS3();
    await ingest(s3, bad.slice(2));
    for (let index = 0; index < 1_200; index += 1) {
      s3.put(
        `quarantine/year=2026/month=11/day=21/hour=10/${SHARD}-${1000 + index}-${1000 + index}.jsonl.gz`,
      );
    }
    s3.listings = 0;
    await ingest(s3, bad.slice(3));
    assert.equal(s3.listings, 2);
    assert.equal(s3.puts.length, 1);
  });

  it("lists the hours of the lines alone: not what the quarantine has of other shards and days", async () => {
    const listings = async (days: number, objectsAnHour: number) => {
      const s3 = new FakeS3();
      for (let hour = -2; hour <= 24 * days; hour += 1) {
        const at = new Date(Date.parse("2026-11-21T09:00:00Z") - hour * 3_600_000);
        const [year, month, day, hours] = at.toISOString().split(/[-T:]/);
        const folder = `quarantine/year=${year}/month=${month}/day=${day}/hour=${hours}`;
        // Only the last two days are busy.
        for (let count = 0; count < (hour <= 48 ? objectsAnHour : 1); count += 1) {
          s3.put(`${folder}/shardId-000000000009-${count}-${count}.jsonl.gz`);
        }
      }
      await ingest(s3, bad);
      return s3.listings;
    };
    // Two records of the batch arrived at 8:30, two at 10:30.
    assert.deepEqual([await listings(10, 1), await listings(1000, 1)], [2, 2]);
    assert.equal(await listings(10, 2000), 2);
  });

  it("makes the calls that the cost model counts", async () => {
    const s3 = new FakeS3();
    await ingest(s3, [kinesisRecord(good("a"), "10", { arrival: "2026-11-21T08:29:00Z" }), ...bad]);
    const made = { "s3 PutObject": s3.puts.length, "s3 ListObjectsV2": s3.listings };
    assert.deepEqual(made, batchCalls(2, 60));
  });

  it("lists an hour once, although good records of other hours are between", async () => {
    const s3 = new FakeS3();
    const records = [
      kinesisRecord("bad", "1", { arrival: "2026-11-21T08:10:00Z" }),
      ...Array.from({ length: 30 }, (_, hour) =>
        kinesisRecord(good(`${hour}`), `${hour + 2}`, {
          arrival: new Date(Date.parse("2026-11-21T08:20:00Z") + hour * 3_600_000).toISOString(),
        }),
      ),
      kinesisRecord("bad too", "99", { arrival: "2026-11-22T14:10:00Z" }),
      kinesisRecord("bad again", "100", { arrival: "2026-11-21T08:15:00Z" }),
    ];
    await ingest(s3, records);
    assert.equal(s3.listings, 2);
    assert.deepEqual(quarantined(s3), ["bad", "bad again", "bad too"]);
  });

  it("quarantines the rest after a crash between the quarantine and the raw object", async () => {
    const s3 = new FakeS3();
    const records = [kinesisRecord(`${good("a")}\nbad`, "1")];
    s3.failPut = (key) => (key.startsWith("raw/") ? named("SlowDown") : undefined);
    assert.deepEqual(await ingest(s3, records), [{ itemIdentifier: "1" }]);
    s3.failPut = () => undefined;
    assert.deepEqual(await ingest(s3, records), []);
    assert.equal(s3.lines(`quarantine/${HOUR}/${SHARD}-1-1.jsonl.gz`).length, 1);
    assert.equal(s3.lines(`raw/${HOUR}/${SHARD}-1-1.jsonl.gz`).length, 1);
  });

  it("reads back every line of a huge batch, beyond one gzip member", async () => {
    const s3 = new FakeS3();
    await ingest(s3, [kinesisRecord("1\n".repeat(100_000), "1")]);
    const lines = s3.lines(`quarantine/${HOUR}/${SHARD}-1-1.jsonl.gz`);
    assert.equal(lines.length, 100_000);
    assert.deepEqual([lines[99_999]?.position, lines[99_999]?.payload], [99_999, "1"]);
  });

  it("quarantines a line on which the ingest fails, and accepts the other lines", async () => {
    const s3 = new FakeS3();
    const records = [kinesisRecord(["a", "fatal", "b"].map(good).join("\n"), "1")];
    const { stringify } = JSON;
    JSON.stringify = ((value: unknown, ...rest: []) => {
      if ((value as { event_id?: string })?.event_id === "fatal")
        throw new RangeError("Maximum call stack size exceeded");
      return stringify(value, ...rest);
    }) as typeof stringify;
    try {
      assert.deepEqual(await ingest(s3, records), []);
    } finally {
      JSON.stringify = stringify;
    }
    const ids = s3.lines(`raw/${HOUR}/${SHARD}-1-1.jsonl.gz`).map(({ event_id }) => event_id);
    assert.deepEqual(ids, ["a", "b"]);
    const [line] = s3.lines(`quarantine/${HOUR}/${SHARD}-1-1.jsonl.gz`);
    assert.deepEqual([line?.reason, line?.position, line?.payload], ["unprocessable", 1, good("fatal")]);
    assert.match(line?.detail as string, /RangeError: Maximum call stack/);
  });

  it("quarantines text that cannot be split, and accepts the lines before it", async () => {
    const s3 = new FakeS3();
    const { parse } = JSON;
    JSON.parse = ((text: string, ...rest: []) => {
      if (text.includes("fatal")) throw new RangeError("Invalid array length");
      return parse(text, ...rest);
    }) as typeof parse;
    const broken = `[${good("b")},"fatal"]`;
    try {
      await ingest(s3, [kinesisRecord(`${good("a")}\n${broken}\n${good("c")}`, "1")]);
    } finally {
      JSON.parse = parse;
    }
    const ids = s3.lines(`raw/${HOUR}/${SHARD}-1-1.jsonl.gz`).map(({ event_id }) => event_id);
    const payloads = s3.lines(`quarantine/${HOUR}/${SHARD}-1-1.jsonl.gz`).map(({ payload }) => payload);
    assert.deepEqual([ids, payloads], [["a", "c"], [broken]]);
  });

  it("handles 5,000 nested levels next to good lines", async () => {
    const s3 = new FakeS3();
    const deep = `${good("deep").slice(0, -1)},"properties":{"a":${"[".repeat(5_000)}${"]".repeat(5_000)}}}`;
    assert.deepEqual(await ingest(s3, [kinesisRecord(`${good("a")}\n${deep}\n${good("b")}`, "1")]), []);
    assert.equal(s3.lines(`raw/${HOUR}/${SHARD}-1-1.jsonl.gz`).length, 2);
    const [line] = s3.lines(`quarantine/${HOUR}/${SHARD}-1-1.jsonl.gz`);
    assert.deepEqual([line?.reason, line?.payload], ["too_deep", deep]);
  });

  it("rejects an invalid time window", () => {
    assert.throws(
      () => readWindow({ EARLIEST_EVENT_TIME: "soon", LATEST_EVENT_LEAD_HOURS: "24" }),
      /EARLIEST_EVENT_TIME.*"soon"/,
    );
    assert.throws(
      () => readWindow({ EARLIEST_EVENT_TIME: "2000-01-01T00:00Z", LATEST_EVENT_LEAD_HOURS: "-1" }),
      /0 or more, got "-1"/,
    );
  });
});
