// Facts about how event times are read and written.

import assert from "node:assert/strict";
import { isCanonicalTime, parseEventTime } from "../../../lambdas/shared/time";

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
    ],
    "0000-01-01T00:00:00+01:00",
  ];
  for (const text of refused) {
    it(`refuses "${text}"`, () => {
      assert.equal(parseEventTime(text), undefined);
      assert.equal(isCanonicalTime(text), false);
    });
  }

  it("agrees with Date on every instant that Date writes", () => {
    for (let count = 0, ms = 0; count < 5_000; count += 1, ms += 7_919_123_457) {
      const text = new Date(ms % 253_402_300_799_999).toISOString();
      assert.deepEqual(parseEventTime(text), { text, epochMs: Date.parse(text) });
      assert.equal(isCanonicalTime(text), true);
    }
  });
});
