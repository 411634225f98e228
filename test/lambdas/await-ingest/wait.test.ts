// Tests when what was sent counts as ingested.

import assert from "node:assert/strict";
import { awaitIngest, readInput } from "../../../lambdas/await-ingest/wait";
import { FakeClock, FakeS3 } from "../fakes";

const A = "shardId-000000000000";
const B = "shardId-000000000001";
const SINCE = "2026-11-21T08:59:00.500Z";

function ask(s3: FakeS3, shards: Record<string, string>) {
  return awaitIngest(readInput({ since: SINCE, shards }), {
    s3: s3.client,
    bucket: "raw",
    clock: new FakeClock(),
  });
}

describe("lambdas/await-ingest", () => {
  it("waits for every shard's last sequence number, in raw or in quarantine", async () => {
    const s3 = new FakeS3();
    const input = { [A]: "20", [B]: "1000" };
    assert.deepEqual(await ask(s3, input), { ingested: false, pending: [A, B], failedBatches: 0 });
    s3.put(`raw/year=2026/month=11/day=21/hour=08/${A}-10-19.jsonl.gz`);
    s3.put(`raw/year=2026/month=11/day=21/hour=08/${B}-999-1000.jsonl.gz`);
    assert.deepEqual(await ask(s3, input), { ingested: false, pending: [A], failedBatches: 0 });
    s3.put(`quarantine/year=2026/month=11/day=21/hour=09/${A}-20-21.jsonl.gz`);
    assert.deepEqual(await ask(s3, input), { ingested: true, pending: [], failedBatches: 0 });
  });

  it("compares sequence numbers as numbers", async () => {
    const s3 = new FakeS3();
    s3.put(`raw/year=2026/month=11/day=21/hour=08/${A}-1-9.jsonl.gz`);
    assert.equal((await ask(s3, { [A]: "10" })).ingested, false);
  });

  it("finds a batch whose first record arrived hours earlier", async () => {
    const s3 = new FakeS3();
    s3.put(`raw/year=2026/month=11/day=21/hour=01/${A}-1-30.jsonl.gz`);
    assert.equal((await ask(s3, { [A]: "20" })).ingested, true);
  });

  it("knows a batch by its last number in each hour that has lines of it in the quarantine", async () => {
    const s3 = new FakeS3();
    s3.put(`raw/year=2026/month=11/day=21/hour=01/${A}-1-30.jsonl.gz`);
    s3.put(`quarantine/year=2026/month=11/day=21/hour=04/${A}-1-30.jsonl.gz`);
    assert.equal((await ask(s3, { [A]: "30" })).ingested, true);
    assert.equal((await ask(s3, { [A]: "31" })).ingested, false);
  });

  it("counts the batches of these shards for which Lambda stopped retrying", async () => {
    const s3 = new FakeS3();
    const place = (shard: string, id: string) =>
      `aws/lambda/mapping-1/${shard}/2026/11/21/2026-11-21T09.00.00-${id}`;
    s3.put(place(A, "one"), "", new Date("2026-11-21T08:59:00Z"));
    s3.put(place(A, "old"), "", new Date("2026-11-21T08:58:59Z"));
    s3.put(place(B, "other"), "", new Date("2026-11-21T08:59:30Z"));
    assert.equal((await ask(s3, { [A]: "1" })).failedBatches, 1);
  });

  it("does not wait if nothing was sent", async () => {
    assert.deepEqual(await ask(new FakeS3(), {}), { ingested: true, pending: [], failedBatches: 0 });
  });

  it("lists as much of a lake of 1,000 days as of one of 10, whether it waits or not", async () => {
    const listings = async (days: number, lastSequence: string) => {
      const s3 = new FakeS3();
      for (let hour = 1; hour <= 24 * days; hour += 1) {
        const at = new Date(Date.parse("2026-11-21T09:00:00Z") - hour * 3_600_000);
        const [year, month, day, hours] = at.toISOString().split(/[-T:]/);
        const folder = `year=${year}/month=${month}/day=${day}/hour=${hours}`;
        // Numbers of the same length, which are smaller the earlier they are.
        const last = 900_000 - hour;
        for (const zone of ["raw", "quarantine"]) {
          for (const shard of [A, B]) s3.put(`${zone}/${folder}/${shard}-${last}-${last}.jsonl.gz`);
        }
        s3.put(`aws/lambda/mapping-1/${A}/${year}/${month}/${day}/${hours}-given-up`, "", at);
      }
      await ask(s3, { [A]: lastSequence, [B]: lastSequence });
      return s3.listings;
    };
    for (const sequence of ["899999", "950000"]) {
      const [short, long] = [await listings(10, sequence), await listings(1000, sequence)];
      assert.equal(long, short);
      assert.ok(long < 20, `${long} listings`);
    }
  });

  it("reports all problems of the input at once", () => {
    assert.throws(() => readInput({ since: "now", shards: { a: 1 }, x: 1 }), {
      name: "InvalidInput",
      message:
        "Invalid input:\n  - x is not known (value 1); allowed are since, shards\n" +
        '  - since must be an ISO 8601 date and time such as 2026-11-21T09:00:00Z, got "now"\n' +
        '  - shards must be an object of shard ids, each with its last sequence number as text, got {"a":1}',
    });
    assert.throws(() => readInput({}), /since is missing.*\n.*shards is missing/);
  });
});
