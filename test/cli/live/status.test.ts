// What the page says of its reader: the stream's shards, or S3 with what Firehose gave up.
import assert from "node:assert/strict";
import { bufferText, isBad, statusOf } from "../../../cli/live/page/status";
import type { ObjectState, StreamState } from "../../../cli/live/reader";

const STREAM: StreamState = { kind: "stream", shards: 1, behindMs: 0, throttled: 0 };
const OBJECTS: ObjectState = {
  kind: "objects",
  waiting: 0,
  damaged: 0,
  givenUp: { objects: 0, andMore: false },
  throttled: 0,
};

describe("cli/live/page/status", () => {
  it("says how the stream is read", () => {
    assert.equal(statusOf(STREAM), "reading 1 shard");
    assert.equal(
      statusOf({ ...STREAM, shards: 2, behindMs: 65_000, throttled: 3 }),
      "reading 2 shards, 1.1 min behind the stream, throttled 3 times",
    );
    assert.equal(statusOf({ ...STREAM, problem: "InternalFailure: x" }), "InternalFailure: x");
    assert.deepEqual([isBad(STREAM), isBad({ ...STREAM, problem: "x" })], [false, true]);
  });

  it("says how S3 is read, and what to do about records that Firehose gave up", () => {
    assert.equal(statusOf(OBJECTS), "reading S3");
    assert.equal(
      statusOf({ ...OBJECTS, waiting: 4, damaged: 1, throttled: 2 }),
      "reading S3, 4 objects to read, 1 object damaged, throttled 2 times",
    );
    const one = { ...OBJECTS, givenUp: { objects: 1, andMore: false } };
    assert.equal(
      statusOf(one),
      "reading S3. Firehose gave up records: 1 object under aws/firehose/. When the cause is fixed, npm run resend sends them again",
    );
    assert.match(
      statusOf({ ...OBJECTS, givenUp: { objects: 1_000, andMore: true } }),
      /: more than 1,000 objects under/,
    );
    assert.deepEqual([isBad(OBJECTS), isBad(one)], [false, true]);
  });

  it("says how long Firehose buffers", () => {
    assert.match(bufferText(300), /^Firehose buffers events for up to 300 s /);
    assert.match(bufferText(0), /without buffering/);
  });
});
