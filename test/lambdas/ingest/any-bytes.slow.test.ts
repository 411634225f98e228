// Properties that hold whatever bytes arrive: nothing throws, everything is accounted for once, every line is a line.

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { ingestBatch } from "../../../lambdas/ingest/batch";
import { recordContext } from "../../../lambdas/ingest/context";
import { jsonLine, jsonText, mayLoseDigits, parseExactly } from "../../../lambdas/ingest/json";
import { type Outcome, outcomes, type Refused } from "../../../lambdas/ingest/outcomes";
import { split } from "../../../lambdas/ingest/split";
import contract from "../../../schema/clickstream.json";
import { FakeClock, FakeS3, kinesisRecord } from "../fakes";
import { aggregate } from "./kpl";

const window = { earliestTime: "2000-01-01T00:00:00.000Z", latestLeadMs: 24 * 3_600_000 };
const context = recordContext("shardId-000000000000", "7", Date.parse("2026-11-21T09:00:00Z"), window);
const REASONS = contract.quarantine.reasons.map(({ code }) => code);
/** What Java, Python, Spark, Hive or a person's editor takes for the end of a line. */
const LINE_ENDS = [..."\n\r\v\f\u001c\u001d\u001e\u0085\u2028\u2029"];
const TIME = "2026-11-20T09:00:00.000Z";
const runs = (numRuns: number) => ({ numRuns, seed: 20261121 });

/** Strings with everything in them that makes trouble; halves of surrogate pairs too. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom(...LINE_ENDS, "\ud83d", "\ude00", "\\", '"', "\0", "a", "\ufeff", "}") }),
  fc.constantFrom("__proto__", "constructor", "toString", "event_id", "batch", "7", "\\ud83d"),
);
const jsonValue = fc.jsonValue({ maxDepth: 4 });
const optional = (value: fc.Arbitrary<unknown>) => fc.option(value, { nil: undefined });

/** Objects that are near to events, and often are. */
const nearEvent = fc
  .tuple(
    fc.record({
      event_id: optional(fc.oneof(text, jsonValue)),
      event_type: fc.oneof({ weight: 9, arbitrary: fc.constant("x") }, { weight: 1, arbitrary: jsonValue }),
      event_time: fc.oneof(
        { weight: 9, arbitrary: fc.constant(TIME) },
        { weight: 1, arbitrary: fc.integer() },
      ),
      user_id: optional(fc.oneof(text, fc.integer())),
      session_id: fc.constant("s"),
      browser: optional(text),
      geo: optional(
        fc.dictionary(fc.oneof(fc.constantFrom("ip", "city"), text), fc.oneof(text, fc.integer())),
      ),
      product_price: optional(fc.oneof(fc.double({ noNaN: true }), fc.double({ noNaN: true }).map(String))),
      quantity: optional(fc.oneof(fc.integer(), fc.double())),
      properties: optional(fc.oneof(fc.dictionary(text, fc.oneof(text, jsonValue)), jsonValue)),
    }),
    fc.dictionary(text, fc.oneof(text, jsonValue)),
  )
  .map(([event, more]) => JSON.stringify({ ...more, ...event }));

/** JSON numbers of any length. */
const digits = fc.stringMatching(/^-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?$/);

const good = (id: number) => `{"event_id":"e${id}","event_type":"x","event_time":"${TIME}","user_id":"u"}`;

/** A few bytes of it replaced, put in or taken out. */
function mutated(data: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const change = fc.record({ at: fc.nat(10_000), out: fc.nat(3), put: fc.uint8Array({ maxLength: 3 }) });
  return fc.tuple(data, fc.array(change, { minLength: 1, maxLength: 3 })).map(([bytes, changes]) =>
    changes.reduce((changed, { at, out, put }) => {
      const start = at % (changed.length + 1);
      return Buffer.concat([changed.subarray(0, start), put, changed.subarray(start + out)]);
    }, bytes),
  );
}

const lines = fc.array(fc.oneof(nearEvent, fc.nat(9).map(good)), { minLength: 1, maxLength: 5 });
const ndjson = lines.map((each) => Buffer.from(each.join("\n")));
const pretty = lines.map((each) =>
  Buffer.from(each.map((one) => JSON.stringify(JSON.parse(one), null, 2)).join("\n")),
);
const array = lines.map((each) => Buffer.from(`[${each.join(",")}]`));
const batch = fc.tuple(fc.dictionary(text, jsonValue), lines).map(([more, each]) =>
  Buffer.from(
    `{"batch":[${each.join(",")}]${JSON.stringify(more)
      .slice(1)
      .replace(/^(?!})/, ",")}`,
  ),
);
const gzipped = ndjson.map((data) => gzipSync(data));
const aggregated = fc.array(fc.oneof(ndjson, gzipped), { maxLength: 3 }).map((datas) => aggregate(datas));
const nested = fc
  .tuple(fc.nat(3_000), fc.constantFrom("[", '{"a":', '{"batch":['), fc.boolean())
  .map(([levels, open, closes]) => {
    const close = [...open]
      .filter((char) => "[{".includes(char))
      .reverse()
      .join("")
      .replaceAll("[", "]")
      .replaceAll("{", "}");
    return Buffer.from(`${open.repeat(levels)}1${closes ? close.repeat(levels) : ""}\n${good(1)}`);
  });
