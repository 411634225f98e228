// The reader of the live view on a stream in memory: which records it sees, and how often it asks.
import assert from "node:assert/strict";
import { type ReadRecord, StreamReader } from "../../../cli/live/stream-reader";
import { FakeClock, FakeKinesis, named } from "./fake-kinesis";

interface Setting {
  clock: FakeClock;
  kinesis: FakeKinesis;
  reader: StreamReader;
  seen: ReadRecord[];
  texts: () => string[];
  abort: () => void;
}

function setting(...shardIds: string[]): Setting {
  const clock = new FakeClock();
  const kinesis = new FakeKinesis(clock, ...shardIds);
  const seen: ReadRecord[] = [];
  const controller = new AbortController();
  const reader = new StreamReader({
    client: kinesis.client,
    streamName: "events",
    clock,
    random: () => 0.5,
    signal: controller.signal,
    onRecords: (records) => seen.push(...records),
  });
  const texts = () => seen.map(({ data }) => data.toString());
  return { clock, kinesis, reader, seen, texts, abort: () => controller.abort() };
}

describe("cli/live/stream-reader", () => {
  it("sees what arrives after its start in every shard, and nothing from before", async () => {
    const { clock, kinesis, reader, seen, abort } = setting("a", "b", "c");
    kinesis.put("a", "old");
    await reader.start();
    kinesis.put("a", "a1", "a2");
    kinesis.put("c", "c1");
    await clock.pass(1_000);
    kinesis.put("b", "b1");
    await clock.pass(1_000);
    assert.deepEqual(
      seen.map(({ shardId, data }) => `${shardId} ${data}`),
      ["a a1", "a a2", "c c1", "b b1"],
    );
    assert.equal(reader.state().shards, 3);
    abort();
  });

  it("sees a record within half a second, with at most half of the reads that a shard allows", async () => {
    const { clock, kinesis, reader, texts, abort } = setting("a");
    await reader.start();
    await clock.pass(60_000);
    kinesis.put("a", "new");
    await clock.pass(500);
    assert.deepEqual(texts(), ["new"]);
    const reads = kinesis.reads.map(({ ms }) => ms);
    for (const from of reads) {
      const inSecond = reads.filter((ms) => ms >= from && ms < from + 1_000).length;
      assert.ok(inSecond <= 3, `${inSecond} reads in a second`);
    }
    assert.ok(reads.length <= 2.5 * 61);
    abort();
  });

  it("follows a split: the children from their beginning, after the end of the parent", async () => {
    const { clock, kinesis, reader, texts, abort } = setting("a");
    await reader.start();
    kinesis.put("a", "1");
    kinesis.reshard(["a"], ["a-left", "a-right"]);
    kinesis.put("a-left", "2");
    kinesis.put("a-right", "3");
    await clock.pass(2_000);
    assert.deepEqual(texts(), ["1", "2", "3"]);
    assert.equal(reader.state().shards, 2);
    abort();
  });

  it("follows a merge once, when both parents have ended", async () => {
    const { clock, kinesis, reader, texts, abort } = setting("a", "b");
    await reader.start();
    kinesis.put("a", "1");
    kinesis.put("b", "2");
    kinesis.failures.GetRecords = [named("ProvisionedThroughputExceededException")];
    kinesis.reshard(["a", "b"], ["ab"]);
    kinesis.put("ab", "3");
    await clock.pass(5_000);
    assert.deepEqual(texts().sort(), ["1", "2", "3"]);
    assert.equal(texts().at(-1), "3");
    assert.equal(reader.state().shards, 1);
    abort();
  });

  it("follows a second reshard that happened meanwhile", async () => {
    const { clock, kinesis, reader, texts, abort } = setting("a");
    await reader.start();
    kinesis.reshard(["a"], ["b", "c"]);
    kinesis.put("b", "1");
    kinesis.reshard(["b", "c"], ["d"]);
    kinesis.put("d", "2");
    await clock.pass(5_000);
    assert.deepEqual(texts(), ["1", "2"]);
    abort();
  });

  it("waits longer after each refusal of a full shard, and misses nothing", async () => {
    const { clock, kinesis, reader, texts, abort } = setting("a");
    await reader.start();
    kinesis.failures.GetRecords = Array.from({ length: 5 }, () =>
      named("ProvisionedThroughputExceededException"),
    );
    kinesis.put("a", "1");
    await clock.pass(20_000);
    assert.deepEqual(texts(), ["1"]);
    assert.equal(reader.state().throttled, 5);
    const refused = kinesis.reads.slice(0, 6).map(({ ms }) => ms);
    const pauses = refused.slice(1).map((ms, index) => ms - (refused[index] as number));
    assert.deepEqual(
      pauses,
      [...pauses].sort((a, b) => a - b),
    );
    assert.ok((pauses[0] as number) >= 400);
    abort();
  });

  it("goes on after its last record when its iterator has expired", async () => {
    const { clock, kinesis, reader, texts, abort } = setting("a", "quiet");
    await reader.start();
    kinesis.put("a", "1");
    await clock.pass(1_000);
    // A laptop that slept: the clock jumps, and no read was possible.
    clock.ms += 60 * 60_000;
    kinesis.put("a", "2");
    kinesis.put("quiet", "3");
    await clock.pass(5_000);
    assert.deepEqual(texts(), ["1", "2", "3"]);
    abort();
  });

  it("renews an iterator that AWS calls expired earlier", async () => {
    const { clock, kinesis, reader, texts, abort } = setting("a");
    await reader.start();
    kinesis.put("a", "1");
    await clock.pass(1_000);
    kinesis.failures.GetRecords = [named("ExpiredIteratorException")];
    kinesis.put("a", "2");
    await clock.pass(3_000);
    assert.deepEqual(texts(), ["1", "2"]);
    abort();
  });

  it("reports a fault of AWS, tries on, and forgets it", async () => {
    const { clock, kinesis, reader, texts, abort } = setting("a");
    await reader.start();
    kinesis.failures.GetRecords = Array.from({ length: 4 }, () => named("InternalFailure", "server"));
    kinesis.put("a", "1");
    await clock.pass(1_500);
    assert.equal(reader.state().problem, "InternalFailure: InternalFailure of the fake");
    await clock.pass(20_000);
    assert.deepEqual(texts(), ["1"]);
    assert.equal(reader.state().problem, undefined);
    abort();
  });

  it("ends at once on what no retry solves", async () => {
    const { clock, kinesis, reader } = setting("a");
    const { ended } = await reader.start();
    kinesis.failures.GetRecords = [named("AccessDeniedException")];
    await clock.pass(1_000);
    await assert.rejects(ended, { name: "AccessDeniedException" });
    const denied = setting("a");
    denied.kinesis.failures.ListShards = [named("ResourceNotFoundException")];
    await assert.rejects(denied.reader.start(), { name: "ResourceNotFoundException" });
  });
});
