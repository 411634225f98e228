// The texts of an estimate, for the terminal and the docs: amounts, the largest part, savings and assumptions.

import { type Traffic, USUAL } from "./assumptions";
import type { Line } from "./line";
import type { Estimate } from "./model";
import type { Saving } from "./savings";

/** $1,234.56. Less than a cent gets four digits. */
export function dollars(amount: number): string {
  if (amount > 0 && amount < 0.0001) return "< $0.0001";
  const digits = amount !== 0 && Math.abs(amount) < 0.01 ? 4 : 2;
  return `$${amount.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

export function quantity(value: number): string {
  const digits = value >= 100 ? 0 : value >= 1 ? 1 : 4;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}

/** Each part with its dollars a month, most expensive first. */
export function parts(lines: readonly Line[]): { part: Line["part"]; monthly: number; share: number }[] {
  const total = lines.reduce((sum, { monthly }) => sum + monthly, 0);
  const sums = new Map<Line["part"], number>();
  for (const { part, monthly } of lines) sums.set(part, (sums.get(part) ?? 0) + monthly);
  return [...sums]
    .map(([part, monthly]) => ({ part, monthly, share: total === 0 ? 0 : monthly / total }))
    .sort((a, b) => b.monthly - a.monthly);
}

/** "transform is the largest part with 61 %: Glue: the job's workers ($10.71)." */
export function dominance({ lines }: Estimate): string {
  const first = parts(lines)[0];
  if (!first) return "Nothing in this stack costs money.";
  const item = lines.filter(({ part }) => part === first.part).sort((a, b) => b.monthly - a.monthly)[0];
  return `${first.part} is the largest part with ${Math.round(first.share * 100)} %: ${item?.item} (${dollars(item?.monthly ?? 0)}).`;
}

export function savingText({ key, from, to, saves, price }: Saving): string {
  return `${key} ${from === "" ? "(unset)" : from} → ${to} saves ${dollars(saves)} a month. What you give up: ${price}`;
}

const WORDS: Record<keyof Traffic, (value: number) => string> = {
  eventsPerDay: (value) => `${quantity(value)} events a day, spread evenly`,
  eventBytes: (value) => `${quantity(value)} bytes an event`,
  eventsPerRecord: (value) => `${quantity(value)} events a record`,
  eventsPerRequest: (value) => `${quantity(value)} events a request if there is a collector`,
  quarantinePercent: (value) => `${value} % of them quarantined`,
  latePercent: (value) => `${value} % of them late`,
  lateDays: (value) => `the late ones spread over the ${value} dates before`,
  peakFactor: (value) => `${value} times the average in the busiest second`,
  months: (value) => `${value} months of data`,
  queriesPerDay: (value) => `${quantity(value)} queries a day by people`,
  daysPerQuery: (value) => `each over ${value} days`,
  executionsPerDay: (value) => `${quantity(value)} executions a day by hand if the schedule is off`,
};

export function assumptions(traffic: Traffic, without: (keyof Traffic)[] = []): string {
  const keys = (Object.keys(USUAL) as (keyof Traffic)[]).filter((key) => !without.includes(key));
  return keys.map((key) => WORDS[key](traffic[key])).join(", ");
}
