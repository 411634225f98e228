// Tests the transformation of Firehose's records: the answer, the quarantine, ids that survive retries, its limits.

import assert from "node:assert/strict";
import { gunzipSync, gzipSync } from "node:zlib";
import type { FirehoseTransformationEventRecord, FirehoseTransformationResult } from "aws-lambda";
import { transform } from "../../../lambdas/firehose-ingest/transform";
import { readWindow } from "../../../lambdas/ingest/window";
import { FakeClock, FakeS3, firehoseRecord, named } from "../fakes";
import { aggregate } from "../ingest/kpl";

const HOUR = "year=2026/month=11/day=21/hour=09";
const ARRIVAL = "2026-11-21T09:00:01.123Z";
const BATCH = "0b9c4f7e-batch";
/** Without an id. */
const EVENT = `{"event_type":"x","event_time":"2026-11-21T09:00:00.000Z","user_id":"u"}`;
/** Made with Python: the first 16 bytes of sha256(sha256("1795251601123:" + EVENT) + ":0"), and ":1", as a number. */
const FIRST = "174176101929968447789360848641743215317";
const SECOND = "201583733822794539328340436754450427081";

type Line = Record<string, unknown> & { arrival: Record<string, unknown> };

async function run(records: FirehoseTransformationEventRecord[], s3 = new FakeS3(), maxAnswerBytes?: number) {
  const logs: Record<string, unknown>[] = [];
  const { records: answers } = await transform(
    { records },
    {
      s3: s3.client,
      bucket: "raw",
      stack: "clickstream-test",
      window: readWindow({ EARLIEST_EVENT_TIME: "2000-01-01T00:00:00Z", LATEST_EVENT_LEAD_HOURS: "24" }),
      clock: new FakeClock(),
      log: (entry) => void logs.push(entry),
      maxAnswerBytes,
    },
  );
  return { answers, s3, logs };
}

function text({ data = "" }: FirehoseTransformationResult["records"][number]): string {
  return Buffer.from(data, "base64").toString("utf8");
}

function linesOf(answers: FirehoseTransformationResult["records"]): Line[] {
  const lines = answers.map(text).join("").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}

function ids(answers: FirehoseTransformationResult["records"]): unknown[] {
  return linesOf(answers).map(({ event_id }) => event_id);
}

function objects({ objects }: FakeS3): [string, string][] {
  return [...objects].map(([key, { body }]) => [key, body.toString("hex")]);
}

const marked = (record: number, content: string | Buffer, batch = BATCH) =>
  Buffer.concat([Buffer.from(`{"clickstream_batch":"${batch}","record":${record}}\n`), Buffer.from(content)]);

/** Each of these lines has some 200 bytes in S3. */
const HUNDRED = `${EVENT}\n`.repeat(100);

