// The numbers of a report from the rows of its queries, worked out by hand.
import assert from "node:assert/strict";
import { numbersOf } from "../../../cli/report/numbers";
import { ANSWERS, DATES, EMPTY, NOW } from "./answers";

const numbers = numbersOf("dev", DATES, ANSWERS, NOW);

describe("cli/report/numbers", () => {
  it("has each day, and tells those without data from those with nothing", () => {
    assert.deepEqual(
      numbers.days.map(({ date, hasData, sessions, revenue }) => [date, hasData, sessions, revenue]),
      [
        ["2026-11-23", true, 12, 30],
        ["2026-11-24", false, 0, 0],
        ["2026-11-25", true, 8, 14.44],
      ],
    );
    assert.deepEqual(numbers.freshness.daysWithoutData, ["2026-11-24"]);
    assert.equal(numbers.freshness.daysWithData, 2);
  });

  it("takes the sums from the row of all days: a visitor of two days is one", () => {
    assert.equal(numbers.totals.visitors, 14);
    assert.equal(numbers.totals.botEvents, 7);
    assert.equal(numbers.totals.eventsWithoutSession, 3);
    assert.equal(numbers.freshness.newestRun, "2026-11-25T11:31:00.000Z");
  });

  it("ranks pages by views, entries and exits, and lists none that has none", () => {
    const titles = (pages: readonly { views: number }[]) => pages.map(({ views }) => views);
    assert.deepEqual(titles(numbers.pages.byViews), [60, 20, 10, 6, 4]);
    assert.deepEqual(titles(numbers.pages.byEntries), [60, 20, 10]);
    assert.deepEqual(titles(numbers.pages.byExits), [20, 6, 60, 4]);
  });

  it("knows how many returned up to the report's end, and whether that day was over", () => {
    assert.equal(numbers.retention.unit, "day");
    assert.deepEqual(numbers.retention.cohorts, [
      {
        from: "2026-11-23",
        visitors: 10,
        returned: [
          { visitors: 0, complete: true },
          { visitors: 3, complete: false },
        ],
      },
      { from: "2026-11-25", visitors: 3, returned: [] },
    ]);
  });

  it("has cohorts of weeks in a report of more than 14 days", () => {
    const { retention } = numbersOf("dev", { from: "2026-11-11", to: "2026-11-25" }, ANSWERS, NOW);
    assert.deepEqual(retention, {
      unit: "week",
      cohorts: [{ from: "2026-11-23", visitors: 13, returned: [] }],
    });
  });

  it("keeps channels and campaigns apart", () => {
    assert.deepEqual(
      numbers.channels.map(({ channel, sessions }) => [channel, sessions]),
      [
        ["Direct", 12],
        ["Email", 7],
      ],
    );
    assert.equal(numbers.campaigns.length, 2);
    assert.deepEqual(numbers.channels[1]?.lastTouchRevenue, 30.5);
  });

  it("divides the sessions of an hour by the days with data, and knows the hours without any", () => {
    const at = (day: string, hour: number) =>
      numbers.hours.find((one) => one.day === day && one.hour === hour);
    assert.equal(numbers.hours.length, 168);
    assert.equal(at("Monday", 10)?.sessionsADay, 12);
    assert.equal(at("Monday", 11)?.sessionsADay, 0);
    assert.equal(at("Tuesday", 10)?.sessionsADay, null);
    // Two Mondays with data.
    const days = [...ANSWERS.rows.days, { ...ANSWERS.rows.days[1], event_date: "2026-11-16" }];
    const two = numbersOf(
      "dev",
      { from: "2026-11-16", to: "2026-11-25" },
      { ...ANSWERS, rows: { ...ANSWERS.rows, days } },
      NOW,
    );
    assert.equal(two.hours.find(({ day, hour }) => day === "Monday" && hour === 10)?.sessionsADay, 6);
  });

  it("sums the quarantine by reason, with what the reason means", () => {
    assert.equal(numbers.quarantine.lines, 11);
    assert.deepEqual(
      numbers.quarantine.reasons.map(({ reason, lines }) => [reason, lines]),
      [
        ["invalid_field", 8],
        ["not_json", 3],
      ],
    );
    assert.equal(numbers.quarantine.reasons[1]?.description, "The line is not valid JSON");
    assert.deepEqual(numbers.quarantine.byDate, [
      { date: "2026-11-23", lines: 2 },
      { date: "2026-11-25", lines: 9 },
    ]);
  });

  it("prices a query as Athena bills it: 10 MB at least, then by the megabyte", () => {
    // 8 queries of 10 MB, and one of 12.3 MB, which is billed as 13. 5 dollars a TB.
    const usd = Number(numbers.cost.usd.toFixed(9));
    assert.deepEqual(
      { ...numbers.cost, usd },
      {
        ...{ queries: 9, scannedBytes: 12_345_685, billedBytes: 93_000_000 },
        ...{ usd: 0.000465, usdPerTB: 5 },
      },
    );
  });

  it("is 0 everywhere if nothing is in the dates", () => {
    const { totals, freshness, pages, retention } = numbersOf("dev", DATES, EMPTY, NOW);
    assert.ok(
      Object.values(totals).every((sum) => sum === 0),
      JSON.stringify(totals),
    );
    assert.deepEqual([freshness.newestEvent, freshness.daysWithData], [null, 0]);
    assert.deepEqual([pages.number, retention.cohorts.length], [0, 0]);
  });
});
