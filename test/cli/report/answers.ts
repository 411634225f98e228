// Answers of Athena to the report's queries, written by hand: three days, of which one has no data.
import type { Answers } from "../../../cli/report/ask";
import type { Dates } from "../../../cli/report/dates";

export const DATES: Dates = { from: "2026-11-23", to: "2026-11-25" };
/** Noon of the last day. */
export const NOW = Date.parse("2026-11-25T12:00:00Z");

/** What a visitor can put into a page's title, its URL or a campaign. */
export const HOSTILE = {
  title: `</title></table><script>alert("x")</script>`,
  url: `shop.example.com/<script>alert(1)</script>&"'`,
  hebrew: "shop.example.com/מוצר/מנורה",
  long: `shop.example.com/${"very-long-".repeat(300)}`,
  broken: "shop.example.com/\u0000\u0007\ud800",
  image: "<img src=x onerror=alert(1)>",
  campaign: `"><svg onload=alert(1)>`,
} as const;

const day = (
  event_date: string | null,
  counts: readonly [number, number, number, number, number],
  revenue: number,
) => {
  const [events, bot_events, sessions, visitors, purchases] = counts;
  return {
    ...{ event_date, events, bot_events, sessions, visitors, purchases, revenue, late_events: 2 },
    ...{ events_without_session: 3, events_without_visitor: 1 },
    newest_event: "2026-11-25 11:00:00.123",
    newest_arrival: "2026-11-25 11:01:00.000",
    newest_run: "2026-11-25 11:31:00.000",
  };
};

const page = (url: string, title: string | null, counts: readonly number[], ranks: readonly number[]) => {
  const [views = 0, sessions = 0, entries = 0, exits = 0] = counts;
  const [by_views = 0, by_entries = 0, by_exits = 0] = ranks;
  return {
    ...{ page: url, title, views, sessions, entries, exits, by_views, by_entries, by_exits },
    ...{ all_pages: 5, all_views: 100, all_entries: 20 },
  };
};

const channel = (
  names: readonly [string, string | null, string | null],
  sessions: number,
  purchases: number,
) => ({
  ...{ channel: names[0], source: names[1], campaign: names[2], sessions },
  ...{ first_touch_purchases: purchases, first_touch_revenue: purchases * 10 },
  ...{ last_touch_purchases: purchases + 1, last_touch_revenue: purchases * 10 + 10.5 },
});

const device = (kind: string, name: string | null, sessions: number) => ({
  ...{ kind, name, sessions, sessions_with_purchase: 1, events: 4 * sessions },
});

const step = (name: string, sessions: number, sessions_in_any_order: number) => ({
  ...{ step: name, sessions, sessions_in_any_order },
});

const cohort = (unit: string, from: string, later: number, visitors: number) => ({
  ...{ unit, cohort: from, later, visitors },
});

export const ANSWERS: Answers = {
  rows: {
    days: [
      day(null, [1100, 7, 19, 14, 4], 44.444),
      day("2026-11-23", [600, 7, 12, 10, 3], 30),
      day("2026-11-25", [500, 0, 8, 6, 1], 14.444),
    ],
    pages: [
      page(HOSTILE.url, HOSTILE.title, [60, 9, 10, 2], [1, 1, 3]),
      page(HOSTILE.hebrew, "מנורה", [20, 5, 6, 8], [2, 2, 1]),
      page(HOSTILE.long, HOSTILE.long, [10, 5, 4, 0], [3, 3, 5]),
      page(HOSTILE.broken, null, [6, 2, 0, 7], [4, 5, 2]),
      page("shop.example.com/", "Home", [4, 1, 0, 2], [5, 4, 4]),
    ],
    funnel: [
      ...[step("visit", 20, 20), step("product_view", 10, 12), step("add_to_cart", 5, 5)],
      ...[step("begin_checkout", 4, 4), step("purchase", 2, 3)],
    ],
    retention: [
      ...[
        cohort("day", "2026-11-23", 0, 10),
        cohort("day", "2026-11-23", 2, 3),
        cohort("day", "2026-11-25", 0, 3),
      ],
      ...[cohort("week", "2026-11-23 00:00:00.000", 0, 13)],
    ],
    revenue: [
      { product_category: HOSTILE.image, purchases: 3, pieces: 5, revenue: 34.444, all_categories: 2 },
      { product_category: null, purchases: 1, pieces: 1, revenue: 10, all_categories: 2 },
    ],
    channels: [
      channel(["Direct", null, null], 12, 1),
      channel(["Email", null, null], 7, 2),
      channel(["Direct", "", ""], 12, 1),
      channel(["Email", HOSTILE.campaign, HOSTILE.campaign], 7, 2),
    ],
    devices: [
      ...[device("device", "mobile", 11), device("device", null, 8)],
      ...[device("browser", HOSTILE.image, 19), device("os", "iOS", 19)],
    ],
    hours: [
      { day_of_week: "Monday", hour: 10, events: 600, sessions: 12 },
      { day_of_week: "Wednesday", hour: 23, events: 500, sessions: 8 },
    ],
    quarantine: [
      { reason: "not_json", arrival_date: "2026-11-23", lines: 2 },
      { reason: "not_json", arrival_date: "2026-11-25", lines: 1 },
      { reason: "invalid_field", arrival_date: "2026-11-25", lines: 8 },
    ],
  },
  scanned: [0, 12_345_678, 1, 1, 1, 1, 1, 1, 1],
};

const NO_DAY = {
  ...day(null, [0, 0, 0, 0, 0], 0),
  newest_event: null,
  newest_arrival: null,
  newest_run: null,
};

/** What Athena answers if no event and no quarantined line is within the dates. */
export const EMPTY: Answers = {
  rows: {
    ...{
      days: [{ ...NO_DAY, late_events: 0, events_without_session: 0, events_without_visitor: 0 }],
      pages: [],
    },
    funnel: ANSWERS.rows.funnel.map((row) => ({ ...row, sessions: 0, sessions_in_any_order: 0 })),
    ...{ retention: [], revenue: [], channels: [], devices: [], hours: [], quarantine: [] },
  },
  scanned: ANSWERS.scanned.map(() => 0),
};
