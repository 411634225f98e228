// Tests sending again what Firehose gave up, with a bucket and a delivery stream that are fakes.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { deliveryStreamOf, summaryOf } from "../../../cli/commands/resend";
import { resend } from "../../../cli/resend/resend";
import { FirehoseSender } from "../../../lambdas/shared/firehose-sender";
import { PutFailed } from "../../../lambdas/shared/sender";
import type { StackOutputs } from "../../../stack/outputs";
import { FakeS3 } from "../../lambdas/fakes";

const FOLDER = "aws/firehose/processing-failed/year=2026/month=11/day=21/hour=09/";
const A = `${FOLDER}a`;
const B = `${FOLDER}b`;
const ARRIVED = 1795253460000;

/** A line of https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html */
const line = (data: string, arrivalTimestamp = ARRIVED) =>
  `${JSON.stringify({
    ...{ attemptsMade: 4, arrivalTimestamp, errorCode: "Lambda.FunctionError" },
    rawData: Buffer.from(data).toString("base64"),
  })}\n`;
const marker = (data: string, record: number, arrived = ARRIVED) => {
  const name = createHash("sha256").update(`${arrived}:${data}`).digest("hex").slice(0, 32);
  return `{"clickstream_batch":"resend-${name}","record":${record}}\n`;
};
const MARKED = '{"clickstream_batch":"0b9c4f7e-batch","record":3}\n{"event_type":"x"}';

class Bucket extends FakeS3 {
  readonly sent: string[][] = [];
  refused = false;

  constructor(objects: Record<string, string | Buffer>) {
    super();
    this.bodyOf = (body) => Readable.from([body]);
    for (const [key, content] of Object.entries(objects)) this.put(key, Buffer.from(content));
  }

  async resend(dryRun = false) {
    const send = async ({ input }: { input: { Records: { Data: Uint8Array }[] } }) => {
      this.sent.push(input.Records.map(({ Data }) => Buffer.from(Data).toString()));
      const answer = this.refused ? { ErrorCode: "ServiceUnavailableException" } : { RecordId: "id" };
      return { RequestResponses: input.Records.map(() => answer) };
    };
    const clock = { now: () => 0, sleep: async () => undefined };
    const client = { send } as unknown as ConstructorParameters<typeof FirehoseSender>[0]["client"];
    const sender = () => new FirehoseSender({ client, deliveryStreamName: "events", clock, random: () => 0 });
    return resend({ s3: this.client, bucket: "raw", sender, dryRun });
  }
}

