// Tests inputs that public bug reports of tools of this kind name: what becomes of each, by its event_id.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { recordContext } from "../../../lambdas/ingest/context";
import { outcomes } from "../../../lambdas/ingest/outcomes";

const CASES = join(__dirname, "..", "..", "fixtures", "cases");
const MADE = /^shardId-000000000000:7:\d+$/;
const context = recordContext("shardId-000000000000", "7", Date.parse("2026-11-26T00:00:00Z"), {
  earliestTime: "2000-01-01T00:00:00.000Z",
  latestLeadMs: 24 * 3_600_000,
});

type Row = Record<string, unknown> & { properties: Record<string, string> };
interface Refusal {
  reason: string;
  detail: string;
  payload: string;
}

/** The whole file as one record. */
function read(name: string): { rows: Row[]; refused: Map<string, Refusal> } {
  const rows: Row[] = [];
  const refused = new Map<string, Refusal>();
  for (const outcome of outcomes(readFileSync(join(CASES, name)), context)) {
    if (typeof outcome === "string") rows.push(JSON.parse(outcome));
    else refused.set(/"event_id": ?"([^"]+)"/.exec(outcome.payload)?.[1] ?? outcome.payload, outcome);
  }
  return { rows, refused };
}

function column(rows: Row[], name: string): unknown[] {
  return rows.map((row) => row[name]);
}

