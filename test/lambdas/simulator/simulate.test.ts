// Tests a simulation's input, pace and result.

import assert from "node:assert/strict";
import { deliveryDestination, destinationOf, streamDestination } from "../../../lambdas/shared/destination";
import { readInput } from "../../../lambdas/simulator/input";
import { simulate } from "../../../lambdas/simulator/simulate";
import { FakeClock, FakeFirehose, FakeKinesis } from "../fakes";

const NOW = Date.parse("2026-11-21T09:00:00.000Z");

async function run(input: unknown, kinesis = new FakeKinesis(), firehose?: FakeFirehose) {
  const clock = new FakeClock(NOW);
  const logs: Record<string, unknown>[] = [];
  const log = (entry: Record<string, unknown>) => void logs.push(entry);
  const destination = firehose
    ? deliveryDestination(firehose.client, "events")
    : streamDestination(kinesis.client, "events");
  const dependencies = { destination, clock, random: () => 0.5, log };
  const result = await simulate(readInput(input, NOW), dependencies);
  return { result, kinesis, clock, logs };
}

describe("lambdas/simulator", () => {
  it("sends the requested number of lines in records, and reports the sequence numbers", async () => {
    const { result, kinesis, logs } = await run({ events: 2000, seed: 7, duplicates: 0.1, malformed: 0.1 });
    assert.equal(kinesis.lines().length, 2000);
    assert.equal(result.events, 2000);
    assert.equal(result.records, kinesis.stored.length);
    assert.ok(result.records < 70);
    assert.deepEqual(Object.keys(result.shards).sort(), ["shardId-000000000000", "shardId-000000000001"]);
    assert.equal(result.startedAt, "2026-11-21T09:00:00.000Z");
    assert.deepEqual(result.sent, { since: "2026-11-21T09:00:00.000Z", shards: result.shards });
    const { distinct, duplicates, malformed } = result.truth;
    assert.deepEqual([distinct, duplicates, malformed], [1600, 200, 200]);
    assert.deepEqual([logs.length, logs[0]?.eventsPerSecond], [1, result.eventsPerSecond]);
  });

  for (const [pace, input] of [
    ["at once", { events: 2000, seed: 7 }],
    ["at a rate", { events: 200, ratePerSecond: 100, seed: 7 }],
  ] as const) {
    it(`sends to Firehose ${pace}, and counts the records of its batch`, async () => {
      const firehose = new FakeFirehose();
      firehose.refuse = (_, call, index) => call === 1 && index === 0;
      const { result } = await run(input, undefined, firehose);
      const { since, ...sent } = result.sent;
      assert.ok("batch" in sent);
      assert.equal(since, "2026-11-21T09:00:00.000Z");
      assert.deepEqual([sent.records, result.records], [firehose.stored.length, firehose.stored.length]);
      const [markers, lines] = [new Set<string>(), [] as string[]];
      for (const record of firehose.stored) {
        const [marker = "", ...rest] = record.toString("utf8").split("\n");
        markers.add(marker);
        lines.push(...rest);
      }
      const numbers = [...Array(sent.records).keys()];
      assert.deepEqual(
        [...markers].sort(),
        numbers.map((record) => JSON.stringify({ clickstream_batch: sent.batch, record })).sort(),
      );
      assert.match(sent.batch, /^[A-Za-z0-9-]{8,64}$/);
      const ids = new Set(lines.map((line) => JSON.parse(line).event_id));
      assert.deepEqual([result.events, lines.length, ids.size], [input.events, input.events, input.events]);
      assert.notDeepEqual((await run(input, undefined, firehose)).result.sent, result.sent);
    });
  }

  it("needs exactly one destination", async () => {
    const wrong: [Record<string, string>, RegExp][] = [
      [
        {},
        /neither a stream nor a delivery stream is named.*exactly one of STREAM_NAME and DELIVERY_STREAM_NAME/,
      ],
      [
        { STREAM_NAME: "a", DELIVERY_STREAM_NAME: "b" },
        /two destinations: the stream a and the delivery stream b/,
      ],
    ];
    for (const [env, message] of wrong) await assert.rejects(destinationOf({}, env), { message });
    const config = { region: "us-east-1" };
    assert.equal((await destinationOf(config, { STREAM_NAME: "a" })).record.name, "Kinesis");
    assert.equal(
      (await destinationOf(config, { DELIVERY_STREAM_NAME: "b", STREAM_NAME: "" })).record.name,
      "Firehose",
    );
  });

  it("sends one event a second for 20 seconds", async () => {
    const { result, kinesis, clock } = await run({ events: 20, ratePerSecond: 1 });
    assert.deepEqual(
      kinesis.calls.map((call) => call.length),
      new Array(20).fill(1),
    );
    assert.deepEqual(clock.sleeps, new Array(20).fill(1000));
    assert.deepEqual([result.seconds, result.eventsPerSecond], [20, 1]);
  });

  it("keeps a rate below and above one event per second", async () => {
    assert.deepEqual((await run({ events: 2, ratePerSecond: 0.1 })).clock.sleeps, [10_000, 10_000]);
    const fast = await run({ seconds: 3, ratePerSecond: 50 });
    assert.deepEqual([fast.result.events, fast.result.seconds], [150, 3]);
  });

  it("loses and duplicates nothing when Kinesis throttles", async () => {
    const kinesis = new FakeKinesis();
    kinesis.refuse = (_, call, index) => call % 2 === 1 && index % 2 === 0;
    const { result } = await run({ events: 5000, seed: 1 }, kinesis);
    const ids = kinesis.lines().map((line) => JSON.parse(line).event_id as string);
    assert.equal(result.events, 5000);
    assert.equal(new Set(ids).size, 5000);
    assert.equal(ids.length, 5000);
  });

  const refused: [unknown, RegExp][] = [
    [{ events: 0 }, /events must be a whole number from 1 to 1000000000, got 0/],
    [{ events: "many" }, /events must be .* got "many"/],
    [{ event: 5 }, /event is not known \(value 5\); allowed are events, seconds/],
    [{ duplicates: 1.5 }, /duplicates must be a share from 0 to 1, got 1.5/],
    [{ duplicates: 0.6, malformed: 0.6 }, /together must be a share from 0 to 1, got 1.2/],
    [{ events: 5, seconds: 5 }, /exclude each other/],
    [{ ratePerSecond: 5 }, /has no end/],
    [{ events: 1000, ratePerSecond: 1 }, /870 seconds.*Ask for 870 events or fewer, or for 2 a second/],
    [{ startTime: "2026-11-22T00:00:00Z" }, /startTime must be .* not in the future/],
    [{ days: 0 }, /days must be a whole number from 1 to 366, got 0/],
    [{ days: 367 }, /days must be a whole number from 1 to 366, got 367/],
    [{ days: "30" }, /days must be a whole number .* got "30"/],
    [{ seed: -1 }, /seed must be a whole number from 0/],
    [[], /must be an object/],
  ];
  for (const [input, message] of refused) {
    it(`rejects ${JSON.stringify(input)}`, () => {
      assert.throws(() => readInput(input, NOW), { name: "InvalidInput", message });
    });
  }

  it("reports all problems at once", () => {
    assert.throws(
      () => readInput({ events: 0, late: 2, x: 1 }, NOW),
      /x is not known[\s\S]*events must[\s\S]*late must/,
    );
  });

  it("sends a thousand events by default", () => {
    assert.equal(readInput(undefined, NOW).events, 1000);
  });
});
