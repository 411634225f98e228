import assert from "node:assert/strict";
import { runsPerMonth } from "../../../cli/cost/schedule";

describe("cli/cost/schedule", () => {
  it("counts the runs of rate and cron in a month of 730 hours", () => {
    const month = 730 / 24;
    const expected: Record<string, number> = {
      "rate(1 hour)": 730,
      "rate(5 minutes)": 8760,
      "rate(1 day)": month,
      "cron(0 3 * * ? *)": month,
      "cron(0/15 * * * ? *)": 96 * month,
      "cron(0 8-17 ? * MON-FRI *)": (10 * month * 5) / 7,
      "cron(30 6,18 1 * ? *)": 2,
      "cron(0 0 L * ? *)": 1,
      "cron(0 12 ? JAN-JUN 2#1 *)": 0.5,
    };
    for (const [expression, runs] of Object.entries(expected)) {
      assert.ok(
        Math.abs(runsPerMonth(expression) - runs) < 1e-9,
        `${expression}: ${runsPerMonth(expression)}`,
      );
    }
  });

  it("rejects an invalid schedule", () => {
    assert.throws(() => runsPerMonth("at(2030-01-01T00:00:00)"), /is not a schedule/);
  });
});