describe("lambdas/ingest, known cases", () => {
  it("duplicate names: the last value, in both forms", () => {
    const { rows, refused } = read("duplicate-names.jsonl");
    assert.equal(refused.size, 0);
    assert.deepEqual(column(rows, "properties"), [
      { plan: "pro" },
      { Osv: "8", osv: "8", utm: "b" },
      { utm: "b" },
    ]);
  });

  it("CR as white space: three events, no CR left", () => {
    const { rows, refused } = read("carriage-returns.jsonl");
    assert.equal(refused.size, 0);
    assert.deepEqual(column(rows, "event_id"), ["cr-plain", "cr-pretty", "cr-one"]);
    for (const line of outcomes(readFileSync(join(CASES, "carriage-returns.jsonl")), context)) {
      assert.doesNotMatch(line as string, /[\r\n]/);
    }
  });

  it("unpaired surrogates: their escapes, as text", () => {
    const { rows, refused } = read("half-surrogates.jsonl");
    assert.equal(refused.size, 0);
    assert.deepEqual(column(rows, "page_url"), ["/😀", "/cut\\ud83d", undefined]);
    assert.deepEqual(column(rows, "properties"), [undefined, { t: "x\\ud83d" }, { title: "x\\ude00y" }]);
  });

  it("placeholder ids: each event gets a generated id", () => {
    const { rows } = read("same-id-other-content.jsonl");
    const ids = column(rows, "event_id") as string[];
    assert.deepEqual(ids.slice(0, 3), Array(3).fill("00000000-0000-4000-8000-000000000000"));
    assert.equal(new Set(ids.slice(3)).size, 4);
    for (const id of ids.slice(3)) assert.match(id, MADE);
  });

  it("several pretty-printed objects, and several on a line", () => {
    assert.deepEqual(column(read("pretty.json").rows, "event_id"), ["pr-1", "pr-2"]);
    const ids = column(read("no-line-breaks.json").rows, "event_id");
    assert.deepEqual(ids, ["fh-0", "fh-1", "fh-2", "fh-3", "fh-4"]);
  });

  it("log lines: reported as log lines", () => {
    for (const name of ["log-vhost.log", "log-in-json.log"]) {
      const { rows, refused } = read(name);
      assert.equal(rows.length, 0);
      for (const { reason, detail } of refused.values()) {
        assert.equal(reason, "log_line");
        assert.match(detail, /npm start -- --file/);
      }
    }
  });

  describe("numbers", () => {
    const { rows, refused } = read("numbers.jsonl");
    const row = (id: string) => rows.find(({ event_id }) => event_id === id) as Row;

    it("keep their digits as text", () => {
      assert.equal(row("n-bigint-user").user_id, "12345678901234567890");
      assert.equal(row("n-bigint-product").product_id, "820982911946154508");
      assert.deepEqual(row("n-bigint-props").properties, {
        order_id: "820982911946154508",
        order: '{"id":820982911946154508,"small":42}',
      });
      assert.deepEqual(row("n-decimals").properties, {
        eth: "0.123456789012345678",
        amount: "10.00",
        lat: "52.5200065999",
        big: "1e21",
        neg0: "-0",
      });
    });

    it("become prices and quantities if they are valid numbers", () => {
      const taken = rows
        .filter(({ product_price, quantity }) => product_price !== undefined || quantity !== undefined)
        .map(({ event_id, product_price, quantity }) => [event_id, product_price, quantity]);
      assert.deepEqual(taken, [
        ["n-bigint-product", 1.5, 1],
        ["n-price-text", 19.99, 3],
        ["n-qty-2.0", 10, 2],
        ["n-qty-text-2.0", 10, 2],
        ["n-qty-neg", 10.5, -1],
        ["n-price-neg", -5, 1],
        ["n-price-null-qty", 49.9, undefined],
        ["n-price-1e3", 1000, 1],
        ["n-price-longfrac", 19.99, 1],
        ["n-rev-float", 19.99, 3],
        ["n-rev-float2", 0.1, 3],
      ]);
    });

    it("are shown as they were sent if they are invalid", () => {
      const got: Record<string, string> = {
        "n-price-thousands": '"1,299.00"',
        "n-price-currency": '"$19.99"',
        "n-price-comma": '"19,99"',
        "n-price-space": '" 19.99"',
        "n-qty-1.5": "1.5",
        "n-price-1e400": "1e400",
        "n-qty-big": "3000000000",
        "n-qty-true": "true",
        "n-plus": '"+5"',
        "n-hex": '"0x1F"',
      };
      for (const [id, value] of Object.entries(got)) {
        assert.equal(refused.get(id)?.reason, "invalid_field", id);
        assert.ok(refused.get(id)?.detail.endsWith(`, got ${value}.`), refused.get(id)?.detail);
      }
      for (const id of ["n-price-nan", "n-price-inf", "n-leading-zero"]) {
        assert.equal(refused.get(id)?.reason, "not_json", id);
        assert.match(refused.get(id)?.detail as string, /line 1, column \d+/);
      }
      assert.equal(refused.size, 13);
    });
  });

  it("times: the correct time, or a clear error", () => {
    const { rows, refused } = read("times.jsonl");
    const epoch = "2026-11-20T10:00:00.000Z";
    assert.deepEqual(Object.fromEntries(rows.map(({ event_id, event_time }) => [event_id, event_time])), {
      "ts-rees46-utc-suffix": "2026-11-01T00:00:00.000Z",
      "ts-offset-0530": "2026-11-19T18:45:00.000Z",
      "ts-offset-nocolon": "2026-11-19T18:45:00.000Z",
      "ts-postgres-short-offset": "2026-11-20T10:00:00.123Z",
      "ts-lower": epoch,
      "ts-nanos": "2026-11-20T10:00:00.123456Z",
      "ts-8digits": "2026-11-20T10:00:00.409Z",
      "ts-comma": "2026-11-20T10:00:00.123Z",
      "ts-epoch-ms": epoch,
      "ts-epoch-s": epoch,
      "ts-epoch-float": "2026-11-20T10:00:00.123Z",
      "ts-epoch-text": epoch,
      "ts-python": "2026-11-20T10:00:00.123456Z",
      "ts-minutes": epoch,
      "ts-west-midnight": "2026-11-21T04:30:00.000Z",
      "ts-neg-zero": epoch,
      "ts-space-z": epoch,
      "ts-space-offset": epoch,
      "ts-both": "2026-11-20T11:00:00.000Z",
      "ts-both2": "2026-11-20T12:00:00.000Z",
    });
    const reasons = Object.fromEntries([...refused].map(([id, { reason }]) => [id, reason]));
    const none = ["leap", "24h", "date", "rfc2822", "js", "java-zoned", "basic", "y10000", "feb29", "mongo"];
    assert.deepEqual(reasons, {
      ...Object.fromEntries(none.map((id) => [`ts-${id}`, "invalid_event_time"])),
      "ts-9999": "event_time_out_of_window",
      "ts-1995": "event_time_out_of_window",
      "ts-null": "missing_event_time",
      "ts-empty": "missing_event_time",
    });
    assert.match(refused.get("ts-date")?.detail as string, /must be an ISO 8601 .* got "2026-11-20"\.$/);
  });
});
