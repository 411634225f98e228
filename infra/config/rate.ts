// The interval of a rate(...) expression of EventBridge Scheduler.

const UNIT_HOURS = { minute: 1 / 60, hour: 1, day: 24 };

/** Undefined for any other expression, such as cron(...). */
export function rateHours(expression: string): number | undefined {
  const match = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression);
  if (match === null) return undefined;
  return Number(match[1]) * UNIT_HOURS[match[2] as keyof typeof UNIT_HOURS];
}
