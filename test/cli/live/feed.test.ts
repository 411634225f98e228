// What the live view says of each line, compared with what the ingest does with it, and what it keeps.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { deliveredLine } from "../../../cli/live/delivered-lines";
import { Feed } from "../../../cli/live/feed";
import type { Seen } from "../../../cli/live/seen";
import type { ReadRecord } from "../../../cli/live/stream-reader";
import { ingestBatch } from "../../../lambdas/ingest/batch";
import { FakeS3 } from "../../lambdas/fakes";

const CASES = join(__dirname, "..", "..", "fixtures", "cases");
const WINDOW = { earliestTime: "2000-01-01T00:00:00.000Z", latestLeadMs: 24 * 3_600_000 };
const NOW = Date.parse("2026-11-26T12:00:00Z");

let sequence = 0;

function record(data: string | Buffer, arrivalMs = NOW): ReadRecord {
  return { shardId: "shard-1", sequenceNumber: String(++sequence), arrivalMs, data: Buffer.from(data) };
}

function event(fields: Record<string, unknown> = {}): string {
  const usual = {
    event_id: "e1",
    event_type: "page_view",
    event_time: "2026-11-26T11:59:58Z",
    user_id: "u1",
  };
  return JSON.stringify({ ...usual, ...fields });
}

function feed(now = () => NOW): Feed {
  return new Feed(WINDOW, now);
}

function verdicts(lines: readonly Seen[]): string[] {
  return lines.map(({ verdict, reason }) => (reason === undefined ? verdict : `${verdict} ${reason}`));
}

