// The saved queries as `npm start` asks them; test/emulator/athena/test_saved_queries.py runs them as they are saved.
import assert from "node:assert/strict";
import { savedQueries, sqlBetween, sqlSince } from "../../../infra/catalog/saved-queries";

describe("infra/catalog/saved-queries", () => {
  it("begins a query on another day than the saved one", () => {
    assert.equal(
      sqlSince("events-by-type", "2026-01-31"),
      `SELECT event_type,
  count(*) AS events,
  count(DISTINCT session_id) AS sessions
FROM events
WHERE event_date >= DATE '2026-01-31'
GROUP BY event_type
ORDER BY events DESC, event_type`,
    );
  });

  it("reads only a part of the lake with each query: dates of events, days of arrival in the quarantine", () => {
    const bounds: Record<string, RegExp> = {
      events: /\bevent_date >= current_date - INTERVAL '\d+' DAY\b/,
      quarantine:
        /\barrival_day >= date_format\(current_date - INTERVAL '\d+' DAY, 'year=%Y\/month=%m\/day=%d'\)/,
    };
    for (const { name, sql } of savedQueries()) {
      const [, table = ""] = /\bFROM (events|quarantine)\b/.exec(sql) ?? [];
      assert.match(sql, bounds[table] ?? /never/, name);
    }
  });

  it("leaves no query that depends on the day of the run", () => {
    const relative = savedQueries()
      .map(({ name }) => sqlBetween(name, "2026-01-31", "2026-02-01"))
      .filter((sql) => sql.includes("current_date"));
    assert.deepEqual(relative, []);
  });

  it("asks the report's queries about the dates from the first to the last", () => {
    assert.equal(
      sqlBetween("report-hours", "2026-01-31", "2026-02-01").split("\n")[5],
      "WHERE event_date >= DATE '2026-01-31' AND event_date <= DATE '2026-02-01'",
    );
    const quarantine = sqlBetween("report-quarantine", "2026-01-31", "2026-02-01");
    assert.ok(
      quarantine.includes("arrival_day <= date_format(DATE '2026-02-01', 'year=%Y/month=%m/day=%d')"),
    );
    const reports = savedQueries().filter(({ name }) => name.startsWith("report-"));
    assert.equal(reports.length, 9);
    for (const { name, sql } of reports) {
      const bounds = [sql, sqlBetween(name, "2026-01-31", "2026-02-01")].map((text) => [
        (text.match(/\bcurrent_date - INTERVAL '29' DAY|DATE '2026-01-31'/g) ?? []).length,
        (text.match(/\bcurrent_date\b(?! -)|DATE '2026-02-01'/g) ?? []).length,
      ]);
      assert.deepEqual(bounds[0], bounds[1], name);
      assert.ok(
        bounds[0]?.every((count) => count > 0),
        name,
      );
    }
  });
});
