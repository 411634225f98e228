// Tests waiting for a batch that Firehose delivers: every place where a record can be, each counted once.

import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { type AwaitDeliveryInput, awaitDelivery, readInput } from "../../../lambdas/await-delivery/wait";
import { makeRandom } from "../../../lambdas/shared/random";
import { FakeS3 } from "../fakes";

const BATCH = "0b9c4f7e-batch";
const HOUR = "year=2026/month=11/day=21/hour=09";
const SINCE = Date.parse("2026-11-21T09:30:00.000Z");
const LATER = new Date("2026-11-21T09:36:00.000Z");

/** Raw lines as the transformation writes them. */
const raw = (...records: number[]) =>
  records
    .map(
      (record) =>
        `{"event_id":"x","arrival":{"time":"2026-11-21T09:31:00.000Z","shard_id":"sent-${BATCH}","sequence_number":"${record}","position":0}}\n`,
    )
    .join("");
const quarantined = (record: number) =>
  `{"reason":"not_json","payload":"x","payload_encoding":"utf8","shard_id":"sent-${BATCH}","sequence_number":"${record}","position":0,"arrival_time":"2026-11-21 09:31:00.000"}\n`;
/** The format of https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html */
const givenUp = (data: string) =>
  `${JSON.stringify({
    attemptsMade: 4,
    arrivalTimestamp: 1795253460000,
    errorCode: "Lambda.FunctionError",
    errorMessage: "The Lambda function was successfully invoked but it returned an error result.",
    attemptEndingTimestamp: 1795253500000,
    rawData: Buffer.from(data).toString("base64"),
    lambdaArn: "arn:aws:lambda:us-east-1:000000000000:function:ingest:$LATEST",
  })}\n`;
const marked = (record: number) => `{"clickstream_batch":"${BATCH}","record":${record}}\n{"event_type":"x"}`;

class Bucket extends FakeS3 {
  /** In chunks of this size. */
  chunk = 64 * 1024;

  constructor() {
    super();
    this.bodyOf = (body) => {
      const chunks: Buffer[] = [];
      for (let at = 0; at < body.length; at += this.chunk) chunks.push(body.subarray(at, at + this.chunk));
      return Readable.from(chunks);
    };
  }

  gz(key: string, text: string, modified = LATER): this {
    this.put(key, gzipSync(text), modified);
    return this;
  }
}

async function ask(s3: FakeS3, records: number, more: Partial<AwaitDeliveryInput> = {}, bufferSeconds = 300) {
  const input = { sinceMs: SINCE, batch: BATCH, records, ...more };
  return awaitDelivery(input, { s3: s3.client, bucket: "raw", bufferSeconds });
}

