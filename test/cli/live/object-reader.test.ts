// The reader of what Firehose delivers, on an S3 in memory: what it sees, once, and what it does when S3 refuses.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import type { DeliveredLine } from "../../../cli/live/delivered-lines";
import { NewObjects } from "../../../cli/live/new-objects";
import { ObjectReader } from "../../../cli/live/object-reader";
import { FakeS3 } from "../../lambdas/fakes";
import { FakeClock, named } from "./fake-kinesis";

// The fake clock begins at 12:00.
const RAW = "raw/year=2026/month=11/day=26/hour=12/";
const RAW_BEFORE = "raw/year=2026/month=11/day=26/hour=11/";
const QUARANTINE = "quarantine/year=2026/month=11/day=26/hour=12/";
const ERRORS = "aws/firehose/processing-failed/year=2026/month=11/day=26/hour=12/";

function rawLine(id: string): string {
  const arrival =
    '{"time":"2026-11-26T12:00:01.250Z","shard_id":"firehose","sequence_number":"77","position":3}';
  return `{"event_id":"${id}","event_type":"page_view","event_time":"2026-11-26T12:00:00.000Z","user_id":"u","arrival":${arrival}}`;
}

const REFUSED =
  '{"reason":"not_json","detail":"No JSON.","payload":"x","payload_encoding":"utf8","shard_id":"sent-batch-01",' +
  '"sequence_number":"4","position":1,"arrival_time":"2026-11-26 12:00:02.500"}';

function setting(bufferSeconds = 1) {
  const clock = new FakeClock();
  const s3 = new FakeS3();
  s3.bodyOf = (body) => Readable.from([body]);
  const lines: DeliveredLine[] = [];
  const controller = new AbortController();
  const reader = new ObjectReader({
    client: s3.client,
    bucket: "raw",
    bufferSeconds,
    clock,
    random: () => 0.5,
    signal: controller.signal,
    onLines: (some) => lines.push(...some),
  });
  return {
    clock,
    s3,
    reader,
    lines,
    ids: () => lines.map(({ judged }) => ("event" in judged ? judged.event.event_id : judged.reason)),
    put: (key: string, text: string | Buffer, modifiedMs = clock.ms) =>
      s3.put(key, typeof text === "string" ? gzipSync(text) : text, new Date(modifiedMs)),
    /** zlib works in threads of its own, so reading can last longer than the fake time. */
    pass: async (milliseconds: number) => {
      await clock.pass(milliseconds);
      while (reader.state().waiting > 0) await sleep(2);
    },
    abort: () => controller.abort(),
  };
}

