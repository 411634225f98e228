// Checks alarm settings against other settings, to find alarms that would always or never fire.

import type { PlainConfig } from "./keys";
import { rateHours } from "./rate";

type Key = (name: string) => string;
/** A value that failed its own check is undefined. */
type Values = Partial<PlainConfig>;

export function alarmProblems(key: Key, values: Values): string[] {
  if (values.alarms !== true) return [];
  return [...iteratorAgeProblems(key, values), ...noSuccessProblems(key, values)];
}

function iteratorAgeProblems(key: Key, values: Values): string[] {
  const { alarmIteratorAgeMinutes: age, batchWindowSeconds, streamRetentionHours } = values;
  const problems: string[] = [];
  // Without a stream nothing has an iterator.
  if (values.way !== "stream" || age === undefined || age === 0) return problems;
  if (batchWindowSeconds !== undefined && age * 60 <= batchWindowSeconds) {
    problems.push(
      `${key("alarmIteratorAgeMinutes")} must be longer than ${key("batchWindowSeconds")} (${batchWindowSeconds} seconds), got ${age}: ` +
        "records always wait that long, so the alarm would always fire. Raise it, or set it to 0 for no alarm",
    );
  }
  if (streamRetentionHours !== undefined && age >= streamRetentionHours * 60) {
    problems.push(
      `${key("alarmIteratorAgeMinutes")} must be less than ${key("streamRetentionHours")} (${streamRetentionHours} hours), got ${age}: ` +
        "records would be lost before the alarm fires. Lower it",
    );
  }
  return problems;
}

/** The interval of a cron expression is not computed, so its value is not checked. */
function noSuccessProblems(key: Key, values: Values): string[] {
  const { alarmNoSuccessHours: hours, scheduleEnabled, scheduleExpression } = values;
  if (!hours || scheduleEnabled !== true || scheduleExpression === undefined) return [];
  const interval = rateHours(scheduleExpression);
  if (interval === undefined || hours > interval) return [];
  return [
    `${key("alarmNoSuccessHours")} must be longer than the time between two executions (${key("scheduleExpression")} ${scheduleExpression}), got ${hours}: ` +
      "the alarm would fire between them. Raise it, or set it to 0 for no alarm",
  ];
}