describe("cli/resend", () => {
  it("sends each record and then deletes its object, of gzip or of plain text", async () => {
    const bucket = new Bucket({ [A]: gzipSync(line("one") + line("two")), [B]: line("three"), "raw/x": "y" });
    assert.deepEqual(await bucket.resend(), [
      { key: A, fate: "sent", records: 2, copies: 0, unreadable: [] },
      { key: B, fate: "sent", records: 1, copies: 0, unreadable: [] },
    ]);
    assert.deepEqual(bucket.sent, [
      [`${marker("one", 0)}one`, `${marker("two", 0)}two`],
      [`${marker("three", 0)}three`],
    ]);
    assert.deepEqual([...bucket.objects.keys()], ["raw/x"]);
    assert.deepEqual(await bucket.resend(), []);
  });

  it("keeps the marker of a record, for the execution that waits for it", async () => {
    const bucket = new Bucket({ [A]: line(MARKED) });
    await bucket.resend();
    assert.deepEqual(bucket.sent, [[MARKED]]);
  });

  it("numbers equal records, and sends those of two objects with the same records once", async () => {
    const object = line("same") + line("same") + line("same", ARRIVED + 1) + line(MARKED);
    const bucket = new Bucket({ [A]: object, [B]: gzipSync(object) });
    assert.deepEqual(
      (await bucket.resend()).map(({ fate, records, copies }) => [fate, records, copies]),
      [
        ["sent", 4, 0],
        ["sent", 4, 4],
      ],
    );
    const markers = [marker("same", 0), marker("same", 1), marker("same", 0, ARRIVED + 1)];
    assert.deepEqual(bucket.sent, [[...markers.map((first) => `${first}same`), MARKED]]);
    assert.deepEqual([...bucket.objects.keys()], []);
  });

  it("gives no marker to a record that has no room for it", async () => {
    const room = 1000 * 1024 - marker("", 0).length;
    const [fits, tooLong] = ["x".repeat(room), "x".repeat(room + 1)];
    const bucket = new Bucket({ [A]: line(fits) + line(tooLong) });
    await bucket.resend();
    assert.deepEqual(
      bucket.sent.flat().map(({ length }) => length),
      [1000 * 1024, room + 1],
    );
  });

  it("keeps an object with lines that cannot be read, names them, and sends the others", async () => {
    const bad = ["no json\n", "null\n", '{"rawData":7}\n', '{"rawData":"%%"}\n'];
    const bucket = new Bucket({ [A]: line("one") + bad.join("") + line("six"), [B]: line("seven") });
    assert.deepEqual(await bucket.resend(), [
      { key: A, fate: "kept", records: 2, copies: 0, unreadable: [2, 3, 4, 5] },
      { key: B, fate: "sent", records: 1, copies: 0, unreadable: [] },
    ]);
    assert.equal(bucket.sent.flat().length, 3);
    assert.deepEqual([...bucket.objects.keys()], [A]);
  });

  it("keeps an object whose compressed content breaks off", async () => {
    const whole = gzipSync(line("one") + line("two"));
    const bucket = new Bucket({ [A]: whole.subarray(0, whole.length - 20), [B]: line("three") });
    const [a, b] = await bucket.resend();
    assert.deepEqual([a?.key, a?.fate, a?.unreadable.length], [A, "kept", 1]);
    assert.equal(b?.fate, "sent");
  });

  it("deletes nothing whose records are not all accepted, and stops", async () => {
    const bucket = new Bucket({ [A]: line("one"), [B]: line("two") });
    bucket.refused = true;
    await assert.rejects(bucket.resend(), (error: Error) => {
      assert.ok(error instanceof PutFailed);
      assert.match(error.message, /Delivery stream events did not take 1 records/);
      return true;
    });
    assert.deepEqual([...bucket.objects.keys()], [A, B]);
    assert.ok(bucket.sent.every(([record]) => record?.endsWith("one")));
  });

  it("only lists with --dry-run", async () => {
    const bucket = new Bucket({ [A]: line("one"), [B]: "no json\n" });
    assert.deepEqual(await bucket.resend(true), [
      { key: A, fate: "listed", records: 1, copies: 0, unreadable: [] },
      { key: B, fate: "kept", records: 0, copies: 0, unreadable: [1] },
    ]);
    assert.deepEqual([bucket.sent, [...bucket.objects.keys()]], [[], [A, B]]);
  });

  it("refuses a stack without a delivery stream, and says where its batches are", () => {
    const target = (outputs: object) => ({ name: "the local run 7", outputs: outputs as StackOutputs });
    assert.equal(deliveryStreamOf(target({ deliveryStreamName: "events" })), "events");
    for (const outputs of [{ streamName: "s" }, { streamName: "s", deliveryStreamName: "" }]) {
      assert.throws(
        () => deliveryStreamOf(target(outputs)),
        /the local run 7 has no delivery stream: .* stream s .*aws\/lambda\//,
      );
    }
  });

  it("says what it did in one line", () => {
    const found = (fate: "sent" | "listed" | "kept", records: number) => ({
      ...{ key: "k", fate, records, copies: 0, unreadable: fate === "kept" ? [1] : [] },
    });
    assert.equal(summaryOf([], "events"), "There are none.");
    assert.equal(
      summaryOf([found("sent", 1200), found("sent", 1), found("kept", 2)], "events"),
      "1,201 records of 2 objects sent to events again, 1 object kept, as not every line can be read.",
    );
    assert.equal(
      summaryOf([found("listed", 1)], "events"),
      "1 record of 1 object would be sent again without --dry-run.",
    );
  });
});
