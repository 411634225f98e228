// The queries that npm start ends with: which days they are about.
import assert from "node:assert/strict";
import { defaultQueries, firstDayQueried } from "../../../cli/view/queries";

const NOW = Date.parse("2026-11-26T10:00:00Z");

describe("cli/view/queries", () => {
  it("asks about all days that the run wrote to", () => {
    const dates = { count: 2, first: "1995-07-02", last: "1995-07-03" };
    assert.equal(firstDayQueried(dates, NOW), "1995-07-02");
  });

  it("asks about the newest 366 days of a run that wrote to more", () => {
    const year = { count: 366, first: "2024-01-01", last: "2024-12-31" };
    assert.equal(firstDayQueried(year, NOW), "2024-01-01");
    const decades = { count: 9821, first: "2000-01-02", last: "2026-11-21" };
    assert.equal(firstDayQueried(decades, NOW), "2025-11-21");
  });

  it("asks about today if the run wrote to no day", () => {
    assert.equal(firstDayQueried({ count: 0, first: null, last: null }, NOW), "2026-11-26");
  });

  it("names the first day in each query over events", () => {
    const over = defaultQueries("2026-01-02", NOW).filter(({ sql }) => /\bFROM events\b/i.test(sql));
    assert.equal(over.length, 3);
    for (const { sql } of over) assert.ok(sql.includes("event_date >= DATE '2026-01-02'"), sql);
  });

  it("reads of the quarantine what arrived since yesterday, whatever the events' dates", () => {
    const sql = defaultQueries("1995-07-02", NOW).at(-1)?.sql ?? "";
    assert.ok(sql.includes("arrival_day >= date_format(DATE '2026-11-25', "), sql);
  });
});
