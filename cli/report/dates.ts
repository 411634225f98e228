// The dates that a report is about: from --from to --to, both included, by default the last 30 days.
import { DAY_MS } from "../../lambdas/shared/durations";

/** The first and the last UTC date, as YYYY-MM-DD. */
export interface Dates {
  from: string;
  to: string;
}

/** The given dates cannot be reported on. The message has the remedy. */
export class BadDates extends Error {}

const DEFAULT_DAYS = 30;
/** Athena bills by the dates that it reads, and a chart shows a year at most. */
const MOST_DAYS = 366;

export function datesOf({ from, to }: Partial<Dates>, now: number): Dates {
  const today = dateOf(now);
  const last = to ?? today;
  const dates = { from: from ?? dateOf(Date.parse(last) - (DEFAULT_DAYS - 1) * DAY_MS), to: last };
  if (dates.to > today) {
    throw new BadDates(`--to must be a date up to today, ${today} in UTC, got ${dates.to}.`);
  }
  if (dates.from > dates.to) {
    const ends = to === undefined ? `today, ${today} in UTC` : `--to ${to}`;
    throw new BadDates(
      `--from must not be after --to, got --from ${dates.from}, and the report ends with ${ends}.`,
    );
  }
  const days = eachDate(dates).length;
  if (days > MOST_DAYS) {
    throw new BadDates(
      `A report is about ${MOST_DAYS} days at most, got ${days} from ${dates.from} to ${dates.to}. The latest --from is ${dateOf(Date.parse(dates.to) - (MOST_DAYS - 1) * DAY_MS)}.`,
    );
  }
  return dates;
}

export function eachDate({ from, to }: Dates): string[] {
  const dates: string[] = [];
  for (let time = Date.parse(from); time <= Date.parse(to); time += DAY_MS) dates.push(dateOf(time));
  return dates;
}

export function dateOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
