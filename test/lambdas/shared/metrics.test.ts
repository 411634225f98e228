// Tests the metrics in the log lines: CloudWatch extracts just these, with just these values.

import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { ingestBatch } from "../../../lambdas/ingest/batch";
import { readWindow } from "../../../lambdas/ingest/window";
import { jsonLog } from "../../../lambdas/shared/log";
import { FakeClock, FakeS3, kinesisRecord, named, SHARD } from "../fakes";
import { extractMetrics } from "./emf";

const EVENT = '{"event_id":"a","event_type":"x","event_time":"2026-11-21T09:00:00.000Z","user_id":"u"}';

async function linesOf(records: ReturnType<typeof kinesisRecord>[], s3 = new FakeS3()): Promise<string[]> {
  const lines: string[] = [];
  await ingestBatch(records, {
    s3: s3.client,
    bucket: "raw",
    stack: "shop-prod",
    window: readWindow({ EARLIEST_EVENT_TIME: "2000-01-01T00:00:00Z", LATEST_EVENT_LEAD_HOURS: "24" }),
    clock: new FakeClock(),
    log: jsonLog({}, (line) => lines.push(line)),
  });
  return lines;
}

describe("lambdas/shared/metrics", () => {
  it("reports events and quarantined lines of a batch as metrics, and records and bytes as plain fields", async () => {
    const s3 = new FakeS3();
    const records = [kinesisRecord(`${EVENT}\n${EVENT}\nbroken`, "7"), kinesisRecord(EVENT, "8")];
    const [line = "", ...more] = await linesOf(records, s3);
    assert.deepEqual(more, []);
    const stored = [...s3.objects.values()].map(({ body }) => body);
    const bytes = (bodies: Buffer[]) => bodies.reduce((sum, body) => sum + body.length, 0);
    const metric = (name: string, unit: string, value: number) => ({
      namespace: "Clickstream",
      dimensions: { Stack: "shop-prod" },
      name,
      unit,
      value,
    });
    assert.deepEqual(extractMetrics(line), [
      metric("EventsAccepted", "Count", 3),
      metric("LinesQuarantined", "Count", 1),
    ]);
    const { records: count, bytesBeforeGzip, bytesAfterGzip } = JSON.parse(line);
    assert.deepEqual(
      [count, bytesBeforeGzip, bytesAfterGzip],
      [2, bytes(stored.map((body) => gunzipSync(body))), bytes(stored)],
    );
    assert.equal(JSON.parse(line)._aws.Timestamp, Date.parse("2026-11-21T09:00:00.000Z"));
  });

  it("does not count lines again that an earlier delivery quarantined", async () => {
    const s3 = new FakeS3();
    const records = [kinesisRecord("broken", "7")];
    await linesOf(records, s3);
    const [again = ""] = await linesOf(records, s3);
    const values = extractMetrics(again).map(({ name, value }) => [name, value]);
    assert.deepEqual(values, [
      ["EventsAccepted", 0],
      ["LinesQuarantined", 0],
    ]);
  });

  it("reports nothing for a failed batch", async () => {
    const s3 = new FakeS3();
    s3.failPut = () => named("SlowDown");
    const [line = "", ...more] = await linesOf([kinesisRecord(EVENT, "7")], s3);
    assert.deepEqual(more, []);
    assert.equal(JSON.parse(line).level, "ERROR");
    assert.equal(JSON.parse(line).batch, `${SHARD}-7-7`);
    assert.throws(() => extractMetrics(line), /_aws must be an object/);
  });

  it("rejects what the specification forbids", () => {
    const valid = () => ({
      _aws: {
        Timestamp: 1,
        CloudWatchMetrics: [{ Namespace: "N", Dimensions: [["D"]], Metrics: [{ Name: "M", Unit: "Count" }] }],
      },
      D: "d",
      M: 1,
    });
    assert.equal(extractMetrics(JSON.stringify(valid())).length, 1);
    const broken: [RegExp, object][] = [
      [/dimension D must be text/, { ...valid(), D: 1 }],
      [/M must be a number/, { ...valid(), M: "1" }],
      [/Timestamp/, { ...valid(), _aws: { ...valid()._aws, Timestamp: "now" } }],
      [/CloudWatchMetrics must be an array/, { ...valid(), _aws: { Timestamp: 1 } }],
    ];
    for (const [message, document] of broken) {
      assert.throws(() => extractMetrics(JSON.stringify(document)), message);
    }
  });
});
