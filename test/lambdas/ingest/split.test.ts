// Tests which events a text holds; each is told by its event_id, each refusal by reason and payload.

import assert from "node:assert/strict";
import { recordContext } from "../../../lambdas/ingest/context";
import { outcomes, type Refused } from "../../../lambdas/ingest/outcomes";

const context = recordContext("shardId-000000000000", "7", Date.parse("2026-11-21T09:00:00Z"), {
  earliestTime: "2000-01-01T00:00:00.000Z",
  latestLeadMs: 0,
});

function event(id: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { event_id: id, event_type: "x", event_time: "2026-11-20T09:00:00Z", user_id: "u", ...more };
}

function good(id: string): string {
  return JSON.stringify(event(id));
}

function pretty(id: string): string {
  return JSON.stringify(event(id, { geo: { city: "}{" }, properties: { list: [1, { a: 2 }] } }), null, 2);
}

/** An accepted event as its id, another as [reason, payload]; positions must count through. */
function read(text: string): (string | [reason: string, payload: string])[] {
  return [...outcomes(Buffer.from(text), context)].map((outcome, index) => {
    if (typeof outcome !== "string") {
      assert.deepEqual([outcome.position, outcome.payload_encoding], [index, "utf8"]);
      return [outcome.reason, outcome.payload];
    }
    const { event_id, arrival } = JSON.parse(outcome);
    assert.equal(arrival.position, index);
    return event_id;
  });
}

function first(text: string): Record<string, unknown> {
  const [line] = outcomes(Buffer.from(text), context);
  assert.equal(typeof line, "string", JSON.stringify(line));
  return JSON.parse(line as string);
}

