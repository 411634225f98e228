// Tests a simulation's input, pace and result.

import assert from "node:assert/strict";
import { readInput } from "../../../lambdas/simulator/input";
import { simulate } from "../../../lambdas/simulator/simulate";
import { FakeClock, FakeKinesis } from "../fakes";

const NOW = Date.parse("2026-11-21T09:00:00.000Z");

async function run(input: unknown, kinesis = new FakeKinesis()) {
  const clock = new FakeClock(NOW);
  const logs: Record<string, unknown>[] = [];
  const log = (entry: Record<string, unknown>) => void logs.push(entry);
  const dependencies = { client: kinesis.client, streamName: "events", clock, random: () => 0.5, log };
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
    const { distinct, duplicates, malformed } = result.truth;
    assert.deepEqual([distinct, duplicates, malformed], [1600, 200, 200]);
    assert.deepEqual([logs.length, logs[0]?.eventsPerSecond], [1, result.eventsPerSecond]);
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