describe("lambdas/firehose-ingest", () => {
  it("answers each record once, in order: its raw lines, or Dropped if it has none", async () => {
    const { answers, s3, logs } = await run([
      firehoseRecord(marked(17, `${EVENT}\nbroken\n${EVENT.replace('"u"', '"v"')}`), "a"),
      firehoseRecord("nothing", "b"),
      firehoseRecord(EVENT, "c"),
    ]);
    assert.deepEqual(
      answers.map(({ recordId, result }) => [recordId, result]),
      [
        ["a", "Ok"],
        ["b", "Dropped"],
        ["c", "Ok"],
      ],
    );
    assert.equal(
      text(answers[0] as never),
      `{"event_id":"sent-${BATCH}:17:0","event_time":"2026-11-21T09:00:00.000Z","event_type":"x","user_id":"u",` +
        `"arrival":{"time":"${ARRIVAL}","shard_id":"sent-${BATCH}","sequence_number":"17","position":0}}\n` +
        `{"event_id":"sent-${BATCH}:17:2","event_time":"2026-11-21T09:00:00.000Z","event_type":"x","user_id":"v",` +
        `"arrival":{"time":"${ARRIVAL}","shard_id":"sent-${BATCH}","sequence_number":"17","position":2}}\n`,
    );
    assert.deepEqual(answers[1], { recordId: "b", result: "Dropped" });
    assert.deepEqual(linesOf(answers.slice(2))[0]?.arrival, {
      time: ARRIVAL,
      shard_id: "firehose",
      sequence_number: FIRST,
      position: 0,
    });

    const [key = "", ...more] = s3.keys("");
    assert.deepEqual(more, []);
    assert.match(key, new RegExp(`^quarantine/${HOUR}/firehose-[0-9a-f]{32}-0-1\\.jsonl\\.gz$`));
    const place = { payload_encoding: "utf8", arrival_time: "2026-11-21 09:00:01.123" };
    const [first, second] = s3.lines(key).map(({ detail, ...line }) => line);
    assert.deepEqual(first, {
      reason: "not_json",
      payload: "broken",
      shard_id: `sent-${BATCH}`,
      sequence_number: "17",
      position: 1,
      ...place,
    });
    assert.deepEqual([second?.payload, second?.shard_id, second?.position], ["nothing", "firehose", 0]);
    assert.equal(logs.length, 1);
    assert.deepEqual(
      [logs[0]?.records, logs[0]?.EventsAccepted, logs[0]?.LinesQuarantined, logs[0]?.reasons],
      [3, 3, 2, { not_json: 2 }],
    );
    const declared = logs[0]?._aws as { CloudWatchMetrics: unknown } | undefined;
    assert.deepEqual(declared?.CloudWatchMetrics, [
      {
        Namespace: "Clickstream",
        Dimensions: [["Stack"]],
        Metrics: [
          { Name: "EventsAccepted", Unit: "Count" },
          { Name: "LinesQuarantined", Unit: "Count" },
        ],
      },
    ]);
  });

  it("makes no call if there is nothing to quarantine", async () => {
    const { s3 } = await run([firehoseRecord(EVENT, "a")]);
    assert.deepEqual([s3.puts, s3.listings], [[], 0]);
  });

  it("takes only a marker that a counted sender writes, and only at the start of a record", async () => {
    const good = `{"clickstream_batch":"${BATCH}","record":3}`;
    const cases = [
      `{"clickstream_batch":"short","record":3}\n${EVENT}`,
      `{"clickstream_batch":"${BATCH}\\u0022","record":3}\n${EVENT}`,
      `{"clickstream_batch":"${BATCH}","record":-3}\n${EVENT}`,
      `{"clickstream_batch":"${BATCH}","record":03}\n${EVENT}`,
      `{"clickstream_batch":"${BATCH}","record":3,"x":1}\n${EVENT}`,
      `${EVENT}\n${good}`,
      good,
    ];
    for (const content of cases) {
      const { answers, s3 } = await run([firehoseRecord(content, "a")]);
      for (const { arrival } of linesOf(answers)) assert.equal(arrival.shard_id, "firehose", content);
      // The line that is no marker is a line as any other: no event.
      assert.equal(s3.lines(s3.keys("quarantine/")[0] ?? "").length, 1, content);
    }
  });

  it("reads what follows the marker as it reads a record: gzip, aggregates, arrays", async () => {
    const contents = [gzipSync(`${EVENT}\n${EVENT}`), aggregate([EVENT, EVENT]), `[${EVENT},${EVENT}]`];
    for (const content of contents) {
      const { answers } = await run([firehoseRecord(marked(1, content), "a")]);
      assert.deepEqual(ids(answers), [`sent-${BATCH}:1:0`, `sent-${BATCH}:1:1`]);
    }
  });

  it("takes shard and sequence number of a Kinesis source from the record", async () => {
    const kinesis = (subsequenceNumber: unknown, recordId: string) => ({
      ...firehoseRecord(EVENT, recordId, "2026-11-21T09:00:09.000Z"),
      kinesisRecordMetadata: {
        shardId: "shardId-000000000003",
        partitionKey: "p",
        sequenceNumber: "495",
        subsequenceNumber: subsequenceNumber as string,
        approximateArrivalTimestamp: Date.parse(ARRIVAL),
      },
    });
    // AWS's sample has a number. Records of one aggregate have the same sequence number.
    const { answers } = await run([kinesis(0, "a"), kinesis("1", "b"), kinesis(12, "c")]);
    assert.deepEqual(ids(answers), [
      "shardId-000000000003:495:0",
      "shardId-000000000003:495000001:0",
      "shardId-000000000003:495000012:0",
    ]);
    assert.equal(linesOf(answers)[0]?.arrival.time, ARRIVAL);
  });

  describe("ids of events without one", () => {
    it("are the same when Firehose invokes again, and with other record ids", async () => {
      const first = await run([firehoseRecord(EVENT, "a"), firehoseRecord(marked(4, EVENT), "b")]);
      const again = await run([firehoseRecord(EVENT, "c"), firehoseRecord(marked(4, EVENT), "d")]);
      assert.deepEqual(ids(first.answers), [`firehose:${FIRST}:0`, `sent-${BATCH}:4:0`]);
      assert.deepEqual(ids(again.answers), ids(first.answers));
    });

    it("are the same when a record is delivered again with other records", async () => {
      const { answers } = await run([
        firehoseRecord(EVENT.replace("x", "other"), "1"),
        firehoseRecord(EVENT, "2"),
      ]);
      assert.equal(ids(answers)[1], `firehose:${FIRST}:0`);
    });

    it("differ for equal records of one millisecond, in the same way each time", async () => {
      const three = ["a", "b", "c"].map((id) => firehoseRecord(EVENT, id));
      const { answers } = await run(three);
      assert.deepEqual(ids(answers).slice(0, 2), [`firehose:${FIRST}:0`, `firehose:${SECOND}:0`]);
      assert.equal(new Set(ids(answers)).size, 3);
      assert.deepEqual(ids((await run(three)).answers), ids(answers));
    });

    it("differ for equal records of two milliseconds, records of two batches, and two records of a batch", async () => {
      const { answers } = await run([
        firehoseRecord(EVENT, "a"),
        firehoseRecord(EVENT, "b", "2026-11-21T09:00:01.124Z"),
        firehoseRecord(marked(0, EVENT), "c"),
        firehoseRecord(marked(0, EVENT, "another-batch"), "d"),
        firehoseRecord(marked(1, EVENT), "e"),
      ]);
      assert.equal(new Set(ids(answers)).size, 5);
    });
  });

  describe("the quarantine", () => {
    const bad = (record: number, arrival?: string) =>
      firehoseRecord(marked(record, "bad"), `r${record}`, arrival);

    it("has the same objects and the same answer after a crash at any write", async () => {
      const records = [
        bad(0),
        bad(1, "2026-11-21T10:00:00.000Z"),
        firehoseRecord(marked(2, HUNDRED), "r2"),
        firehoseRecord(marked(3, EVENT), "r3"),
      ];
      const whole = await run(records, new FakeS3(), 10_000);
      const keys = whole.s3.puts;
      assert.deepEqual(
        keys.map((key) => key.split("/")[0]),
        ["quarantine", "quarantine", "raw"],
      );
      for (const [index, failing] of keys.entries()) {
        const s3 = new FakeS3();
        s3.failPut = (key) =>
          key === failing ? named("SlowDown", "Please reduce your request rate.") : undefined;
        await assert.rejects(run(records, s3, 10_000), { name: "SlowDown" });
        assert.deepEqual(s3.puts, keys.slice(0, index));
        s3.failPut = () => undefined;
        const again = await run(records, s3, 10_000);
        assert.deepEqual(again.answers, whole.answers);
        assert.deepEqual(objects(s3).sort(), objects(whole.s3).sort());
      }
      // After the last write, before the answer.
      const again = await run(records, whole.s3, 10_000);
      assert.deepEqual([again.answers, whole.s3.objects.size], [whole.answers, 3]);
    });

    it("keeps a line under the hour in which its record arrived", async () => {
      const { s3 } = await run([bad(0), bad(1, "2026-11-21T08:59:59.999Z"), bad(2)]);
      const [eight = "", nine = ""] = s3.keys("quarantine/");
      assert.match(eight, /hour=08\/firehose-[0-9a-f]{32}-0-0\.jsonl\.gz$/);
      assert.match(nine, /hour=09\/firehose-[0-9a-f]{32}-0-1\.jsonl\.gz$/);
      assert.deepEqual(
        [eight, nine].map((key) => s3.lines(key).map(({ sequence_number }) => sequence_number)),
        [["1"], ["0", "2"]],
      );
    });

    it("loses nothing to a producer who writes the marker of another record", async () => {
      const s3 = new FakeS3();
      await run([firehoseRecord(marked(0, "bad"), "a")], s3);
      await run([firehoseRecord(marked(0, "worse"), "b")], s3);
      const payloads = s3.keys("quarantine/").flatMap((key) => s3.lines(key).map(({ payload }) => payload));
      assert.deepEqual(payloads.sort(), ["bad", "worse"]);
    });
  });

  describe("the size of the answer", () => {
    /** 100,000 bytes in base64 would be 133,336. A record has one line with some 30 bytes more in its arrival. */
    const large = (record: number) =>
      firehoseRecord(marked(record, EVENT.replace('"u"', `"${"u".repeat(100_000)}"`)), `record-${record}`);

    it("stays below Lambda's limit: what does not fit is written to S3, each record in one place", async () => {
      const records = Array.from({ length: 60 }, (_, index) => large(index));
      const { answers, s3, logs } = await run(records);
      const bytes = Buffer.byteLength(JSON.stringify({ records: answers }));
      assert.ok(bytes < 6_000_000 && bytes > 5_800_000, `the answer has ${bytes} bytes`);
      assert.deepEqual(
        answers.map(({ recordId }) => recordId),
        records.map(({ recordId }) => recordId),
      );
      const answered = linesOf(answers).map(({ arrival }) => arrival.sequence_number);
      const [key = "", ...more] = s3.keys("");
      assert.deepEqual(more, []);
      assert.match(key, new RegExp(`^raw/${HOUR}/firehose-[0-9a-f]{32}-0-\\d+\\.jsonl\\.gz$`));
      const written = s3.lines(key).map(({ arrival }) => (arrival as Line["arrival"]).sequence_number);
      assert.equal(answered.length, answers.filter(({ result }) => result === "Ok").length);
      assert.deepEqual(
        [...answered, ...written].map(Number).sort((a, b) => a - b),
        [...Array(60).keys()],
      );
      assert.deepEqual([logs[0]?.EventsAccepted, logs[0]?.writtenDirectly], [60, written.length]);
    });

    it("writes a record with more lines than the answer holds, and answers those after it", async () => {
      const { answers, s3 } = await run(
        [firehoseRecord(marked(0, HUNDRED), "a"), firehoseRecord(marked(1, EVENT), "b")],
        new FakeS3(),
        10_000,
      );
      assert.deepEqual(
        answers.map(({ result }) => result),
        ["Dropped", "Ok"],
      );
      const body = s3.objects.get(s3.keys("raw/")[0] ?? "")?.body ?? Buffer.alloc(0);
      assert.equal(gunzipSync(body).toString("latin1").split("\n").length - 1, 100);
    });

    it("answers tiny records in fewer bytes than it got", async () => {
      // An invocation has 6 MB at most, so an answer that is shorter has too.
      const records = Array.from({ length: 2_000 }, (_, index) =>
        firehoseRecord("{}", `4957873408644225903749749298062023384040017339048211251${index}`),
      );
      const { answers } = await run(records);
      assert.equal(new Set(answers.map(({ recordId }) => recordId)).size, 2_000);
      assert.ok(answers.every(({ result }) => result === "Dropped"));
      assert.ok(JSON.stringify({ records: answers }).length < JSON.stringify({ records }).length);
    });
  });
});
