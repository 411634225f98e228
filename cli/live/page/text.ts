// Numbers and times as the live view's page writes them.

import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../lambdas/shared/durations";

export function number(value: number): string {
  return value.toLocaleString("en-US");
}

/** 14:03:09.123 in the browser's time zone. */
export function timeOfDay(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  const milliseconds = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`;
}

const UNITS = [
  [DAY_MS, "d"],
  [HOUR_MS, "h"],
  [MINUTE_MS, "min"],
  [1_000, "s"],
] as const;

/** 240 ms, 1.2 s, 3 min, 5 d. Negative if a clock is ahead. */
export function delay(ms: number): string {
  const size = Math.abs(ms);
  const sign = ms < 0 ? "−" : "";
  for (const [unit, name] of UNITS) {
    if (size >= unit) return `${sign}${(size / unit).toFixed(size < 10 * unit ? 1 : 0)} ${name}`;
  }
  return `${sign}${Math.round(size)} ms`;
}
