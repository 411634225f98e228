// The numbers of a report, from the rows of its queries: what --json prints, and what the page shows.
import { DAY_MS } from "../../lambdas/shared/durations";
import contract from "../../schema/clickstream.json";
import { price } from "../cost/prices";
import type { Answers, Row } from "./ask";
import { type Dates, eachDate } from "./dates";

export interface Day {
  date: string;
  /** False if the table has no row of this date. The numbers are 0 then, and mean nothing. */
  hasData: boolean;
  events: number;
  botEvents: number;
  sessions: number;
  visitors: number;
  purchases: number;
  revenue: number;
  lateEvents: number;
}

interface Totals extends Omit<Day, "date" | "hasData"> {
  eventsWithoutSession: number;
  eventsWithoutVisitor: number;
}

export interface Page {
  page: string;
  title: string | null;
  views: number;
  sessions: number;
  entries: number;
  exits: number;
}

interface Step {
  step: string;
  sessions: number;
  sessionsInAnyOrder: number;
}

export interface Cohort {
  /** The first day of the cohort's day or week. */
  from: string;
  visitors: number;
  /** By the number of days or weeks after the first one, from 1 on. */
  returned: { visitors: number; complete: boolean }[];
}

interface Category {
  category: string | null;
  purchases: number;
  pieces: number;
  revenue: number;
}

interface Channel {
  channel: string;
  sessions: number;
  firstTouchPurchases: number;
  firstTouchRevenue: number;
  lastTouchPurchases: number;
  lastTouchRevenue: number;
}

interface Campaign extends Channel {
  source: string;
  campaign: string;
}

export interface Device {
  name: string | null;
  sessions: number;
  sessionsWithPurchase: number;
  events: number;
}

interface Hour {
  /** Monday to Sunday. */
  day: string;
  hour: number;
  events: number;
  sessions: number;
  /** Sessions of this hour on an average such day with data; null if no such day has data. */
  sessionsADay: number | null;
}

interface Reason {
  reason: string;
  description: string;
  lines: number;
}

export interface ReportNumbers {
  stack: string;
  from: string;
  to: string;
  madeAt: string;
  totals: Totals;
  days: Day[];
  pages: {
    number: number;
    views: number;
    entries: number;
    byViews: Page[];
    byEntries: Page[];
    byExits: Page[];
  };
  funnel: Step[];
  retention: { unit: "day" | "week"; cohorts: Cohort[] };
  revenue: { categories: number; byCategory: Category[] };
  channels: Channel[];
  campaigns: Campaign[];
  devices: { types: Device[]; browsers: Device[]; systems: Device[] };
  hours: Hour[];
  quarantine: { lines: number; reasons: Reason[]; byDate: { date: string; lines: number }[] };
  freshness: {
    newestEvent: string | null;
    newestArrival: string | null;
    newestRun: string | null;
    daysWithData: number;
    daysWithoutData: string[];
  };
  cost: { queries: number; scannedBytes: number; billedBytes: number; usd: number; usdPerTB: number };
}

export const WEEKDAYS = [
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
  "Sunday",
] as const;
/** Up to this many days a report shows who returned by day, otherwise by week. */
const DAILY_COHORTS = 14;
/** Pages shown of each kind. */
const PAGES = 10;
/** Athena bills a query by the megabyte, and 10 of them at least. */
const MB = 1e6;
const LEAST_BILLED_MB = 10;

