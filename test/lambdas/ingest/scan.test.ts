// Facts about reading an event from its bytes: what the scan is sure of is what the long way makes, byte by byte.

import assert from "node:assert/strict";
import { AS_IT_STANDS, normalise, recordContext } from "../../../lambdas/ingest/normalise";
import { LineScanner, Verdict } from "../../../lambdas/ingest/scan";
import { makeRandom } from "../../../lambdas/shared/random";

const WINDOW = { earliestTime: "2000-01-01T00:00:00.000Z", latestLeadMs: 24 * 3_600_000 };
const context = recordContext("shardId-000000000003", "4711", Date.parse("2026-11-21T09:00:01.123Z"), WINDOW);
const NOW = "2026-11-21T09:00:00.000Z";
const scanner = new LineScanner();

/** A line amid others, as in a record. */
function scan(line: string): Verdict {
  const [before, after] = [Buffer.from('{"x":1}\n'), Buffer.from('\n{"y":"2"}')];
  const data = Buffer.concat([before, Buffer.from(line), after]);
  return scanner.scan(data, before.length, data.length - after.length, context);
}

function written(): string {
  const target = Buffer.alloc(scanner.maxBytes + 3, "#");
  const end = scanner.write(target, 3);
  assert.ok(end <= target.length);
  return target.toString("utf8", 3, end);
}

/** Whatever the verdict, it must be that of the long way. */
function agrees(line: string): Verdict {
  const verdict = scan(line);
  const slow = normalise(line, 2, context);
  if (verdict === Verdict.AsItStands) assert.equal(slow, AS_IT_STANDS, line);
  if (verdict === Verdict.Rewrite) assert.equal(`${written()}${context.arrivalSuffix}2}}`, slow, line);
  return verdict;
}

const canonical = (rest = ""): string =>
  `{"event_id":"e","event_type":"x","event_time":"${NOW}","user_id":"u"${rest}}`;
const flat = (rest = ""): string =>
  `{"timestamp":"${NOW}","event_type":"x","user_id":"u","event_id":"e"${rest}}`;