describe("lambdas/await-delivery", () => {
  it("waits until every record is in raw, in the quarantine or given up", async () => {
    const s3 = new Bucket().gz(`raw/${HOUR}/events-1-2026-11-21-09-31-00-uuid.jsonl.gz`, raw(0, 0, 1));
    assert.deepEqual((await ask(s3, 5)).pending, [
      "3 of 5 records; Firehose buffers records for up to 300 seconds",
    ]);
    s3.gz(`raw/${HOUR}/firehose-${"a".repeat(32)}-0-0.jsonl.gz`, raw(2));
    s3.gz(`quarantine/${HOUR}/firehose-${"b".repeat(32)}-0-0.jsonl.gz`, quarantined(3));
    const { ingested, pending, failedBatches } = await ask(s3, 5, {}, 0);
    assert.deepEqual([ingested, pending, failedBatches], [false, ["1 of 5 records"], 0]);
    const errors = `aws/firehose/processing-failed/${HOUR}/events-1-2026-11-21-09-32-00-uuid`;
    s3.put(errors, givenUp(marked(4)) + givenUp("another sender's"), LATER);
    const all = await ask(s3, 5);
    assert.deepEqual([all.ingested, all.pending, all.failedBatches], [true, [], 1]);
  });

  it("counts a record that was delivered twice once", async () => {
    const s3 = new Bucket().gz(`raw/${HOUR}/a.jsonl.gz`, raw(0, 1)).gz(`raw/${HOUR}/b.jsonl.gz`, raw(0, 1));
    assert.equal((await ask(s3, 3)).ingested, false);
    assert.equal((await ask(s3, 2)).ingested, true);
  });

  it("reads given-up records whether their object is compressed or not, and lines that Firehose did not write", async () => {
    for (const pack of [(text: string) => Buffer.from(text), gzipSync]) {
      const s3 = new Bucket();
      s3.chunk = 7;
      s3.put("aws/firehose/processing-failed/x", pack(`broken\n{"rawData":5}\n${givenUp(marked(0))}`), LATER);
      const { ingested, failedBatches } = await ask(s3, 1);
      assert.deepEqual([ingested, failedBatches], [true, 1]);
    }
  });

  it("finds a record wherever a chunk ends", async () => {
    for (let length = 0; length < 40; length += 1) {
      const filler = `${"x".repeat(16 * 1024 - 100 + 5 * length)}\n`;
      const s3 = new Bucket().gz(`raw/${HOUR}/a.jsonl.gz`, filler + raw(0) + filler + raw(123));
      assert.deepEqual((await ask(s3, 124)).pending[0]?.split(";")[0], "122 of 124 records");
    }
  });

  it("does not count other batches, numbers that were not sent, or what an event says in a value", async () => {
    const other = raw(0).replace(BATCH, `${BATCH}-2`) + raw(0).replace(`sent-${BATCH}`, "firehose");
    const inText = `${JSON.stringify({ payload: raw(1) })}\n`;
    const s3 = new Bucket().gz(`raw/${HOUR}/a.jsonl.gz`, other + inText + raw(7));
    assert.equal((await ask(s3, 2)).pending[0]?.split(";")[0], "2 of 2 records");
  });

  it("finds what is delivered after the hour, and under the hour before", async () => {
    const s3 = new Bucket()
      .gz("raw/year=2026/month=11/day=21/hour=10/a.jsonl.gz", raw(0))
      .gz("raw/year=2026/month=11/day=21/hour=08/a.jsonl.gz", raw(1));
    assert.equal((await ask(s3, 2, { sinceMs: Date.parse("2026-11-21T09:02:00.000Z") })).ingested, true);
  });

  it("reads no object that was there before", async () => {
    const s3 = new Bucket().gz(`raw/${HOUR}/old.jsonl.gz`, raw(0), new Date("2026-11-21T09:10:00.000Z"));
    assert.equal((await ask(s3, 1)).ingested, false);
    assert.deepEqual(s3.gets, []);
  });

  it("goes on from its last answer, and reads no object twice but those of the last two minutes", async () => {
    const s3 = new Bucket()
      .gz(`raw/${HOUR}/a.jsonl.gz`, raw(0), new Date("2026-11-21T09:32:00.000Z"))
      .gz(`raw/${HOUR}/b.jsonl.gz`, raw(1), LATER);
    const first = await ask(s3, 4);
    s3.gets.length = 0;
    s3.gz(`raw/${HOUR}/0.jsonl.gz`, raw(2), new Date("2026-11-21T09:35:00.000Z"));
    const { counted } = readInput({
      since: "2026-11-21T09:30:00Z",
      batch: BATCH,
      records: 4,
      counted: first.counted,
    });
    const second = await ask(s3, 4, { counted });
    assert.deepEqual(s3.gets.sort(), [`raw/${HOUR}/0.jsonl.gz`, `raw/${HOUR}/b.jsonl.gz`]);
    assert.equal(second.pending[0]?.split(";")[0], "1 of 4 records");
  });

  it("passes on what it found in a bounded size, and nothing if it would be larger", async () => {
    const evens = Array.from({ length: 2_000 }, (_, index) => index * 97 + (index % 13));
    const s3 = new Bucket().gz(`raw/${HOUR}/a.jsonl.gz`, raw(...evens));
    const { counted } = await ask(s3, 200_000);
    assert.ok((counted?.seen.length ?? 0) < 32 * 1024);
    const random = makeRandom(5);
    const many = Array.from({ length: 30_000 }, () => Math.floor(random.unit() * 900_000));
    s3.gz(`raw/${HOUR}/a.jsonl.gz`, raw(...many));
    assert.equal((await ask(s3, 900_000)).counted, undefined);
  });

  it("reads more objects than a page of a listing has", async () => {
    const s3 = new Bucket();
    for (let record = 0; record < 1_100; record += 1) s3.gz(`raw/${HOUR}/${record}.jsonl.gz`, raw(record));
    assert.equal((await ask(s3, 1_100)).ingested, true);
    assert.ok(s3.listings >= 4);
  });

  it("is done at once if nothing was sent", async () => {
    assert.equal((await ask(new Bucket(), 0)).ingested, true);
  });

  const refused: [unknown, RegExp][] = [
    [{}, /since is missing[\s\S]*batch is missing[\s\S]*records is missing/],
    [{ since: "today", batch: BATCH, records: 1 }, /since must be an ISO 8601 date and time.*got "today"/],
    [
      { since: "2026-11-21T09:00:00Z", batch: "x/../y", records: 1 },
      /batch must be 8 to 64 letters, digits and hyphens/,
    ],
    [{ since: "2026-11-21T09:00:00Z", batch: BATCH, records: -1 }, /records must be a whole number from 0/],
    [{ since: "2026-11-21T09:00:00Z", batch: BATCH, records: 1, shards: {} }, /shards is not known/],
    [{ since: "2026-11-21T09:00:00Z", batch: BATCH, records: 1, counted: {} }, /through is missing/],
  ];
  for (const [input, message] of refused) {
    it(`rejects ${JSON.stringify(input)}`, () => {
      assert.throws(() => readInput(input), { name: "InvalidInput", message });
    });
  }
});
