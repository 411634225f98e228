// Tests putting records: full batches, only the refused sent again, bounded, order kept.

import assert from "node:assert/strict";
import { KinesisSender } from "../../../lambdas/shared/kinesis-sender";
import type { PackedRecord } from "../../../lambdas/shared/records";
import { fullJitter } from "../../../lambdas/shared/sender";
import { FakeClock, FakeKinesis, named } from "../fakes";

function record(text: string, lane = 0): PackedRecord {
  return { partitionKey: `lane-${lane}`, data: Buffer.from(text), lines: 1 };
}

function sender(kinesis: FakeKinesis, clock = new FakeClock(), deadlineMs?: number): KinesisSender {
  return new KinesisSender({
    client: kinesis.client,
    streamName: "events",
    clock,
    random: () => 0.5,
    deadlineMs,
  });
}

async function sendAll(to: KinesisSender, records: PackedRecord[]): Promise<void> {
  for (const each of records) await to.add(each);
  await to.flush();
}

describe("lambdas/shared/sender", () => {
  it("fills calls with 500 records, or 5 MiB", async () => {
    const kinesis = new FakeKinesis();
    await sendAll(
      sender(kinesis),
      Array.from({ length: 1_201 }, (_, index) => record(String(index))),
    );
    assert.deepEqual(
      kinesis.calls.map((call) => call.length),
      [500, 500, 201],
    );
    assert.deepEqual(
      kinesis.lines(),
      Array.from({ length: 1_201 }, (_, index) => String(index)),
    );

    const large = new FakeKinesis();
    await sendAll(
      sender(large),
      Array.from({ length: 12 }, () => record("x".repeat(1_000_000))),
    );
    assert.deepEqual(
      large.calls.map((call) => call.length),
      [5, 5, 2],
    );
  });

  it("retries only rejected records, and counts each record once", async () => {
    const kinesis = new FakeKinesis();
    kinesis.refuse = (_, call, index) => call === 1 && index % 3 === 0;
    const clock = new FakeClock();
    const to = sender(kinesis, clock);
    await sendAll(
      to,
      Array.from({ length: 9 }, (_, index) => record(String(index))),
    );
    assert.deepEqual(
      kinesis.calls.map((call) => call.map(({ Data }) => Data.toString())),
      [
        ["0", "1", "2", "3", "4", "5", "6", "7", "8"],
        ["0", "3", "6"],
      ],
    );
    assert.deepEqual([to.sent.lines, to.sent.records, to.sent.resent], [9, 9, 3]);
    // Half (the jitter) of twice the base of 100 ms.
    assert.deepEqual(clock.sleeps, [100]);
  });

  it("starts a batch only after the previous one was accepted completely", async () => {
    const kinesis = new FakeKinesis();
    kinesis.refuse = (_, call, index) => call <= 2 && index === 0;
    await sendAll(
      sender(kinesis),
      Array.from({ length: 501 }, (_, index) => record(String(index))),
    );
    assert.deepEqual(
      kinesis.calls.map((call) => call.length),
      [500, 1, 1, 1],
    );
    assert.equal(kinesis.lines().at(-1), "500");
    assert.equal(kinesis.lines().at(-2), "0");
  });

  it("remembers the last sequence number of each shard", async () => {
    const to = sender(new FakeKinesis());
    await sendAll(to, [record("a", 0), record("b", 1), record("c", 0)]);
    assert.deepEqual(to.sent.shards, {
      "shardId-000000000000": "1000002",
      "shardId-000000000001": "1000001",
    });
  });

  it("retries a call after a network error", async () => {
    const kinesis = new FakeKinesis();
    kinesis.failCall = (call) =>
      call === 1 ? Object.assign(new Error("socket hang up"), { code: "ECONNRESET" }) : undefined;
    const to = sender(kinesis);
    await sendAll(to, [record("a")]);
    assert.equal(to.sent.lines, 1);
  });

  it("does not retry permanent errors, and keeps their name", async () => {
    const kinesis = new FakeKinesis();
    kinesis.failCall = () => named("ResourceNotFoundException");
    await assert.rejects(sendAll(sender(kinesis), [record("a")]), { name: "ResourceNotFoundException" });
    assert.equal(kinesis.calls.length, 1);
  });

  it("gives up after twelve attempts without progress, and reports the errors of Kinesis", async () => {
    const kinesis = new FakeKinesis();
    kinesis.refuse = ({ Data }) => Data.toString() === "stuck";
    const clock = new FakeClock();
    await assert.rejects(sendAll(sender(kinesis, clock), [record("fine"), record("stuck")]), {
      name: "PutFailed",
      message:
        "Kinesis stream events did not take 1 records in 12 tries in a row: 1 × ProvisionedThroughputExceededException " +
        "(Rate exceeded for shard). 1 lines were sent before. Where it throttles, give the stream more shards.",
    });
    assert.ok(Math.max(...clock.sleeps) <= 5_000);
  });

  it("continues as long as there is progress", async () => {
    const kinesis = new FakeKinesis();
    kinesis.refuse = (_, __, index) => index > 0;
    const to = sender(kinesis);
    await sendAll(
      to,
      Array.from({ length: 40 }, (_, index) => record(String(index))),
    );
    assert.deepEqual([to.sent.lines, to.sent.calls], [40, 40]);
  });

  it("stops at its deadline", async () => {
    const clock = new FakeClock();
    await assert.rejects(sendAll(sender(new FakeKinesis(), clock, clock.now()), [record("a")]), {
      name: "OutOfTime",
    });
  });

  it("does not wait for a time after its deadline, and names what Kinesis refused last", async () => {
    const kinesis = new FakeKinesis();
    kinesis.refuse = () => true;
    const clock = new FakeClock();
    const startMs = clock.now();
    await assert.rejects(sendAll(sender(kinesis, clock, startMs + 1_000), [record("a")]), {
      name: "OutOfTime",
      message: /Last refused: 1 × ProvisionedThroughputExceededException/,
    });
    // With this jitter the waits are 100, 200, 400 and 800 ms. The last one would end after the deadline.
    assert.deepEqual(clock.sleeps, [100, 200, 400]);
  });

  it("waits with exponential backoff and full jitter, up to a maximum", () => {
    assert.deepEqual(
      [1, 2, 3, 20].map((failures) => fullJitter(failures, () => 1)),
      [200, 400, 800, 5_000],
    );
    assert.equal(
      fullJitter(3, () => 0),
      0,
    );
  });
});