const whole = fc.oneof(ndjson, pretty, array, batch, gzipped, aggregated, nested);
const anyRecord = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map(Buffer.from),
  whole,
  mutated(whole),
  mutated(whole),
);

function written(outcome: Outcome): string {
  return typeof outcome === "string" ? outcome : jsonLine(outcome);
}

function isWellFormed(value: string): boolean {
  return !/\p{Surrogate}/u.test(value);
}

const typeOf: Record<string, (value: unknown) => boolean> = {
  string: (value) => typeof value === "string" && isWellFormed(value),
  timestamp: (value) => typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z$/.test(value),
  double: Number.isFinite,
  int: (value) => Number.isInteger(value) && Math.abs(value as number) <= 2 ** 31,
  "map<string,string>": (value) =>
    Object.entries(value as object).every(([name, entry]) => isWellFormed(name) && typeOf.string?.(entry)),
};

/** Each value is of the schema's type, and there is nothing that the schema does not have. */
function assertSchema(row: Record<string, unknown>): void {
  const { arrival, geo = {}, ...event } = row as Record<string, Record<string, unknown>>;
  const flat = {
    ...event,
    ...Object.fromEntries(Object.entries(geo).map(([name, value]) => [`geo.${name}`, value])),
  };
  for (const [name, value] of Object.entries(flat)) {
    const field = contract.fields.find((each) => each.name === name);
    assert.ok(field && typeOf[field.type]?.(value), `${name}: ${JSON.stringify(value)}`);
  }
  assert.deepEqual(
    Object.keys(arrival as object),
    contract.arrival.map(({ name }) => name),
  );
  for (const required of ["event_id", "event_type", "event_time"]) assert.ok(event[required], required);
}

