// Tests putting records into a delivery stream: full batches, and only the refused sent again.

import assert from "node:assert/strict";
import { FirehoseSender } from "../../../lambdas/shared/firehose-sender";
import { FakeClock, FakeFirehose, named } from "../fakes";

function sender(firehose: FakeFirehose, clock = new FakeClock(), deadlineMs?: number): FirehoseSender {
  const random = () => 0.5;
  return new FirehoseSender({
    client: firehose.client,
    deliveryStreamName: "events",
    clock,
    random,
    deadlineMs,
  });
}

async function sendAll(to: FirehoseSender, texts: string[]): Promise<void> {
  for (const text of texts) {
    await to.add({ partitionKey: "lane-0", data: Buffer.from(text), lines: 1 });
  }
  await to.flush();
}

describe("lambdas/shared/firehose-sender", () => {
  it("fills calls with 500 records, or 4 MiB", async () => {
    const firehose = new FakeFirehose();
    const texts = Array.from({ length: 1_201 }, (_, index) => String(index));
    await sendAll(sender(firehose), texts);
    assert.deepEqual(
      firehose.calls.map((call) => call.length),
      [500, 500, 201],
    );
    assert.deepEqual(firehose.stored.map(String), texts);

    const large = new FakeFirehose();
    await sendAll(sender(large), new Array(9).fill("x".repeat(1024 * 1024)));
    assert.deepEqual(
      large.calls.map((call) => call.length),
      [4, 4, 1],
    );
  });

  it("retries only the entries that failed, in their order, and counts each record once", async () => {
    const firehose = new FakeFirehose();
    firehose.refuse = (_, call, index) => call === 1 && index % 3 === 0;
    const clock = new FakeClock();
    const to = sender(firehose, clock);
    await sendAll(
      to,
      Array.from({ length: 9 }, (_, index) => String(index)),
    );
    assert.deepEqual(
      firehose.calls.map((call) => call.map(String)),
      [
        ["0", "1", "2", "3", "4", "5", "6", "7", "8"],
        ["0", "3", "6"],
      ],
    );
    assert.deepEqual([to.sent.lines, to.sent.records, to.sent.resent, to.sent.shards], [9, 9, 3, {}]);
    assert.deepEqual(clock.sleeps, [100]);
  });

  it("retries a call that is throttled as a whole, and none that cannot succeed", async () => {
    const firehose = new FakeFirehose();
    firehose.failCall = (call) => (call === 1 ? named("ServiceUnavailableException") : undefined);
    await sendAll(sender(firehose), ["a"]);
    assert.deepEqual([firehose.calls.length, firehose.stored.length], [2, 1]);

    const gone = new FakeFirehose();
    gone.failCall = () => named("ResourceNotFoundException");
    await assert.rejects(sendAll(sender(gone), ["a"]), { name: "ResourceNotFoundException" });
    assert.equal(gone.calls.length, 1);
  });

  it("gives up after twelve attempts without progress, and reports the errors of Firehose", async () => {
    const firehose = new FakeFirehose();
    firehose.refuse = () => true;
    await assert.rejects(sendAll(sender(firehose), ["a"]), {
      name: "PutFailed",
      message:
        "Delivery stream events did not take 1 records in 12 tries in a row: 1 × ServiceUnavailableException (Slow down.). " +
        "0 lines were sent before. Where it throttles, raise its quota of records or bytes per second in Service Quotas.",
    });
  });
});
