// The alarms: what each watches, when it goes off, what that means and what to do. docs/operations.md has a section on each.

import { DAY_SECONDS, HOUR_SECONDS } from "../../lambdas/shared/durations";
import type { Metric, Metrics } from "./metrics";

export interface AlarmSettings {
  /** Minutes without an event; 0 for no such alarm, as with the following. */
  alarmNoEventsMinutes: number;
  alarmVolumeDropPercent: number;
  alarmIteratorAgeMinutes: number;
  alarmQuarantinePercent: number;
  alarmNoSuccessHours: number;
  /** Without a schedule nobody says how often an execution is to succeed. */
  scheduleEnabled: boolean;
}

/** `value` compared with `threshold` in `datapoints` of the last `periods`. */
export interface Alarm {
  name: string;
  means: string;
  remedy: string;
  metrics: Record<string, Metric>;
  /** Metric math over the metrics, each by its id; the last one is the value. */
  expressions: Record<string, string>;
  comparison: "GreaterThanThreshold";
  threshold: number;
  periodSeconds: number;
  periods: number;
  datapoints: number;
  /** The same for all: no data is nothing wrong, and a new stack is silent. */
  missing: "notBreaching";
}

const MINUTES_5 = 300;

/** What most alarms have in common: more than nothing, once, where no data is nothing wrong. */
const ANY = {
  comparison: "GreaterThanThreshold",
  threshold: 0,
  periodSeconds: MINUTES_5,
  periods: 1,
  datapoints: 1,
  missing: "notBreaching",
} as const;

export function alarmsOf(metrics: Metrics, settings: AlarmSettings): Alarm[] {
  return [
    ...(settings.alarmNoEventsMinutes > 0 ? [noEvents(metrics, settings.alarmNoEventsMinutes)] : []),
    ...(settings.alarmVolumeDropPercent > 0 ? [volumeDrop(metrics, settings.alarmVolumeDropPercent)] : []),
    streamThrottled(metrics),
    ...(settings.alarmIteratorAgeMinutes > 0 ? [iteratorAge(metrics, settings.alarmIteratorAgeMinutes)] : []),
    ingestStalled(metrics),
    ingestErrors(metrics),
    ingestThrottled(metrics),
    batchesGivenUp(metrics),
    ...(settings.alarmQuarantinePercent > 0
      ? [quarantineRatio(metrics, settings.alarmQuarantinePercent)]
      : []),
    executionFailed(metrics),
    ...(settings.scheduleEnabled && settings.alarmNoSuccessHours > 0
      ? [noSuccess(metrics, settings.alarmNoSuccessHours)]
      : []),
  ];
}

export function describe({ name, means, remedy }: Alarm): string {
  return `${means} ${remedy} More: docs/operations.md, section "Alarm ${name}".`;
}

/**
 * Goes off where records came within the memory and none since the last period began: a stack that never had any has
 * nothing to lose, and one that lost them longer ago than that has said so.
 */
function noEvents({ stream }: Metrics, minutes: number): Alarm {
  const periodSeconds = minutes * 60;
  return {
    ...ANY,
    name: "no-events",
    means: `Records had come, but none has been put into the stream for ${minutes} minutes.`,
    remedy: "Look at the producers: are they up, may they still write, do they name this stream?",
    metrics: { records: stream("IncomingRecords") },
    expressions: {
      filled: "FILL(records, 0)",
      // Of each period, the records in it and after it: none in the silence at the end, and only there.
      since: "SUM(filled) - RUNNING_SUM(filled) + filled",
      // In that silence what came before it, so nothing where nothing ever came.
      value: "IF(since > 0, 0, SUM(filled))",
    },
    periodSeconds,
    periods: Math.floor(memorySeconds(periodSeconds) / periodSeconds),
  };
}

/**
 * A day, or a week where a day would not hold two periods: CloudWatch judges alarms on more than a day but once an
 * hour, and looks back no further than a week.
 */
function memorySeconds(periodSeconds: number): number {
  return 2 * periodSeconds <= DAY_SECONDS ? DAY_SECONDS : 7 * DAY_SECONDS;
}

function volumeDrop({ own }: Metrics, percent: number): Alarm {
  return {
    ...ANY,
    name: "volume-drop",
    means: `The last 24 hours brought over ${percent} % fewer events than the 24 hours before.`,
    remedy: "Compare the days by event_type, device_type and browser to see which producer is missing.",
    metrics: { events: own("EventsAccepted") },
    expressions: {
      filled: "FILL(events, 0)",
      change: "DIFF(filled)",
      before: "filled - change",
      value: "IF(before > 0, 0 - 100 * change / before, 0)",
    },
    threshold: percent,
    periodSeconds: DAY_SECONDS,
    // Two, as the difference needs both days.
    periods: 2,
  };
}

function streamThrottled({ stream }: Metrics): Alarm {
  return {
    ...ANY,
    name: "stream-throttled",
    means: "The stream has refused records for 15 minutes: producers that do not try again lose them.",
    remedy:
      "Raise shardCount, at most to double at a time (npm run doctor says the steps), or spread the partition keys if one shard is hot.",
    metrics: { refused: stream("WriteProvisionedThroughputExceeded") },
    expressions: { value: "FILL(refused, 0)" },
    periods: 3,
    datapoints: 3,
  };
}

