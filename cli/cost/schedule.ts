// How often a schedule of EventBridge Scheduler fires in an average month.
import { rateHours } from "../../infra/config/rate";

export const HOURS_PER_MONTH = 730;
export const DAYS_PER_MONTH = HOURS_PER_MONTH / 24;

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/** Runs a month of `rate(...)` or `cron(...)`; the year of a cron expression is ignored. Throws on any other form. */
export function runsPerMonth(expression: string): number {
  const interval = rateHours(expression);
  if (interval !== undefined) return HOURS_PER_MONTH / interval;
  const cron = /^cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)$/.exec(expression);
  if (!cron) throw new Error(`${expression} is not a schedule: use rate(...) or cron(...)`);
  const [minutes, hours, days, months, weekdays] = cron.slice(1) as [string, string, string, string, string];
  const times = matches(minutes, 0, 59) * matches(hours, 0, 23);
  return times * daysPerMonth(days, weekdays) * (matches(months, 1, 12, MONTHS) / 12);
}

function daysPerMonth(days: string, weekdays: string): number {
  // L, W and # name one day of the month.
  if (/[LW#]/.test(days) || /[L#]/.test(weekdays)) return 1;
  if (weekdays !== "?" && weekdays !== "*") {
    return (DAYS_PER_MONTH * matches(weekdays, 1, 7, WEEKDAYS)) / 7;
  }
  return days === "*" || days === "?" ? DAYS_PER_MONTH : matches(days, 1, 31);
}

/** How many values of a range a cron field matches: *, lists, ranges, steps, names. */
function matches(field: string, least: number, most: number, names: string[] = []): number {
  const found = new Set<number>();
  const value = (text: string) => {
    const name = names.indexOf(text.toUpperCase());
    return name < 0 ? Number(text) : least + name;
  };
  for (const item of field.split(",")) {
    const [range = "*", step] = item.split("/");
    const [first = "*", last] = range.split("-");
    const from = first === "*" ? least : value(first);
    const to = last !== undefined ? value(last) : first === "*" || step !== undefined ? most : from;
    for (let at = from; at <= to; at += step === undefined ? 1 : Number(step)) found.add(at);
  }
  return found.size;
}