export function numbersOf(
  stack: string,
  dates: Dates,
  { rows, scanned }: Answers,
  now: number,
): ReportNumbers {
  const sums = rows.days.find((row) => row.event_date === null) ?? {};
  const days = daysOf(rows.days, dates);
  return {
    stack,
    ...dates,
    madeAt: new Date(now).toISOString(),
    totals: {
      ...countsOf(sums),
      eventsWithoutSession: count(sums, "events_without_session"),
      eventsWithoutVisitor: count(sums, "events_without_visitor"),
    },
    days,
    pages: pagesOf(rows.pages),
    funnel: rows.funnel.map((row) => ({
      step: text(row, "step"),
      sessions: count(row, "sessions"),
      sessionsInAnyOrder: count(row, "sessions_in_any_order"),
    })),
    retention: retentionOf(rows.retention, dates, now),
    revenue: {
      categories: count(rows.revenue[0] ?? {}, "all_categories"),
      byCategory: rows.revenue.map((row) => ({
        category: textOrNull(row, "product_category"),
        purchases: count(row, "purchases"),
        pieces: count(row, "pieces"),
        revenue: money(row, "revenue"),
      })),
    },
    channels: rows.channels.filter(isWholeChannel).map(channelOf),
    campaigns: rows.channels
      .filter((row) => !isWholeChannel(row))
      .map((row) => ({ source: text(row, "source"), campaign: text(row, "campaign"), ...channelOf(row) })),
    devices: {
      types: devicesOf(rows.devices, "device"),
      browsers: devicesOf(rows.devices, "browser"),
      systems: devicesOf(rows.devices, "os"),
    },
    hours: hoursOf(rows.hours, days),
    quarantine: quarantineOf(rows.quarantine),
    freshness: {
      newestEvent: timeOf(sums, "newest_event"),
      newestArrival: timeOf(sums, "newest_arrival"),
      newestRun: timeOf(sums, "newest_run"),
      daysWithData: days.filter(({ hasData }) => hasData).length,
      daysWithoutData: days.filter(({ hasData }) => !hasData).map(({ date }) => date),
    },
    cost: costOf(scanned),
  };
}

/** Athena's big integers stay text, as do sums that a double cannot hold. */
function count(row: Row, column: string): number {
  return Number(row[column] ?? 0);
}

function money(row: Row, column: string): number {
  return Math.round(count(row, column) * 100) / 100;
}

function text(row: Row, column: string): string {
  return String(row[column] ?? "");
}

function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

/** Athena's timestamps have no zone. All of the table's are UTC. */
function timeOf(row: Row, column: string): string | null {
  const time = row[column] ?? null;
  return time === null ? null : `${String(time).replace(" ", "T").slice(0, 23)}Z`;
}

function countsOf(row: Row) {
  return {
    events: count(row, "events"),
    botEvents: count(row, "bot_events"),
    sessions: count(row, "sessions"),
    visitors: count(row, "visitors"),
    purchases: count(row, "purchases"),
    revenue: money(row, "revenue"),
    lateEvents: count(row, "late_events"),
  };
}

function daysOf(rows: readonly Row[], dates: Dates): Day[] {
  const found = new Map(rows.map((row) => [row.event_date, row]));
  return eachDate(dates).map((date) => ({
    date,
    hasData: found.has(date),
    ...countsOf(found.get(date) ?? {}),
  }));
}

function pagesOf(rows: readonly Row[]): ReportNumbers["pages"] {
  const best = (rank: string) =>
    rows
      .filter((row) => count(row, rank) <= PAGES)
      .sort((a, b) => count(a, rank) - count(b, rank))
      .map((row) => ({
        page: text(row, "page"),
        title: textOrNull(row, "title"),
        views: count(row, "views"),
        sessions: count(row, "sessions"),
        entries: count(row, "entries"),
        exits: count(row, "exits"),
      }));
  const [first = {}] = rows;
  return {
    number: count(first, "all_pages"),
    views: count(first, "all_views"),
    entries: count(first, "all_entries"),
    byViews: best("by_views"),
    byEntries: best("by_entries").filter(({ entries }) => entries > 0),
    byExits: best("by_exits").filter(({ exits }) => exits > 0),
  };
}