describe("lambdas/ingest/scan", () => {
  const asTheyStand = [
    ["nothing but what is required", canonical()],
    [
      "every kind of field",
      canonical(',"geo":{"city":"Köln","ip":"::1"},"product_price":-1.50,"quantity":-3'),
    ],
    [
      "properties of any name",
      canonical(',"properties":{"7":"","event_id":"y","a":"1","a":"2","__proto__":"p"}'),
    ],
    ["escapes", canonical(String.raw`,"browser":"\"quantity\":1.0,\\\u00fc\n"`)],
    [
      "one space after commas and colons",
      `{"event_id": "e", "event_type": "x", "event_time": "${NOW}", "session_id": "s"}`,
    ],
    [
      "strings that look like fields",
      canonical(String.raw`,"quantity":1,"properties":{"k":"\"quantity\":1.0}"}`),
    ],
  ] as const;
  for (const [what, line] of asTheyStand) {
    it(`lets stand ${what}`, () => assert.equal(agrees(line), Verdict.AsItStands));
  }

  const rewritten = [
    [
      "the flat producer's names, in the canonical order",
      flat(',"quantity":2,"city":"Köln","country":"DE","ip_address":"::1","product_price":19.9'),
      `{"event_id":"e","event_type":"x","event_time":"${NOW}","user_id":"u","geo":{"ip":"::1","country":"DE","city":"Köln"},"product_price":19.9,"quantity":2`,
    ],
    [
      "unknown fields to the properties",
      canonical(',"campaign":"日本","browser":"B","__proto__":"p","none":""'),
      `{"event_id":"e","event_type":"x","event_time":"${NOW}","user_id":"u","browser":"B","properties":{"campaign":"日本","__proto__":"p","none":""}`,
    ],
    [
      "empty fields to none",
      canonical(',"browser":"","geo":{"city":""}'),
      `{"event_id":"e","event_type":"x","event_time":"${NOW}","user_id":"u"`,
    ],
    [
      "an empty geo and empty properties to none",
      flat(',"geo":{},"properties":{}'),
      `{"event_id":"e","event_type":"x","event_time":"${NOW}","user_id":"u"`,
    ],
  ] as const;
  for (const [what, line, expected] of rewritten) {
    it(`writes ${what}`, () => {
      assert.equal(agrees(line), Verdict.Rewrite);
      assert.equal(written(), expected);
    });
  }

  const doubtful = [
    ["a name twice", canonical(',"event_id":"other"')],
    ["a nested and a flat city", canonical(',"geo":{"city":"a"},"city":"b"')],
    ["both times", canonical(`,"timestamp":"${NOW}"`)],
    ["a name that is escaped", canonical(String.raw`,"\u0062rowser":"x"`)],
    ["escapes in text that moves", flat(String.raw`,"browser":"\u0041\/"`)],
    ["a price that is written otherwise", flat(',"product_price":19.90')],
    ["a price with an exponent", canonical(',"product_price":1e400')],
    ["minus zero pieces", canonical(',"quantity":-0')],
    ["pieces with a point", canonical(',"quantity":1.0')],
    ["pieces with leading zeros", canonical(',"quantity":01')],
    ["ten digits of pieces", canonical(',"quantity":2147483648')],
    ["pieces after a space", canonical(',"quantity": 1')],
    ["an unknown name twice", flat(',"a":"1","a":"2"')],
    ["unknown names that are numbers", flat(',"b":"1","7":"2"')],
    ["properties beside unknown fields", canonical(',"properties":{"a":"1"},"a":"2"')],
    ["an unknown number", flat(',"a":12345678901234567890')],
    ["a region in geo", canonical(',"geo":{"region":"x"}')],
    ["a raw control character", canonical(',"browser":"\u0001"')],
    ["an escape that is none", canonical(String.raw`,"browser":"\x41"`)],
    ["half an escape", canonical(String.raw`,"browser":"\u00"`)],
    ["something after the end", `${canonical()}}`],
    ["a comma too many", canonical(",")],
    ["no end", canonical().slice(0, -1)],
    ["an end in a string", canonical().slice(0, -2)],
    ["nothing in it", "{}"],
    ["no event_id", `{"event_type":"x","event_time":"${NOW}","user_id":"u"}`],
    ["an impossible date", canonical().replace("11-21", "02-30")],
    ["a time out of the window", canonical().replace("2026", "1999")],
    ["nobody", canonical().replace(',"user_id":"u"', "")],
    ["a null", canonical(',"browser":null')],
  ] as const;
  for (const [what, line] of doubtful) {
    it(`leaves ${what} to the long way`, () => assert.equal(agrees(line), Verdict.Doubt));
  }

  it("agrees with the long way on ten thousand lines with a byte or a piece changed", () => {
    const random = makeRandom(20);
    const pick = <T>(list: ArrayLike<T>): T => list[Math.floor(random.unit() * list.length)] as T;
    const plain = [...asTheyStand, ...rewritten];
    const seeds = [...plain, ...plain, ...plain, ...doubtful].map(([, line]) => line);
    const pieces = ['"', "\\", ",", ":", "{", "}", " ", "0", "1", "-", ".", "e", "", '""', "ü", "null"];
    const fields = [
      '"browser":"Ü"',
      '"7":"x"',
      '"quantity":0',
      '"product_price":0.1',
      '"city":""',
      '"a":"b"',
    ];
    let sure = 0;
    for (let turn = 0; turn < 10_000; turn += 1) {
      const line = pick(seeds);
      const at = Math.floor(random.unit() * line.length);
      const changed =
        turn % 2 === 0
          ? line.slice(0, at) + pick(pieces) + line.slice(at + Math.floor(random.unit() * 3))
          : `{${pick(fields)},${pick(fields)},${line.slice(1)}`;
      if (agrees(changed) !== Verdict.Doubt) sure += 1;
    }
    assert.ok(sure > 500, String(sure));
  });
});
