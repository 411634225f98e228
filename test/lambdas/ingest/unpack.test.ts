// Tests records that are not plain text: aggregates of the Kinesis Producer Library, gzip, other encodings.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { constants, deflateSync, gunzipSync, gzipSync } from "node:zlib";
import { recordContext } from "../../../lambdas/ingest/context";
import { outcomes, type Refused } from "../../../lambdas/ingest/outcomes";
import { aggregate, signed } from "./kpl";

const CASES = join(__dirname, "..", "..", "fixtures", "cases");
const context = recordContext("shardId-000000000000", "7", Date.parse("2026-11-21T09:00:00Z"), {
  earliestTime: "2000-01-01T00:00:00.000Z",
  latestLeadMs: 0,
});

function good(id: string): string {
  return `{"event_id":"${id}","event_type":"x","event_time":"2026-11-20T09:00:00.000Z","user_id":"u"}`;
}

/** An accepted event as its id, another as it is. */
function read(data: Buffer): (string | Refused)[] {
  return [...outcomes(data, context)].map((outcome) =>
    typeof outcome === "string" ? JSON.parse(outcome).event_id : outcome,
  );
}

/** The only refusal; its payload is the whole record. */
function refusedWhole(data: Buffer): Refused {
  const all = read(data);
  assert.equal(all.length, 1, JSON.stringify(all));
  const refused = all[0] as Refused;
  assert.equal(refused.payload_encoding, "base64");
  assert.deepEqual(Buffer.from(refused.payload, "base64"), data);
  return refused;
}