function iteratorAge({ lambda }: Metrics, minutes: number): Alarm {
  return {
    ...ANY,
    name: "iterator-age",
    means: `The ingest is over ${minutes} minutes behind the stream; what is older than its retention is lost.`,
    remedy:
      "Look for errors and throttles of the ingest; if there are none, raise shardCount, at most to double at a time (npm run doctor says the steps).",
    metrics: { age: lambda("ingestFunction", "IteratorAge", "Maximum") },
    expressions: { value: "age / 60000" },
    threshold: minutes,
    periods: 2,
    datapoints: 2,
  };
}

function ingestStalled({ stream, lambda }: Metrics): Alarm {
  return {
    ...ANY,
    name: "ingest-stalled",
    means: "The stream gets records, but the ingest has not been called for 15 minutes.",
    remedy: "Look whether the event source mapping is enabled and what it says of its last processing.",
    metrics: { records: stream("IncomingRecords"), calls: lambda("ingestFunction", "Invocations") },
    // A sum of an array leaves out what has no data: calls that were never made are no data.
    expressions: {
      waiting: "IF(records > 0, 1, 0)",
      served: "IF(calls > 0, -1, 0)",
      value: "SUM([waiting, served])",
    },
    periods: 3,
    datapoints: 3,
  };
}

function ingestErrors({ lambda, mapping }: Metrics): Alarm {
  return {
    ...ANY,
    name: "ingest-errors",
    means: "The ingest failed on a batch. Lambda tries it again; nothing is lost yet.",
    remedy: "Look at the ERROR lines of the ingest's log: mostly S3 or the key refuses the write.",
    metrics: {
      errors: lambda("ingestFunction", "Errors"),
      // A batch that the ingest itself reports as failed is no error of the function.
      reported: mapping("FailedInvokeEventCount"),
    },
    expressions: { value: "SUM([errors, reported])" },
  };
}

function ingestThrottled({ lambda }: Metrics): Alarm {
  return {
    ...ANY,
    name: "ingest-throttled",
    means: "Lambda has refused to run the ingest for 15 minutes: the account's concurrency is used up.",
    remedy: "Find the function that uses it up, or ask AWS for a higher quota of concurrent executions.",
    metrics: { throttles: lambda("ingestFunction", "Throttles") },
    expressions: { value: "FILL(throttles, 0)" },
    periods: 3,
    datapoints: 3,
  };
}

function batchesGivenUp({ mapping }: Metrics): Alarm {
  return {
    ...ANY,
    name: "batches-given-up",
    means: "Lambda gave up batches: they lie under aws/lambda/ in the raw bucket and are in no table.",
    remedy: "Fix the cause, put the records of these objects back into the stream, remove the objects.",
    metrics: {
      kept: mapping("OnFailureDestinationDeliveredEventCount"),
      dropped: mapping("DroppedEventCount"),
    },
    expressions: { value: "SUM([kept, dropped])" },
  };
}

function quarantineRatio({ own }: Metrics, percent: number): Alarm {
  return {
    ...ANY,
    name: "quarantine-ratio",
    means: `Over ${percent} % of the last hour's lines went to the quarantine.`,
    remedy: "Query the quarantine by reason; a producer changed its format, or its clock is wrong.",
    metrics: { quarantined: own("LinesQuarantined"), accepted: own("EventsAccepted") },
    expressions: {
      lines: "quarantined + accepted",
      value: "IF(lines > 0, 100 * quarantined / lines, 0)",
    },
    threshold: percent,
    periodSeconds: HOUR_SECONDS,
  };
}

function executionFailed({ execution }: Metrics): Alarm {
  return {
    ...ANY,
    name: "execution-failed",
    means: "An execution failed, timed out or was aborted; of the last two no other mail tells.",
    remedy: "Open the execution in the console, fix the cause and start another: that is always safe.",
    metrics: {
      failed: execution("ExecutionsFailed"),
      timedout: execution("ExecutionsTimedOut"),
      aborted: execution("ExecutionsAborted"),
    },
    expressions: { value: "SUM([failed, timedout, aborted])" },
  };
}

/** Never fewer: with a single one, an execution that has just started would be one that does not succeed. */
const LEAST_PERIODS = 3;

/**
 * Goes off where records wait: from the first ones within these hours on, no period has seen a success. Without records
 * nothing waits, so a new stack is silent, and so is one that nobody uses.
 */
function noSuccess({ own, stream }: Metrics, hours: number): Alarm {
  const periods = Math.max(hours, LEAST_PERIODS);
  return {
    ...ANY,
    name: "no-success",
    means: `Records have come, and no execution has verified a run for ${hours} hours: the tables are getting old.`,
    remedy: "Look whether the schedule starts executions, and where the last one is waiting or failed.",
    // Not AWS's ExecutionsSucceeded: an execution of the schedule that finds the job busy succeeds, too, having verified
    // nothing. Each verified run records this metric once.
    metrics: { succeeded: own("RunSeconds", "SampleCount"), records: stream("IncomingRecords") },
    // A sum of an array leaves out what has no data: executions that never succeeded are no data.
    expressions: {
      waiting: "IF(RUNNING_SUM(FILL(records, 0)) > 0, 1, 0)",
      served: "IF(succeeded > 0, -1, 0)",
      value: "SUM([waiting, served])",
    },
    periodSeconds: (hours * HOUR_SECONDS) / periods,
    periods,
    datapoints: periods,
  };
}
