// The alarms: what each watches, when it goes off, what that means and what to do. docs/operations.md has a section on each.

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
  comparison: "GreaterThanThreshold" | "LessThanThreshold";
  threshold: number;
  periodSeconds: number;
  periods: number;
  datapoints: number;
  missing: "breaching" | "notBreaching";
}

const MINUTES_5 = 300;
const HOUR = 3600;
const DAY = 86_400;

/** What most alarms have in common: more than nothing, once, where nothing told is nothing wrong. */
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

function noEvents({ stream }: Metrics, minutes: number): Alarm {
  return {
    name: "no-events",
    means: `Nothing has been put into the stream for ${minutes} minutes.`,
    remedy: "Look at the producers: are they up, may they still write, do they name this stream?",
    metrics: { records: stream("IncomingRecords") },
    // Filled: of periods without data CloudWatch would look further back before it calls them breaching.
    expressions: { value: "FILL(records, 0)" },
    comparison: "LessThanThreshold",
    threshold: 1,
    periodSeconds: minutes * 60,
    periods: 1,
    datapoints: 1,
    missing: "breaching",
  };
}

function volumeDrop({ own }: Metrics, percent: number): Alarm {
  return {
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
    comparison: "GreaterThanThreshold",
    threshold: percent,
    periodSeconds: DAY,
    // Two, as the difference needs both days.
    periods: 2,
    datapoints: 1,
    missing: "notBreaching",
  };
}

function streamThrottled({ stream }: Metrics): Alarm {
  return {
    ...ANY,
    name: "stream-throttled",
    means: "The stream has refused records for 15 minutes: producers that do not try again lose them.",
    remedy: "Raise clickstream:shardCount, or spread the partition keys if one shard is hot.",
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
    remedy: "Look for errors and throttles of the ingest; if there are none, raise clickstream:shardCount.",
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
    remedy: "Mend the cause, put the records of these objects back into the stream, remove the objects.",
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
    periodSeconds: HOUR,
  };
}

function executionFailed({ execution }: Metrics): Alarm {
  return {
    ...ANY,
    name: "execution-failed",
    means: "An execution failed, timed out or was aborted; of the last two no other mail tells.",
    remedy: "Open the execution in the console, mend the cause and start another: that is always safe.",
    metrics: {
      failed: execution("ExecutionsFailed"),
      timedout: execution("ExecutionsTimedOut"),
      aborted: execution("ExecutionsAborted"),
    },
    expressions: { value: "SUM([failed, timedout, aborted])" },
  };
}

function noSuccess({ own }: Metrics, hours: number): Alarm {
  return {
    name: "no-success",
    means: `No execution has succeeded for ${hours} hours: the tables are getting old.`,
    remedy: "Look whether the schedule starts executions, and where the last one stands or failed.",
    // Not AWS's ExecutionsSucceeded: an execution of the schedule that finds the job busy succeeds, too, having verified
    // nothing. Each verified run records this metric once.
    metrics: { succeeded: own("RunSeconds", "SampleCount") },
    expressions: { value: "FILL(succeeded, 0)" },
    comparison: "LessThanThreshold",
    threshold: 1,
    periodSeconds: HOUR,
    periods: hours,
    datapoints: hours,
    missing: "breaching",
  };
}