describe("cli/live/object-reader", () => {
  it("sees raw and quarantine lines of new objects once, in the order of their arrival, and no old ones", async () => {
    const { reader, put, pass, ids, lines, abort } = setting();
    put(`${RAW}clickstream-1-2026-11-26-11-59-59-aaaa.jsonl.gz`, `${rawLine("old")}\n`);
    await reader.start();
    // Before the old one in the listing: Firehose names an object by a time and a random id.
    put(`${RAW}clickstream-1-2026-11-26-11-59-58-zzzz.jsonl.gz`, `${rawLine("a")}\n\n${rawLine("b")}\n`);
    await pass(1_000);
    put(`${QUARANTINE}firehose-0123-0-1.jsonl.gz`, `${REFUSED}\n`);
    // Of the hour before: its first record arrived then.
    put(`${RAW_BEFORE}clickstream-1-2026-11-26-11-59-50-bbbb.jsonl.gz`, `${rawLine("c")}\n`);
    await pass(1_000);
    await pass(30_000);
    assert.deepEqual(ids().slice(0, 2), ["a", "b"]);
    assert.deepEqual(ids().slice(2).sort(), ["c", "not_json"]);
    const [event] = lines;
    assert.deepEqual(event?.place, {
      shardId: "firehose",
      sequenceNumber: "77",
      arrivalMs: Date.UTC(2026, 10, 26, 12, 0, 1, 250),
      position: 3,
    });
    assert.deepEqual(lines.find(({ judged }) => !("event" in judged))?.place, {
      shardId: "sent-batch-01",
      sequenceNumber: "4",
      arrivalMs: Date.UTC(2026, 10, 26, 12, 0, 2, 500),
      position: 1,
    });
    abort();
  });

  it("does not show what the job writes to the quarantine, nor other objects", async () => {
    const { reader, s3, put, pass, ids, abort } = setting();
    await reader.start();
    put(`${QUARANTINE}clickstream-1-2026-11-26-12-00-00-aaaa-conflicts.jsonl.gz`, `${REFUSED}\n`);
    put(`${QUARANTINE}clickstream-1-2026-11-26-12-00-00-aaaa-unreadable.jsonl.gz`, `${REFUSED}\n`);
    put(`${RAW}note.txt`, "x");
    await pass(3_000);
    assert.deepEqual([ids(), s3.gets], [[], []]);
    abort();
  });

  it("reads what came while the machine slept, and remembers the keys of the last minutes only", async () => {
    const { clock, reader, put, pass, ids, abort } = setting();
    await reader.start();
    put(`${RAW}a.jsonl.gz`, rawLine("a"));
    await pass(1_000);
    const slept = clock.ms;
    clock.ms += 5 * 3_600_000;
    put(`${RAW}b.jsonl.gz`, rawLine("b"), slept + 3_600_000);
    put("raw/year=2026/month=11/day=26/hour=16/c.jsonl.gz", rawLine("c"), slept + 4 * 3_600_000);
    await pass(2_000);
    await pass(2_000);
    assert.deepEqual(ids(), ["a", "b", "c"]);
    abort();

    const s3 = new FakeS3();
    const objects = new NewObjects("raw", s3.client, "raw");
    for (let minute = 0; minute < 60; minute += 1) {
      s3.put(`${RAW}${minute}.jsonl.gz`, "", new Date(clock.ms + minute * 60_000));
      assert.equal((await objects.find(Date.parse("2026-11-26T13:00:00Z"))).length, 1);
      assert.ok(objects.remembered <= 11, `${objects.remembered} keys`);
    }
  });

  it("hands a large object on in parts", async () => {
    const { reader, put, pass, ids, lines, abort } = setting();
    const parts: number[] = [];
    lines.push = (...some) => {
      parts.push(some.length);
      return Array.prototype.push.apply(lines, some);
    };
    await reader.start();
    put(`${RAW}large.jsonl.gz`, Array.from({ length: 1_200 }, (_, index) => rawLine(`e${index}`)).join("\n"));
    await pass(1_000);
    assert.deepEqual(parts, [500, 500, 200]);
    assert.equal(new Set(ids()).size, 1_200);
    abort();
  });

  it("goes on after the last line that it handed on when an answer breaks off", async () => {
    const { clock, reader, s3, put, pass, lines, ids, abort } = setting();
    await reader.start();
    // Numbers that do not compress, so that the first half of the bytes has more than 500 lines.
    const text = Array.from({ length: 1_500 }, (_, at) => rawLine(`${at}-${Math.random()}`)).join("\n");
    put(`${RAW}a.jsonl.gz`, text);
    let answers = 0;
    s3.bodyOf = (body) => {
      answers += 1;
      if (answers > 1) return Readable.from([body]);
      const half = body.subarray(0, body.length / 2);
      return Readable.from(
        (async function* () {
          yield half;
          while (lines.length < 500) await sleep(5);
          throw Object.assign(new Error("aborted"), { code: "ECONNRESET" });
        })(),
      );
    };
    await clock.pass(1_000);
    while (ids().length < 500) await sleep(2);
    assert.ok(ids().length < 1_500, `${ids().length} lines of the first answer`);
    while (answers < 2) {
      await clock.pass(100);
      await sleep(2);
    }
    await pass(0);
    assert.equal(answers, 2);
    assert.deepEqual(
      ids().map((id) => Number(id.split("-")[0])),
      Array.from({ length: 1_500 }, (_, at) => at),
    );
    abort();
  });

  it("waits longer when S3 refuses, says so, and misses nothing", async () => {
    const { clock, reader, s3, put, pass, ids, abort } = setting();
    await reader.start();
    put(`${RAW}a.jsonl.gz`, rawLine("a"));
    put(`${QUARANTINE}b.jsonl.gz`, REFUSED);
    const list = s3.listed;
    const looks: number[] = [];
    // The listing of the quarantine fails, after that of raw has found its object.
    s3.listed = (input) => {
      if (input.Prefix !== "quarantine/") return list(input);
      looks.push(clock.ms);
      if (looks.length <= 3) throw named("SlowDown");
      if (looks.length <= 6) throw named("InternalError", "server");
      return list(input);
    };
    while (looks.length < 5) await clock.pass(100);
    assert.equal(reader.state().throttled, 3);
    assert.match(reader.state().problem ?? "", /^InternalError/);
    await pass(120_000);
    assert.deepEqual(ids().sort(), ["a", "not_json"]);
    assert.equal(reader.state().problem, undefined);
    const pauses = looks.slice(1, 7).map((ms, index) => ms - (looks[index] as number));
    assert.ok(pauses.every((pause) => pause >= 1_000));
    assert.ok((pauses[2] as number) > (pauses[0] as number));
    abort();
  });

  it("counts what Firehose gave up, and damaged objects, and shows a line that cannot be read", async () => {
    const { reader, put, pass, lines, ids, abort } = setting();
    put(`${ERRORS}1`, "{}");
    await reader.start();
    assert.deepEqual(reader.state().givenUp, { objects: 1, andMore: false });
    put(`${ERRORS}2`, "{}");
    put(`${RAW}a.jsonl.gz`, Buffer.from("no gzip"));
    put(`${RAW}b.jsonl.gz`, `no json\n${rawLine("b")}`);
    await pass(1_000);
    await pass(31_000);
    assert.deepEqual(reader.state().givenUp, { objects: 2, andMore: false });
    assert.equal(reader.state().damaged, 1);
    assert.deepEqual(ids(), ["unreadable_raw_line", "b"]);
    assert.equal((lines[0] as DeliveredLine & { judged: { payload: string } }).judged.payload, "no json");
    abort();
  });

  it("looks less often when Firehose buffers for long", async () => {
    for (const [bufferSeconds, looks] of [
      [0, 30],
      [20, 15],
      [900, 6],
    ] as const) {
      const { reader, s3, pass, abort } = setting(bufferSeconds);
      await reader.start();
      const list = s3.listed;
      let seen = 0;
      s3.listed = (input) => {
        if (input.Prefix === "raw/") seen += 1;
        return list(input);
      };
      await pass(30_000);
      assert.equal(seen, looks, `${bufferSeconds} s`);
      abort();
    }
  });

  it("ends at once on what no retry solves", async () => {
    const { reader, s3, pass } = setting();
    const { ended } = await reader.start();
    s3.listed = () => {
      throw named("AccessDenied");
    };
    await pass(1_000);
    await assert.rejects(ended, { name: "AccessDenied" });
  });
});