describe("lambdas/ingest/split", () => {
  const forms: [string, string, ReturnType<typeof read>][] = [
    ["lines", `${good("a")}\n${good("b")}`, ["a", "b"]],
    ["lines with CR, blanks and empty lines", `\r\n ${good("a")}\r\n\n\t${good("b")} \r\n`, ["a", "b"]],
    ["marks before events", `\ufeff${good("a")}\n\ufeff ${good("b")}`, ["a", "b"]],
    ["a pretty-printed event", pretty("a"), ["a"]],
    ["several", `${pretty("a")}\n${pretty("b")}\n\n${pretty("c")}\n`, ["a", "b", "c"]],
    ["several without a line end between", `${pretty("a")}${pretty("b")} ${pretty("c")}`, ["a", "b", "c"]],
    ["pretty-printed with CR", pretty("a").replaceAll("\n", "\r"), ["a"]],
    ["pretty-printed with CR LF", `${pretty("a")}\n${pretty("b")}`.replaceAll("\n", "\r\n"), ["a", "b"]],
    ["pretty-printed and lines", `${good("a")}\n${pretty("b")}\n${good("c")}`, ["a", "b", "c"]],
    ["several on a line", `${good("a")}${good("b")} ${good("c")}\n${good("d")}`, ["a", "b", "c", "d"]],
    ["an array", `[${good("a")}, ${good("b")}]`, ["a", "b"]],
    ["a pretty-printed array", JSON.stringify([event("a"), event("b")], null, 2), ["a", "b"]],
    ["arrays on a line and lines", `[${good("a")}][${good("b")}]\n${good("c")}`, ["a", "b", "c"]],
    ["a batch", `{"batch":[${good("a")},${good("b")}],"sentAt":"2026-11-20T09:00:00Z"}`, ["a", "b"]],
    ["a pretty-printed batch", JSON.stringify({ batch: [event("a"), event("b")] }, null, 2), ["a", "b"]],
    ["a line broken between good ones", `${good("a")}\n{"b\n${good("c")}`, ["a", ["not_json", '{"b'], "c"]],
    [
      "a line cut off before good ones",
      `{"a":{"b":1,\n${good("c")}\n}`,
      [["not_json", '{"a":{"b":1,'], "c", ["not_json", "}"]],
    ],
    ["something behind an event", `${good("a")}}`, [["not_json", `${good("a")}}`]]],
    ["an event cut off behind another", `${good("a")}{"b":`, [["not_json", `${good("a")}{"b":`]]],
    [
      "an array with what is no event",
      `[${good("a")},7,"\\u0041", null ,[${good("b")}]]`,
      [
        "a",
        ["not_an_object", "7"],
        ["not_an_object", '"\\u0041"'],
        ["not_an_object", "null"],
        ["not_an_object", `[${good("b")}]`],
      ],
    ],
    ["an array with a comma too many", `[${good("a")},]`, [["not_json", `[${good("a")},]`]]],
    ["an empty array", "[]", [["empty_record", "[]"]]],
    ["an empty batch", '{"batch":[],"sentAt":1}', [["empty_record", '{"batch":[],"sentAt":1}']]],
    ["a broken event keeps its mark", "\ufeff{x", [["not_json", "\ufeff{x"]]],
    [
      "a broken pretty-printed event between good ones",
      `${pretty("a")}\n{\n  "b": 1\n  "c": {\n    "d": [\n    ]\n  }\n}\n${pretty("e")}\n${good("f")}`,
      ["a", ["not_json", '{\n  "b": 1\n  "c": {\n    "d": [\n    ]\n  }\n}'], "e", "f"],
    ],
    ["nothing but blanks", " \r\n\t", [["empty_record", " \r\n\t"]]],
    ["nothing", "", [["empty_record", ""]]],
  ];
  for (const [what, text, expected] of forms) {
    it(`reads ${what}`, () => assert.deepEqual(read(text), expected));
  }

  it("gives events without an id unique ids, the same each time", () => {
    const anonymous = good("").replace('"event_id":"",', "");
    const text = `${anonymous}\n[${anonymous},${anonymous}]${anonymous}`;
    const ids = read(text);
    assert.deepEqual(
      ids,
      [
        "shardId-000000000000:7:0",
        "shardId-000000000000:7:1",
        "shardId-000000000000:7:2",
        "shardId-000000000000:7:3",
      ].slice(0, ids.length),
    );
    assert.deepEqual(read(text), ids);
  });

  it("applies the fields next to batch to each event that does not have them", () => {
    const batch = `{"event_id":"of the batch","user_id":"shared","sentAt":10.00,"properties":{"p":1},"batch":[
      {"event_type":"x","event_time":"2026-11-20T09:00:00Z","user_id":"own","properties":{"q":"2"}},
      {"event_type":"x","event_time":"2026-11-20T09:00:00Z"}]}`;
    const events = [...outcomes(Buffer.from(batch), context)].map((line) => JSON.parse(line as string));
    const shared = { sentAt: "10.00", "batch.event_id": "of the batch", "batch.properties": '{"p":1}' };
    assert.deepEqual(
      events.map(({ event_id, user_id, properties }) => [event_id, user_id, properties]),
      [
        ["shardId-000000000000:7:0", "own", { q: "2", ...shared }],
        ["shardId-000000000000:7:1", "shared", shared],
      ],
    );
  });

  it("keeps the batch around an event in the quarantine, so that it can be sent again", () => {
    const [, refused] = read(`{"sentAt": 1,"batch": [ ${good("a")} , {"b":10.00} ] , "k":"v"}`);
    assert.deepEqual(refused, ["missing_event_type", '{"sentAt": 1,"batch": [{"b":10.00}] , "k":"v"}']);
  });

  it("keeps an event with a type and a field batch as one event", () => {
    const line = JSON.stringify(event("a", { batch: [event("b")] }));
    assert.equal((first(line).properties as { batch: string }).batch, JSON.stringify([event("b")]));
  });

  it("keeps numbers and the last of duplicate names in arrays as in lines", () => {
    const [line] = [`[${good("a").slice(0, -1)},"n":10.00,"n":1.50}]`];
    assert.deepEqual(first(line as string).properties, { n: "1.50" });
  });

  it("keeps numbers next to names such as 1 or __proto__, and text that looks like a number", () => {
    const value = '[{"322":1.50,"__proto__":2.50,"n":"n1.50","s":"s","t":-0,"u":[1.50,"",null,true]}]';
    assert.deepEqual(first(`${good("a").slice(0, -1)},"list": ${value}}`).properties, { list: value });
  });

  it("reports the position of a syntax error in the original text, also after a name of digits", () => {
    const [refused] = outcomes(Buffer.from('{"a":1,"b:"987":1}'), context);
    assert.match(
      (refused as Refused).detail,
      /Colon ':' expected after property name but got '9', line 1, column 12\.$/,
    );
  });

  describe("limits", () => {
    const long = good("a").replace('"u"', `"${"u".repeat(1024 * 1024)}"`);

    it("rejects text that is too long, and accepts the other lines", () => {
      const [a, [reason, payload], c] = read(`${good("b")}\n${long}\n${good("c")}`) as [
        string,
        [string, string],
        string,
      ];
      assert.deepEqual([a, reason, payload === long, c], ["b", "too_large", true, "c"]);
    });

    it("does not repeat large fields in each of many events", () => {
      const batch = `{"shared":"${"x".repeat(300_000)}","batch":[${Array(100_000).fill("{}").join(",")}]}`;
      assert.deepEqual(read(batch), [["too_large", batch]]);
    });

    const slow: [string, string][] = [
      ["objects that do not end", "{\n".repeat(100_000)],
      ["arrays that do not end, on a line", "[".repeat(500_000)],
      ["objects cut off before a comma", '{"a":1,\n'.repeat(60_000)],
      ["indented lines that end in a comma", "  a,\n".repeat(100_000)],
      ["objects on one line", "{}".repeat(250_000)],
      ["objects on one line before many blanks", `${"{}".repeat(50_000)}${" ".repeat(500_000)}`],
      ["an array of numbers", `[${Array(300_000).fill("1").join(",")}]`],
      ["blanks", " ".repeat(1_000_000)],
      ["quotes", '"'.repeat(500_000)],
      ["backslashes", `"${"\\".repeat(500_000)}`],
      ["commas and blanks", `{"a":1.50,"b":[${`1,${" ".repeat(100)}`.repeat(5_000)}1]}`],
    ];
    for (const [what, text] of slow) {
      it(`reads a record of ${what} in time that grows with its length`, function () {
        this.timeout(60_000);
        const started = process.cpuUsage();
        let count = 0;
        for (const _ of outcomes(Buffer.from(text), context)) count += 1;
        const { user } = process.cpuUsage(started);
        assert.ok(count > 0);
        assert.ok(user < 6_000_000, `${user / 1e6} s`);
      });
    }
  });
});
