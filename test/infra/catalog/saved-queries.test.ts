// The saved queries as `npm start` asks them; test/emulator/athena/test_saved_queries.py runs them as they are saved.
import assert from "node:assert/strict";
import { savedQueries, sqlSince } from "../../../infra/catalog/saved-queries";

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

  it("leaves no query on events that depends on the day of the run", () => {
    const relative = savedQueries()
      .map(({ name }) => sqlSince(name, "2026-01-31"))
      .filter((sql) => sql.includes("current_date"));
    assert.deepEqual(relative, []);
  });
});
