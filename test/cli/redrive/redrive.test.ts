// Tests the redrive of a dead-letter queue with clients that answer as SQS and Lambda do.
import assert from "node:assert/strict";
import { queueOf, summaryOf } from "../../../cli/commands/redrive";
import { readLetter } from "../../../cli/redrive/letters";
import { redrive } from "../../../cli/redrive/redrive";
import type { StackOutputs } from "../../../stack/outputs";

const EVENT = {
  Records: [
    {
      eventSource: "aws:s3",
      s3: { bucket: { name: "raw" }, object: { key: "raw/year%3D2026/a+b%2B1.jsonl.gz" } },
    },
  ],
};
const OBJECT = "s3://raw/raw/year=2026/a b+1.jsonl.gz";
/** As Lambda writes it to an on-failure destination. */
const RECORD = {
  version: "1.0",
  requestContext: { condition: "RetriesExhausted", approximateInvokeCount: 3 },
  requestPayload: EVENT,
  responseContext: { statusCode: 200, functionError: "Unhandled" },
  responsePayload: { errorMessage: "no memory", errorType: "RangeError" },
};

interface Call {
  name: string;
  input: Record<string, unknown>;
}

/** A queue and a function. `refuse` is the number of the invocation that Lambda refuses. */
function fakes(bodies: string[], refuse?: number) {
  const calls: Call[] = [];
  const left = bodies.map((Body, index) => ({ MessageId: `m${index}`, ReceiptHandle: `r${index}`, Body }));
  let invocations = 0;
  const send = async (command: { constructor: { name: string }; input: object }) => {
    const name = command.constructor.name.replace("Command", "");
    calls.push({ name, input: command.input as Call["input"] });
    if (name === "ReceiveMessage") return { Messages: left.splice(0, 10) };
    if (name === "Invoke" && ++invocations === refuse) throw new Error("Lambda refuses");
    return {};
  };
  const client = { send } as unknown as Parameters<typeof redrive>[0]["sqs"] &
    Parameters<typeof redrive>[0]["lambda"];
  return {
    calls,
    options: { sqs: client, lambda: client, queueUrl: "the-queue", functionName: "to-parquet" },
  };
}

const named = (calls: Call[], name: string) =>
  calls.filter((call) => call.name === name).map(({ input }) => input);

describe("cli/redrive", () => {
  it("sends the original event asynchronously, and deletes the message after that", async () => {
    const { calls, options } = fakes([JSON.stringify(RECORD)]);
    const found = await redrive({ ...options, dryRun: false });
    assert.deepEqual(found, [{ messageId: "m0", fate: "sent", objects: [OBJECT], error: "no memory" }]);
    assert.deepEqual(
      calls.map(({ name }) => name),
      ["ReceiveMessage", "Invoke", "DeleteMessage", "ReceiveMessage"],
    );
    const [{ FunctionName, InvocationType, Payload } = {}] = named(calls, "Invoke");
    assert.deepEqual([FunctionName, InvocationType], ["to-parquet", "Event"]);
    assert.deepEqual(JSON.parse(String(Payload)), EVENT);
    assert.deepEqual(named(calls, "DeleteMessage"), [{ QueueUrl: "the-queue", ReceiptHandle: "r0" }]);
  });

  it("goes on until the queue is empty", async () => {
    const { calls, options } = fakes(Array.from({ length: 25 }, () => JSON.stringify(RECORD)));
    assert.equal((await redrive({ ...options, dryRun: false })).length, 25);
    assert.equal(named(calls, "DeleteMessage").length, 25);
  });

  it("only lists with --dry-run, and leaves the messages readable", async () => {
    const { calls, options } = fakes([JSON.stringify(RECORD), JSON.stringify(EVENT)]);
    const found = await redrive({ ...options, dryRun: true });
    assert.deepEqual(
      found.map(({ fate, objects }) => [fate, objects]),
      [
        ["listed", [OBJECT]],
        ["listed", [OBJECT]],
      ],
    );
    assert.deepEqual([named(calls, "Invoke"), named(calls, "DeleteMessage")], [[], []]);
    assert.deepEqual(
      named(calls, "ChangeMessageVisibility").map(({ ReceiptHandle, VisibilityTimeout }) => [
        ReceiptHandle,
        VisibilityTimeout,
      ]),
      [
        ["r0", 0],
        ["r1", 0],
      ],
    );
  });

  it("keeps and names what is no event of S3, and sends the rest", async () => {
    const { calls, options } = fakes([
      "hello",
      JSON.stringify({ Records: [] }),
      "null",
      JSON.stringify(RECORD),
    ]);
    const found = await redrive({ ...options, dryRun: false });
    assert.deepEqual(
      found.map(({ messageId, fate }) => [messageId, fate]),
      [
        ["m0", "unknown"],
        ["m1", "unknown"],
        ["m2", "unknown"],
        ["m3", "sent"],
      ],
    );
    assert.deepEqual(
      named(calls, "ChangeMessageVisibility").map(({ ReceiptHandle }) => ReceiptHandle),
      ["r0", "r1", "r2"],
    );
  });

  it("deletes no message whose event Lambda did not accept, and leaves the rest readable", async () => {
    const { calls, options } = fakes(Array(3).fill(JSON.stringify(RECORD)), 2);
    await assert.rejects(redrive({ ...options, dryRun: false }), /Lambda refuses/);
    assert.deepEqual(
      named(calls, "DeleteMessage").map(({ ReceiptHandle }) => ReceiptHandle),
      ["r0"],
    );
    assert.deepEqual(
      named(calls, "ChangeMessageVisibility").map(({ ReceiptHandle }) => ReceiptHandle),
      ["r1", "r2"],
    );
  });

  it("reads an event as a dead-letter queue has it, and one that was too old to run", () => {
    const MessageAttributes = { ErrorMessage: { DataType: "String", StringValue: "no disk" } };
    assert.deepEqual(readLetter({ Body: JSON.stringify(EVENT), MessageAttributes }), {
      event: EVENT,
      objects: [OBJECT],
      error: "no disk",
    });
    const old = { ...RECORD, requestContext: { condition: "EventAgeExceeded" }, responsePayload: null };
    assert.equal(readLetter({ Body: JSON.stringify(old) })?.error, "EventAgeExceeded");
  });

  it("refuses a stack whose way has no queue", () => {
    for (const outputs of [{}, { deadLetterQueueUrl: "", toParquetFunction: "" }]) {
      const target = { name: "the local run 7", outputs: outputs as unknown as StackOutputs };
      assert.throws(() => queueOf(target), /the local run 7 has no dead-letter queue: .*way arrival/);
    }
    const outputs = { deadLetterQueueUrl: "url", toParquetFunction: "name" } as unknown as StackOutputs;
    assert.deepEqual(queueOf({ name: "x", outputs }), { queueUrl: "url", functionName: "name" });
  });

  it("says what it did in one line", () => {
    const found = (fate: "sent" | "unknown") => ({ messageId: "m", fate, objects: [] });
    assert.equal(summaryOf([], "f"), "It is empty.");
    assert.equal(
      summaryOf([found("sent"), found("sent"), found("unknown")], "f"),
      "2 sent to f again, 1 not understood and kept.",
    );
  });
});