describe("lambdas/ingest/unpack", () => {
  it("reads an aggregate written by hand from the format's specification", () => {
    // Written by hand after aggregation-format.md: key table "a", one record with index 0 and data "{}".
    const message = Buffer.from("0a01611a0608001a027b7d", "hex");
    const digest = Buffer.from("58b829426e0ef86afc07fb4a9426e79b", "hex");
    const record = Buffer.concat([Buffer.from("f3899ac2", "hex"), message, digest]);
    const [refused] = read(record) as Refused[];
    assert.deepEqual([refused?.reason, refused?.payload], ["missing_event_type", "{}"]);
  });

  it("reads the user records of an aggregate, which can contain lines, gzip or nothing", () => {
    const record = aggregate([
      good("a"),
      `${good("b")}\nbroken`,
      gzipSync(`${good("c")}\n${good("d")}\n`),
      "",
      good("e"),
    ]);
    const all = read(record).map((each) => (typeof each === "string" ? each : [each.reason, each.position]));
    assert.deepEqual(all, ["a", "b", ["not_json", 2], "c", "d", ["empty_record", 5], "e"]);
  });

  it("numbers all lines of an aggregate, so that ids are unique and stable", () => {
    const anonymous = good("0");
    const record = aggregate([anonymous, gzipSync(`${anonymous}\n${anonymous}`), `[${anonymous}]`]);
    const ids = [0, 1, 2, 3].map((position) => `shardId-000000000000:7:${position}`);
    assert.deepEqual(read(record), ids);
    assert.deepEqual(read(record), ids);
  });

  it("reads an aggregate with many records", () => {
    const ids = Array.from({ length: 5_000 }, (_, index) => `e${index}`);
    assert.deepEqual(read(aggregate(ids.map(good))), ids);
  });

  const whole = aggregate([good("a")]);
  const spoilt: [string, Buffer][] = [
    ["a wrong checksum", Buffer.concat([whole.subarray(0, -1), Buffer.from([(whole.at(-1) as number) ^ 1])])],
    ["its end cut off", whole.subarray(0, -20)],
    ["nothing but its first bytes", whole.subarray(0, 4)],
    ["a length beyond its end", signed(Buffer.from("1a7f0800", "hex"))],
    ["a group, which the format lacks", signed(Buffer.from("0b", "hex"))],
  ];
  for (const [what, record] of spoilt) {
    it(`keeps an aggregate with ${what} whole, and says what it is`, () => {
      const { reason, detail } = refusedWhole(record);
      assert.equal(reason, "broken_aggregate");
      assert.match(detail, /KPL aggregate/);
    });
  }

  it("keeps an aggregate without records", () =>
    assert.equal(refusedWhole(aggregate([])).reason, "empty_record"));

  it("reads gzip with one or several members", () => {
    assert.deepEqual(read(gzipSync(`${good("a")}\n${good("b")}`)), ["a", "b"]);
    assert.deepEqual(read(Buffer.concat([gzipSync(`${good("a")}\n`), gzipSync(good("b"))])), ["a", "b"]);
  });

  it("reads the gzip record of the cases", () => {
    const record = readFileSync(join(CASES, "binary-record.gz"));
    const lines = gunzipSync(record).toString("utf8").trim().split("\n");
    assert.deepEqual(
      read(record),
      lines.map((line) => JSON.parse(line).event_id),
    );
  });

  const gzip = gzipSync(good("a"));
  const broken: [string, Buffer, RegExp][] = [
    ["cut off", gzip.subarray(0, -9), /unexpected end of file/],
    ["with a wrong checksum", Buffer.concat([gzip.subarray(0, -8), Buffer.alloc(8)]), /incorrect/],
    ["with something behind", Buffer.concat([gzip, Buffer.from("tail")]), /incorrect header/],
    ["with zeros behind", Buffer.concat([gzip, Buffer.alloc(4)]), /4 bytes follow its end/],
    ["that is a bomb", gzipSync(Buffer.alloc(20_000_000)), /unpacks to more than [\d,]+ bytes/],
  ];
  for (const [what, record, expected] of broken) {
    it(`keeps gzip ${what} whole, and says what it is`, () => {
      const { reason, detail } = refusedWhole(record);
      assert.equal(reason, "broken_gzip");
      assert.match(detail, expected);
      assert.match(detail, /gzip/);
    });
  }

  it("keeps gzip of binary data unchanged", () => {
    const { reason, detail } = refusedWhole(gzipSync(gzipSync(good("a"))));
    assert.equal(reason, "not_utf8");
    assert.match(detail, /gzip record unpacks to/);
  });

  it("limits the number of lines of a gzip record", () => {
    const record = gzipSync("1\n".repeat(1_000_000), { strategy: constants.Z_HUFFMAN_ONLY });
    const all = read(record) as Refused[];
    const lines = Math.ceil(record.length / 4);
    assert.equal(all.length, lines + 1);
    const last = all.at(-1) as Refused;
    assert.deepEqual([last.reason, last.payload], ["too_large", "1\n".repeat(1_000_000 - lines)]);
  });

  const encodings: [string, Buffer, RegExp][] = [
    ["Latin-1", Buffer.from(good("ä"), "latin1"), /Latin-1/],
    [
      "Latin-1 of several lines with blanks between",
      Buffer.from(` ${good("ä")} \r\n\n${good("ö")}\n`, "latin1"),
      /Latin-1/,
    ],
    ["UTF-16 with a mark", Buffer.from(`\ufeff${good("a")}\n${good("b")}`, "utf16le"), /UTF-16/],
    ["UTF-16 without one", Buffer.from(good("a"), "utf16le"), /UTF-16/],
    ["big-endian UTF-16", Buffer.from(good("a"), "utf16le").swap16(), /UTF-16/],
    ["zlib", deflateSync(good("a").repeat(20)), /zlib/],
    ["Zstandard", Buffer.from("28b52ffd2400ff0a20", "hex"), /Zstandard/],
    ["noise", Buffer.from("80ff00017f0a0a20200a0d", "hex"), /binary data/],
  ];
  for (const [what, record, expected] of encodings) {
    it(`keeps ${what} whole, blanks and all, and says what it looks like`, () => {
      const { reason, detail } = refusedWhole(record);
      assert.equal(reason, "not_utf8");
      assert.match(detail, expected);
    });
  }

  it("reads the good lines of a record with damaged lines", () => {
    const damaged = Buffer.from(` {"a":"\xff\xfe"} \r`, "latin1");
    const record = Buffer.concat([
      Buffer.from(`${good("a")}\n`),
      damaged,
      Buffer.from(`\n\n\u00a0\n${good("b")}`),
    ]);
    const [a, bytes, blank, b] = read(record) as [string, Refused, Refused, string];
    assert.deepEqual([a, b, blank.reason, blank.payload], ["a", "b", "not_json", "\u00a0"]);
    assert.deepEqual([bytes.reason, bytes.payload], ["not_utf8", damaged.toString("base64")]);
  });

  it("reads text with zero bytes that is not UTF-16", () => {
    const [refused] = read(Buffer.from('{"a":"\u0000"}')) as Refused[];
    assert.deepEqual([refused?.reason, refused?.payload], ["not_json", '{"a":"\u0000"}']);
  });
});
