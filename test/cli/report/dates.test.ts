// The dates of a report: defaults, and what is refused.
import assert from "node:assert/strict";
import { datesOf, eachDate } from "../../../cli/report/dates";

const NOW = Date.parse("2026-03-01T23:30:00Z");

describe("cli/report/dates", () => {
  it("is about the 30 days that end today or with --to", () => {
    assert.deepEqual(datesOf({}, NOW), { from: "2026-01-31", to: "2026-03-01" });
    assert.deepEqual(datesOf({ to: "2024-03-01" }, NOW), { from: "2024-02-01", to: "2024-03-01" });
    assert.deepEqual(datesOf({ from: "2026-02-27" }, NOW), { from: "2026-02-27", to: "2026-03-01" });
  });

  it("has each date once, also of a leap year", () => {
    assert.deepEqual(eachDate({ from: "2024-02-28", to: "2024-03-01" }), [
      "2024-02-28",
      "2024-02-29",
      "2024-03-01",
    ]);
    assert.deepEqual(eachDate({ from: "2026-03-01", to: "2026-03-01" }), ["2026-03-01"]);
  });

  it("takes a year, and refuses a day more", () => {
    assert.equal(eachDate(datesOf({ from: "2025-03-01", to: "2026-03-01" }, NOW)).length, 366);
    assert.throws(
      () => datesOf({ from: "2025-02-28", to: "2026-03-01" }, NOW),
      /^Error: A report is about 366 days at most, got 367 from 2025-02-28 to 2026-03-01\. The latest --from is 2025-03-01\.$/,
    );
  });

  it("refuses dates in the wrong order, and the future", () => {
    assert.throws(
      () => datesOf({ from: "2026-02-02", to: "2026-02-01" }, NOW),
      /^Error: --from must not be after --to, got --from 2026-02-02, and the report ends with --to 2026-02-01\.$/,
    );
    assert.throws(
      () => datesOf({ from: "2026-03-02" }, NOW),
      /got --from 2026-03-02, and the report ends with today, 2026-03-01 in UTC\.$/,
    );
    assert.throws(
      () => datesOf({ to: "2026-03-02" }, NOW),
      /^Error: --to must be a date up to today, 2026-03-01 in UTC, got 2026-03-02\.$/,
    );
  });
});