describe("cli/live/feed", () => {
  it("judges every case as the ingest does", async () => {
    for (const file of readdirSync(CASES)) {
      const data = readFileSync(join(CASES, file));
      const live = feed();
      const one = record(data);
      live.take([one]);
      const s3 = new FakeS3();
      await ingestBatch(
        [
          {
            eventID: `${one.shardId}:${one.sequenceNumber}`,
            kinesis: {
              data: data.toString("base64"),
              sequenceNumber: one.sequenceNumber,
              approximateArrivalTimestamp: NOW / 1000,
            },
          } as never,
        ],
        {
          s3: s3.client,
          bucket: "raw",
          window: WINDOW,
          stack: "test",
          clock: { now: () => NOW, sleep: async () => undefined },
          log: () => undefined,
        },
      );
      const written = (prefix: string) => s3.keys(prefix).flatMap((key) => s3.lines(key));
      const lines = live.newest(10_000);
      // The raw lines with an id that the live view has seen before are the Spark job's to remove.
      assert.equal(
        lines.filter(({ event }) => event !== undefined).length,
        written("raw/").length,
        `${file}: accepted by the ingest`,
      );
      assert.deepEqual(
        lines.filter(({ event }) => event === undefined).map(({ reason, position }) => [reason, position]),
        written("quarantine/").map(({ reason, position }) => [reason, position]),
        `${file}: refused by the ingest`,
      );
    }
  });

  it("takes lines in S3 as the ingest judged them, with duplicates and conflicts among them", () => {
    const live = feed();
    const arrival = {
      time: "2026-11-26T11:59:59.500Z",
      shard_id: "firehose",
      sequence_number: "9",
      position: 2,
    };
    const raw = (fields: Record<string, unknown> = {}) =>
      deliveredLine("raw", Buffer.from(JSON.stringify({ ...JSON.parse(event(fields)), arrival })), NOW);
    const refused = {
      reason: "event_time_out_of_window",
      detail: "1970 is too early.",
      payload: "x".repeat(100_000),
      payload_encoding: "utf8",
      shard_id: "sent-batch-01",
      sequence_number: "4",
      position: 1,
      arrival_time: "2026-11-26 11:59:59.000",
    };
    live.takeDelivered([
      raw(),
      // Firehose delivered the record twice.
      raw(),
      raw({ page_url: "/other" }),
      // An event that the ingest would refuse here: what counts is what it said.
      raw({ event_id: "e2", event_time: "1970-01-01T00:00:00.000Z" }),
      deliveredLine("quarantine", Buffer.from(JSON.stringify(refused)), NOW),
      deliveredLine("quarantine", Buffer.from([0xff, 0xfe]), NOW - 1_000),
    ]);
    assert.deepEqual(verdicts(live.newest(10)), [
      "accepted",
      "duplicate",
      "quarantined id_conflict",
      "accepted",
      "quarantined event_time_out_of_window",
      "quarantined unreadable_raw_line",
    ]);
    const { shardId, sequenceNumber, position, arrivalMs } = live.find(1) as Seen;
    assert.deepEqual([shardId, sequenceNumber, position, arrivalMs], ["firehose", "9", 2, NOW - 500]);
    assert.deepEqual([live.find(5)?.cut, live.find(5)?.detail], [34_464, "1970 is too early."]);
    assert.deepEqual([live.find(6)?.payload, live.find(6)?.payloadEncoding], ["//4=", "base64"]);
    assert.deepEqual(live.counts.summary().fromArrival?.median, 500);
  });

  it("calls a copy a duplicate: the same id on the same date", () => {
    const live = feed();
    live.take([
      record(event()),
      record(event()),
      record(event({ event_time: "2026-11-25T11:59:58Z" })),
      record(event({ event_id: "e2" })),
      record(`{"user_id":"u1","event_time":"2026-11-26T11:59:58Z","event_type":"page_view","event_id":"e1"}`),
    ]);
    assert.deepEqual(verdicts(live.newest(10)), [
      "accepted",
      "duplicate",
      "accepted",
      "accepted",
      "duplicate",
    ]);
    assert.equal(live.find(5)?.detail, "A copy of line 1: the table gets it once.");
  });

  it("announces another event under a known id as what the next execution makes of it", () => {
    const live = feed();
    live.take([record(event()), record(event({ page_url: "/other" }))]);
    assert.deepEqual(verdicts(live.newest(10)), ["accepted", "quarantined id_conflict"]);
  });

  it("has the reason and the payload of a refused line", () => {
    const live = feed();
    live.take([
      record(`${event()}\n{"event_type":"page_view"}\nno json`),
      record(Buffer.from([0xff, 0xfe, 0xfd])),
    ]);
    assert.deepEqual(verdicts(live.newest(10)), [
      "accepted",
      "quarantined missing_event_time",
      "quarantined not_json",
      "quarantined not_utf8",
    ]);
    assert.equal(live.find(3)?.payload, "no json");
    assert.deepEqual([live.find(4)?.payload, live.find(4)?.payloadEncoding], ["//79", "base64"]);
  });

  it("keeps its memory within the limits", () => {
    const limits = { lines: 100, characters: 20_000, payload: 50, ids: 10 };
    const live = new Feed(WINDOW, () => NOW, limits);
    for (let each = 0; each < 1_000; each += 1) live.take([record(event({ event_id: `id-${each}` }))]);
    assert.equal(live.newest(10_000).length <= 100, true);
    assert.equal(live.counts.summary().accepted, 1_000);
    live.take([record(event({ event_id: "id-999" })), record(event({ event_id: "id-1" }))]);
    // The memory of ids is bounded as well, so an old copy is no longer known.
    assert.deepEqual(verdicts(live.newest(2)), ["duplicate", "accepted"]);
    live.take([record(`no json ${"x".repeat(10_000)}`)]);
    const [refused] = live.newest(1);
    assert.deepEqual([refused?.payload?.length, refused?.cut], [50, 9_958]);
    for (let each = 0; each < 10; each += 1)
      live.take([record(event({ event_id: `l-${each}`, page_url: "x".repeat(9_000) }))]);
    assert.ok(live.newest(100).length <= 3, "characters");
  });

  it("counts by minute, rate and latency, and forgets on reset", () => {
    let now = NOW;
    const live = feed(() => now);
    for (let each = 0; each < 20; each += 1) live.take([record(event({ event_id: `a${each}` }), NOW - 100)]);
    now += 60_000;
    live.take([
      record(event({ event_id: "b", event_time: "2026-11-26T12:00:59Z" }), now - 300),
      record("x", now),
    ]);
    const summary = live.counts.summary();
    assert.deepEqual(
      [summary.total, summary.accepted, summary.quarantined, summary.duplicate, summary.reasons],
      [22, 21, 1, 0, { not_json: 1 }],
    );
    assert.equal(summary.rate, 0.2);
    assert.equal(summary.minutes.length, 60);
    assert.deepEqual(
      summary.minutes.slice(-3).map(({ accepted, quarantined }) => [accepted, quarantined]),
      [
        [0, 0],
        [20, 0],
        [1, 1],
      ],
    );
    assert.deepEqual(summary.fromArrival, { median: 100, p95: 100 });
    assert.deepEqual(summary.fromEvent, { median: 2_000, p95: 2_000 });
    now += 61 * 60_000;
    assert.ok(live.counts.summary().minutes.every(({ accepted }) => accepted === 0));
    live.reset();
    assert.deepEqual([live.counts.summary().total, live.newest(10)], [0, []]);
    live.take([record(event({ event_id: "b", event_time: "2026-11-26T12:00:59Z" }))]);
    assert.deepEqual(verdicts(live.newest(10)), ["accepted"]);
  });
});
