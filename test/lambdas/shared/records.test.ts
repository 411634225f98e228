// Tests packing: no line is lost or split, and a session stays in order in one lane.

import assert from "node:assert/strict";
import { takeMarker } from "../../../lambdas/shared/marker";
import { makeRandom } from "../../../lambdas/shared/random";
import {
  EventTooLarge,
  FIREHOSE_RECORD,
  lanesFor,
  type PackedRecord,
  PUT_UNIT_BYTES,
  RecordPacker,
} from "../../../lambdas/shared/records";

describe("lambdas/shared/records", () => {
  it("keeps every line, in order within its session, in records of at most a PUT unit", () => {
    const random = makeRandom(5);
    const packer = new RecordPacker(8);
    const records: PackedRecord[] = [];
    for (let count = 0; count < 5_000; count += 1) {
      const session = `s${Math.floor(random.unit() * 100)}`;
      const record = packer.add(
        packer.laneOf(session),
        `${session}:${count}:${"ü".repeat(random.unit() * 200)}`,
      );
      if (record !== undefined) records.push(record);
    }
    records.push(...packer.drain());

    const laneOfSession = new Map<string, string>();
    const lastOfSession = new Map<string, number>();
    let lines = 0;
    for (const { data, partitionKey, lines: count } of records) {
      assert.ok(data.length <= PUT_UNIT_BYTES);
      const texts = data.toString("utf8").split("\n");
      assert.equal(texts.length, count);
      for (const text of texts) {
        const [session = "", number] = text.split(":");
        assert.equal(laneOfSession.get(session) ?? partitionKey, partitionKey);
        assert.ok((lastOfSession.get(session) ?? -1) < Number(number));
        laneOfSession.set(session, partitionKey);
        lastOfSession.set(session, Number(number));
        lines += 1;
      }
    }
    assert.equal(lines, 5_000);
  });

  it("puts a line larger than a PUT unit into a separate record, after the earlier lines of its lane", () => {
    const packer = new RecordPacker(1);
    packer.add(0, "small");
    assert.equal(packer.add(0, "x".repeat(100_000))?.data.toString(), "small");
    assert.equal(packer.add(0, "after")?.data.length, 100_000);
    assert.deepEqual(
      [...packer.drain()].map((record) => record.data.toString()),
      ["after"],
    );
  });

  it("accepts an event up to Kinesis' limit and rejects a larger one", () => {
    const packer = new RecordPacker(1);
    packer.add(0, "x".repeat(1024 * 1024 - "lane-0".length));
    assert.throws(() => packer.add(0, "x".repeat(1024 * 1024)), EventTooLarge);
  });

  it("combines binary data with text", () => {
    const packer = new RecordPacker(1);
    packer.add(0, "a");
    packer.add(0, Buffer.from([0xff]));
    assert.deepEqual([...packer.drain()][0]?.data, Buffer.from([97, 10, 0xff]));
  });

  it("uses more lanes for more events, within bounds", () => {
    assert.deepEqual([1, 2_000, 1_000_000].map(lanesFor), [8, 10, 128]);
  });
});

describe("lambdas/shared/records, for Firehose", () => {
  const BATCH = "0b9c4f7e-batch";

  it("begins each record with its marker, numbered from 0, in records of at most five steps of 5 KB", () => {
    const packer = new RecordPacker(1, FIREHOSE_RECORD, BATCH);
    const records: PackedRecord[] = [];
    for (let line = 0; line < 1_000; line += 1) {
      const record = packer.add(0, `${line}:${"x".repeat(90)}`);
      if (record !== undefined) records.push(record);
    }
    records.push(...packer.drain());
    const lines = records.flatMap(({ data, lines }, index) => {
      assert.ok(data.length <= 25 * 1024);
      const [marker, ...rest] = data.toString("utf8").split("\n");
      assert.equal(marker, `{"clickstream_batch":"${BATCH}","record":${index}}`);
      assert.equal(rest.length, lines);
      return rest;
    });
    assert.deepEqual(
      lines.map((line) => Number(line.split(":")[0])),
      [...Array(1_000).keys()],
    );
    // All but the last one are full.
    assert.ok(records.slice(0, -1).every(({ data }) => data.length > 25 * 1024 - 200));
  });

  it("numbers the records of all lanes and of later drains without a gap", () => {
    const packer = new RecordPacker(2, FIREHOSE_RECORD, BATCH);
    packer.add(0, "a");
    packer.add(1, "b");
    const first = [...packer.drain()];
    packer.add(1, "c");
    const numbers = [...first, ...packer.drain()].map(({ data }) => takeMarker(data).marker?.record);
    assert.deepEqual(numbers, [0, 1, 2]);
  });

  it("accepts an event up to Firehose's limit with the marker, and rejects a larger one", () => {
    const marker = `{"clickstream_batch":"${BATCH}","record":0}\n`;
    const most = 1000 * 1024 - marker.length;
    const packer = new RecordPacker(1, FIREHOSE_RECORD, BATCH);
    assert.throws(() => packer.add(0, "x".repeat(most + 1)), {
      name: "EventTooLarge",
      message: `An event has ${most + 1} bytes; Firehose takes 1024000 in a record. Split it.`,
    });
    packer.add(0, "x".repeat(most));
    assert.deepEqual(
      [...packer.drain()].map(({ data }) => data.length),
      [1000 * 1024],
    );
  });
});