describe("lambdas/ingest, any input", function () {
  this.timeout(60_000);

  it("makes at least one line per record, numbers the lines, and gives the same result again", () => {
    fc.assert(
      fc.property(anyRecord, (data) => {
        const all = [...outcomes(data, context)];
        assert.ok(all.length > 0);
        all.forEach((outcome, index) => {
          const place = typeof outcome === "string" ? JSON.parse(outcome).arrival : outcome;
          assert.equal(place.position, index);
          if (typeof outcome !== "string") {
            assert.ok(REASONS.includes(outcome.reason));
            assert.notEqual(outcome.reason, "unprocessable", outcome.detail);
          }
        });
        assert.deepEqual([...outcomes(data, context)], all);
      }),
      runs(3_000),
    );
  });

  it("writes lines that every reader sees as one line, as JSON with unique names and the types of the schema", () => {
    fc.assert(
      fc.property(anyRecord, (data) => {
        for (const outcome of outcomes(data, context)) {
          const line = written(outcome);
          for (const end of LINE_ENDS) assert.ok(!line.includes(end), JSON.stringify(end));
          assert.ok(isWellFormed(line));
          const row = JSON.parse(line);
          // A name that came twice would be gone.
          assert.equal(jsonLine(row), line);
          if (typeof outcome === "string") assertSchema(row);
        }
      }),
      runs(3_000),
    );
  });

  it("accounts for each line of a record, good or bad, in order", () => {
    const notJson = fc
      .string({ unit: "grapheme" })
      .map((junk) => `x${junk.replace(/\s+/g, " ").replaceAll("\ufeff", "").trim()}`);
    const scalar = fc.oneof(fc.integer().map(String), fc.constantFrom("null", "true", '"text"'));
    const entry = fc.oneof(
      fc.nat(99).map((id) => ({ line: good(id), expected: `e${id}` })),
      notJson.map((line) => ({ line, expected: { payload: line } })),
      scalar.map((line) => ({ line, expected: { payload: line } })),
      fc.constant({ line: '{"event_type":"x"}', expected: { payload: '{"event_type":"x"}' } }),
      fc.constantFrom("", " ", "\r", "\t\r").map((line) => ({ line, expected: undefined })),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), fc.boolean(), (entries, isGzip) => {
        const data = Buffer.from(entries.map(({ line }) => line).join("\n"));
        const expected = entries.map((each) => each.expected).filter((each) => each !== undefined);
        fc.pre(expected.length > 0);
        const read = [...outcomes(isGzip ? gzipSync(data) : data, context)].map((outcome) =>
          typeof outcome === "string" ? JSON.parse(outcome).event_id : { payload: outcome.payload },
        );
        assert.deepEqual(read, expected);
      }),
      runs(2_000),
    );
  });

  it("splits damaged text into pieces that contain all of it except white space", () => {
    const flat = fc.array(fc.nat(9).map(good), { minLength: 1, maxLength: 4 });
    const indented = flat.map((each) => each.map((one) => JSON.stringify(JSON.parse(one), null, 1)));
    const damaged = mutated(fc.oneof(flat, indented).map((each) => Buffer.from(each.join("\n"))));
    fc.assert(
      fc.property(damaged, (data) => {
        // An array's brackets and commas are no part of its elements.
        const damagedText = data.toString("utf8").replaceAll("[", "(");
        const pieces = [...split(damagedText)];
        const dense = (value: string) => value.replace(/[ \t\r\n]/g, "");
        assert.equal(dense(pieces.map(({ payload }) => payload).join("")), dense(damagedText));
      }),
      runs(5_000),
    );
  });

  it("keeps all bytes of a damaged packed record", () => {
    const packed = fc.oneof(gzipped, aggregated);
    fc.assert(
      fc.property(packed, fc.nat(1_000_000), fc.integer({ min: 1, max: 255 }), (data, place, bits) => {
        const damaged = Buffer.from(data);
        const at = place % data.length;
        damaged[at] = (damaged[at] as number) ^ bits;
        const all = [...outcomes(damaged, context)];
        // The time and the system in gzip's header are nobody's concern.
        if (JSON.stringify(all) === JSON.stringify([...outcomes(data, context)])) return;
        const [refused, ...others] = all as Refused[];
        assert.deepEqual(others, []);
        assert.deepEqual(
          [refused?.payload_encoding, refused?.payload],
          ["base64", damaged.toString("base64")],
        );
      }),
      runs(2_000),
    );
  });

  it("keeps all bytes of binary data", () => {
    const binary = fc.uint8Array({ minLength: 1 }).map((data) => Buffer.from([0xff, 1, ...data]));
    fc.assert(
      fc.property(binary, (data) => {
        const [refused, ...others] = outcomes(data, context) as Iterable<Refused>;
        assert.deepEqual(others, []);
        assert.deepEqual([refused?.reason, refused?.payload], ["not_utf8", data.toString("base64")]);
      }),
      runs(1_000),
    );
  });

  it("keeps the digits of any number, wherever it becomes text", () => {
    fc.assert(
      fc.property(digits, digits, (a, b) => {
        const line = `${good(1).slice(0, -1)},"user_id":${a},"n":${b},"properties":{"p":${a},"o":{"q":[${a},${b}]}}}`;
        const [outcome] = outcomes(Buffer.from(line), context);
        const { user_id, properties } = JSON.parse(outcome as string);
        assert.equal(user_id, a);
        assert.deepEqual(properties, { p: a, o: `{"q":[${a},${b}]}`, n: b });
      }),
      runs(2_000),
    );
  });

  it("accepts and rejects exactly the same JSON as JSON.parse", () => {
    const json = fc.oneof(
      nearEvent,
      fc.json(),
      digits,
      digits.map((number) => `{"a":[${number} ,{"b":${number}}]}`),
    );
    const changed = mutated(json.map((each) => Buffer.from(each))).map((bytes) => bytes.toString("utf8"));
    fc.assert(
      fc.property(fc.oneof(json, changed), (each) => {
        let value: unknown;
        try {
          value = JSON.parse(each);
        } catch {
          assert.throws(() => parseExactly(each), SyntaxError);
          return;
        }
        const exact = jsonText(parseExactly(each));
        assert.deepEqual(JSON.parse(exact), value);
        if (!mayLoseDigits(`[${each}]`)) assert.equal(exact, JSON.stringify(value));
      }),
      runs(5_000),
    );
  });

  it("writes a batch of any records: all lines are in S3 and complete", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRecord, { minLength: 1, maxLength: 5 }), async (datas) => {
        const s3 = new FakeS3();
        const records = datas.map((data, index) => kinesisRecord(data, String(100 + index)));
        const failures = await ingestBatch(records, {
          ...{ s3: s3.client, bucket: "raw", stack: "test", window, clock: new FakeClock(), log: () => {} },
        });
        assert.deepEqual(failures, []);
        const expected = datas.flatMap((data) => [...outcomes(data, context)]);
        const count = (zone: string) => s3.keys(zone).reduce((sum, key) => sum + s3.lines(key).length, 0);
        const accepted = expected.filter((outcome) => typeof outcome === "string").length;
        assert.deepEqual([count("raw/"), count("quarantine/")], [accepted, expected.length - accepted]);
      }),
      runs(300),
    );
  });
});
