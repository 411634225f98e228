// Lists dates in a short text: each date if they are few, ranges if they are many.
import { DAY_MS } from "../../lambdas/shared/durations";
import type { RunReport } from "../../stack/run-report";

const NAMED_DATES = 14;
const NAMED_RANGES = 6;

/** The report of a run with very many dates lists only some of them, in any order. Its count is always complete. */
export function nameDates({ dates, partitions }: Pick<RunReport, "dates" | "partitions">): string {
  if (dates.count > partitions.length) return spanOf(dates.count, dates.first, dates.last);
  const sorted = [...partitions].sort();
  if (sorted.length <= NAMED_DATES) return sorted.join(", ");
  const ranges = rangesOf(sorted);
  if (ranges.length <= NAMED_RANGES) return ranges.map(nameRange).join(", ");
  return `${spanOf(sorted.length, sorted[0], sorted.at(-1))} (all with --json)`;
}

function spanOf(count: number, first: string | null | undefined, last: string | null | undefined): string {
  return `${count.toLocaleString("en-US")} days from ${first} to ${last}`;
}

/** Consecutive days, grouped. */
function rangesOf(sorted: readonly string[]): string[][] {
  const ranges: string[][] = [];
  for (const date of sorted) {
    const range = ranges.at(-1);
    const isNext = range !== undefined && Date.parse(date) - Date.parse(range.at(-1) as string) === DAY_MS;
    if (isNext) range.push(date);
    else ranges.push([date]);
  }
  return ranges;
}

function nameRange(range: readonly string[]): string {
  const [first] = range as [string];
  if (range.length === 1) return first;
  return `${first} to ${range.at(-1)} (${range.length.toLocaleString("en-US")} days)`;
}
