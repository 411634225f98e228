// Facts about how event times are read and written.

import assert from "node:assert/strict";
import { isCanonicalTime, parseEpochTime, parseEventTime } from "../../../lambdas/shared/time";

describe("lambdas/shared/time", () => {
  const read: [string, string][] = [
    ["2026-11-21T09:00:00Z", "2026-11-21T09:00:00.000Z"],
    ["2026-11-21 09:00", "2026-11-21T09:00:00.000Z"],
    ["2026-11-21T09:00:00", "2026-11-21T09:00:00.000Z"],
    ["2026-11-21T09:00:00.5Z", "2026-11-21T09:00:00.500Z"],
    ["2026-11-21T09:00:00.123456789Z", "2026-11-21T09:00:00.123456Z"],
    ["2026-11-21T09:00:00.123400Z", "2026-11-21T09:00:00.1234Z"],
    ["2026-11-21T00:30:00+01:00", "2026-11-20T23:30:00.000Z"],
    ["2026-12-31T23:30:00-0230", "2027-01-01T02:00:00.000Z"],
    ["2024-02-29T12:00:00Z", "2024-02-29T12:00:00.000Z"],
    ["0099-03-01T00:00:00Z", "0099-03-01T00:00:00.000Z"],
    ["2026-11-21 09:00:00 UTC", "2026-11-21T09:00:00.000Z"],
    ["2026-11-21T09:00:00GMT", "2026-11-21T09:00:00.000Z"],
    ["2026-11-21 09:00:00.25+00", "2026-11-21T09:00:00.250Z"],
    ["2026-11-21 09:00:00-05", "2026-11-21T14:00:00.000Z"],
    ["2026-11-21 09:00:00 +0130", "2026-11-21T07:30:00.000Z"],
    ["2026-11-21T09:00:00,5Z", "2026-11-21T09:00:00.500Z"],
  ];
  for (const [text, expected] of read) {
    it(`reads ${text} as ${expected}`, () => assert.equal(parseEventTime(text)?.text, expected));
  }

  const refused = [
    ...[
      "2026-11-21",
      "2026-02-30T10:00:00Z",
      "2023-02-29T10:00:00Z",
      "2026-13-01T10:00:00Z",
      "yesterday",
      "",
    ],
    ...["2026-11-21T24:00:00Z", "2026-11-21T09:60:00Z", "2026-11-21T09:00:60Z", "1763715600", "09:00:00Z"],
    ...[
      "2026-11-21T09:00:00.Z",
      "2026-11-21T09:00:00.1234567890Z",
      "2026-11-21T09:00:00+1",
      " 2026-11-21T09:00Z",
      "2026-11-21T09:00 ",
      "2026-11-21T09:00  Z",
      "2026-11-21T09:00+24",
      "2026-11-21T09:00 CET",
    ],
    "0000-01-01T00:00:00+01:00",
  ];
  for (const text of refused) {
    it(`refuses "${text}"`, () => {
      assert.equal(parseEventTime(text), undefined);
      assert.equal(isCanonicalTime(text), false);
    });
  }

  const epochs: [string, string][] = [
    ["1795168800", "2026-11-20T10:00:00.000Z"],
    ["1795168800000", "2026-11-20T10:00:00.000Z"],
    ["1795168800123456", "2026-11-20T10:00:00.123456Z"],
    ["1795168800.123", "2026-11-20T10:00:00.123Z"],
    ["1795168800.1234567", "2026-11-20T10:00:00.123456Z"],
    ["1795168800000.5", "2026-11-20T10:00:00.0005Z"],
    ["1795168800000100.9", "2026-11-20T10:00:00.0001Z"],
    ["631152000", "1990-01-01T00:00:00.000Z"],
    ["4102444799", "2099-12-31T23:59:59.000Z"],
    ["631152000000", "1990-01-01T00:00:00.000Z"],
    ["4102444799999999", "2099-12-31T23:59:59.999999Z"],
  ];
  for (const [text, expected] of epochs) {
    it(`reads ${text} as ${expected}`, () => {
      const epochMs = Date.parse(`${expected.slice(0, 23)}Z`);
      assert.deepEqual(parseEpochTime(text), { text: expected, epochMs });
    });
  }

  const doubtful = [
    "0",
    "20261120",
    "631151999",
    "4102444800",
    "63115200000",
    "20261120100000",
    "1795168800000000000",
  ];
  for (const text of [...doubtful, "-1795168800", "1.7951688e9", "1795168800,5", "", " 1795168800"]) {
    it(`does not take "${text}" for a time`, () => assert.equal(parseEpochTime(text), undefined));
  }

  it("agrees with Date on every instant that Date writes", () => {
    for (let count = 0, ms = 0; count < 5_000; count += 1, ms += 7_919_123_457) {
      const text = new Date(ms % 253_402_300_799_999).toISOString();
      assert.deepEqual(parseEventTime(text), { text, epochMs: Date.parse(text) });
      assert.equal(isCanonicalTime(text), true);
    }
  });
});