function retentionOf(rows: readonly Row[], dates: Dates, now: number): ReportNumbers["retention"] {
  const unit = eachDate(dates).length <= DAILY_COHORTS ? "day" : "week";
  const unitMs = (unit === "day" ? 1 : 7) * DAY_MS;
  const mine = rows.filter((row) => row.unit === unit);
  // A period counts as complete if all of its dates are in the report and over.
  const end = Math.min(Date.parse(dates.to) + DAY_MS, now);
  const cohorts = [...new Set(mine.map((row) => text(row, "cohort").slice(0, 10)))].map((from) => {
    const found = new Map(
      mine
        .filter((row) => text(row, "cohort").startsWith(from))
        .map((row) => [count(row, "later"), count(row, "visitors")]),
    );
    const periods = Math.ceil((end - Date.parse(from)) / unitMs);
    const returned = Array.from({ length: Math.max(0, periods - 1) }, (_, place) => ({
      visitors: found.get(place + 1) ?? 0,
      complete: Date.parse(from) + (place + 2) * unitMs <= end,
    }));
    return { from, visitors: found.get(0) ?? 0, returned };
  });
  return { unit, cohorts };
}

/** Only the rows of single campaigns have a source and a campaign, which may be empty. */
function isWholeChannel(row: Row): boolean {
  return row.source === null;
}

function channelOf(row: Row): Channel {
  return {
    channel: text(row, "channel"),
    sessions: count(row, "sessions"),
    firstTouchPurchases: count(row, "first_touch_purchases"),
    firstTouchRevenue: money(row, "first_touch_revenue"),
    lastTouchPurchases: count(row, "last_touch_purchases"),
    lastTouchRevenue: money(row, "last_touch_revenue"),
  };
}

function devicesOf(rows: readonly Row[], kind: string): Device[] {
  return rows
    .filter((row) => row.kind === kind)
    .map((row) => ({
      name: textOrNull(row, "name"),
      sessions: count(row, "sessions"),
      sessionsWithPurchase: count(row, "sessions_with_purchase"),
      events: count(row, "events"),
    }));
}

function hoursOf(rows: readonly Row[], days: readonly Day[]): Hour[] {
  const found = new Map(rows.map((row) => [`${row.day_of_week} ${row.hour}`, row]));
  const withData = (day: string) =>
    days.filter(({ date, hasData }) => hasData && weekdayOf(date) === day).length;
  return WEEKDAYS.flatMap((day) =>
    Array.from({ length: 24 }, (_, hour) => {
      const row = found.get(`${day} ${hour}`) ?? {};
      const sessions = count(row, "sessions");
      const dates = withData(day);
      return {
        ...{ day, hour, events: count(row, "events"), sessions },
        sessionsADay: dates === 0 ? null : Math.round((100 * sessions) / dates) / 100,
      };
    }),
  );
}

export function weekdayOf(date: string): string {
  return WEEKDAYS[(new Date(date).getUTCDay() + 6) % 7] as string;
}

function quarantineOf(rows: readonly Row[]): ReportNumbers["quarantine"] {
  const byReason = summed(rows, "reason").sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return {
    lines: byReason.reduce((sum, [, lines]) => sum + lines, 0),
    reasons: byReason.map(([reason, lines]) => ({
      reason,
      description: contract.quarantine.reasons.find(({ code }) => code === reason)?.description ?? "",
      lines,
    })),
    byDate: summed(rows, "arrival_date")
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([date, lines]) => ({ date, lines })),
  };
}

function summed(rows: readonly Row[], column: string): [string, number][] {
  const sums = new Map<string, number>();
  for (const row of rows) {
    const key = text(row, column);
    sums.set(key, (sums.get(key) ?? 0) + count(row, "lines"));
  }
  return [...sums];
}

function costOf(scanned: readonly number[]): ReportNumbers["cost"] {
  const billedBytes = scanned.reduce(
    (sum, bytes) => sum + Math.max(LEAST_BILLED_MB, Math.ceil(bytes / MB)) * MB,
    0,
  );
  const usdPerTB = price("athena.tb");
  return {
    queries: scanned.length,
    scannedBytes: scanned.reduce((sum, bytes) => sum + bytes, 0),
    billedBytes,
    usd: (billedBytes / 1e12) * usdPerTB,
    usdPerTB,
  };
}
