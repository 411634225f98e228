// The alarms: what each watches, when it fires, what that means and what to do. docs/operations.md has a section on each.

import { DAY_SECONDS, HOUR_SECONDS } from "../../lambdas/shared/durations";
import type {
  ArrivalMetrics,
  CollectorMetrics,
  DeliveryMetrics,
  Metric,
  Metrics,
  StreamMetrics,
} from "./metrics";

export interface AlarmSettings {
  /** Minutes without an event; 0 for no such alarm, as with the following. */
  alarmNoEventsMinutes: number;
  alarmVolumeDropPercent: number;
  alarmIteratorAgeMinutes: number;
  alarmQuarantinePercent: number;
  alarmNoSuccessHours: number;
  /** Without a schedule nothing says how often an execution should succeed. */
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
  /** The same for all: missing data is not a fault, and a new stack is silent. */
  missing: "notBreaching";
}

const MINUTES_5 = 300;

/** What most alarms have in common: they fire on one value above 0, and missing data is not a fault. */
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
    ...(metrics.collector ? collectorAlarms(metrics, metrics.collector) : []),
    ...(settings.alarmNoEventsMinutes > 0 ? [noEvents(metrics, settings.alarmNoEventsMinutes)] : []),
    ...(settings.alarmVolumeDropPercent > 0 ? [volumeDrop(metrics, settings.alarmVolumeDropPercent)] : []),
    ...(metrics.source.kind === "stream"
      ? streamAlarms(metrics, metrics.source, settings)
      : deliveryAlarms(metrics, metrics.source)),
    ...(metrics.arrival ? arrivalAlarms(metrics.arrival) : []),
    ingestThrottled(metrics),
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

function streamAlarms(metrics: Metrics, source: StreamMetrics, settings: AlarmSettings): Alarm[] {
  return [
    streamThrottled(source),
    ...(settings.alarmIteratorAgeMinutes > 0 ? [iteratorAge(metrics, settings.alarmIteratorAgeMinutes)] : []),
    ingestStalled(metrics, source),
    ingestErrors(metrics, source),
    batchesGivenUp(source),
  ];
}

function deliveryAlarms(metrics: Metrics, source: DeliveryMetrics): Alarm[] {
  return [
    deliveryThrottled(source),
    deliveryStalled(source),
    deliveryFailed(source),
    callsFailed(metrics, source),
  ];
}

/** For three periods in a row: trackers send again what the collector could not take, so a moment loses nothing. */
const FOR_15_MINUTES = { periods: 3, datapoints: 3 };

const COLLECTOR_ERROR_PERCENT = 1;
const COLLECTOR_P99_MS = 3000;

function collectorAlarms({ own }: Metrics, { api, lambda }: CollectorMetrics): Alarm[] {
  return [
    {
      ...ANY,
      ...FOR_15_MINUTES,
      name: "collector-errors",
      means: `The collector has answered over ${COLLECTOR_ERROR_PERCENT} % of its requests with 5xx for 15 minutes. Trackers keep their events and send them again, up to a limit.`,
      remedy:
        "Read the ERROR lines of the collector's log and the field collectorError of its access log. The usual cause: the stream refuses records.",
      metrics: { errors: api("5xx"), requests: api("Count") },
      expressions: { value: "IF(requests > 0, 100 * errors / requests, 0)" },
      threshold: COLLECTOR_ERROR_PERCENT,
    },
    {
      ...ANY,
      ...FOR_15_MINUTES,
      name: "collector-throttled",
      means:
        "The collector has refused requests for 15 minutes: API Gateway by its limit of requests (429), or Lambda by its concurrency.",
      remedy:
        "Raise collectorRequestsPerSecond and collectorBurst, or collectorConcurrency. First look whether the requests are your site's.",
      metrics: { refused: own("RequestsThrottled"), throttles: lambda("Throttles") },
      // A sum of an array skips what has no data. Without a refused request there is no data.
      expressions: { value: "SUM([refused, throttles])" },
    },
    {
      ...ANY,
      ...FOR_15_MINUTES,
      name: "collector-slow",
      means: `1 % of the collector's requests have taken over ${COLLECTOR_P99_MS / 1000} seconds for 15 minutes. A page that is closed meanwhile can lose them.`,
      remedy:
        "Compare the latency of the API with the duration of the Lambda on the dashboard. The usual cause: the stream refuses records, and the Lambda sends them again.",
      metrics: { latency: api("Latency", "p99") },
      expressions: { value: "FILL(latency, 0)" },
      threshold: COLLECTOR_P99_MS,
    },
  ];
}

/**
 * Fires if records came within the memory, and none since the last period began. A stack that never had records does not
 * fire. One that lost them longer ago has fired before.
 */
function noEvents({ source }: Metrics, minutes: number): Alarm {
  const periodSeconds = minutes * 60;
  return {
    ...ANY,
    name: "no-events",
    means: `No records have arrived for ${minutes} minutes, but some did before.`,
    remedy: "Check the producers: are they running, may they write, do they send to this stack?",
    metrics: { records: source.incoming },
    expressions: {
      filled: "FILL(records, 0)",
      // For each period, the records in it and after it: 0 only in the silence at the end.
      since: "SUM(filled) - RUNNING_SUM(filled) + filled",
      // In that silence, the records before it: 0 if there never were any.
      value: "IF(since > 0, 0, SUM(filled))",
    },
    periodSeconds,
    periods: Math.floor(memorySeconds(periodSeconds) / periodSeconds),
  };
}

/**
 * A day, or a week if a day does not hold two periods. CloudWatch evaluates alarms on more than a day only once an hour,
 * and looks back at most a week.
 */
function memorySeconds(periodSeconds: number): number {
  return 2 * periodSeconds <= DAY_SECONDS ? DAY_SECONDS : 7 * DAY_SECONDS;
}

function volumeDrop({ own }: Metrics, percent: number): Alarm {
  return {
    ...ANY,
    name: "volume-drop",
    means: `The last 24 hours had over ${percent} % fewer events than the 24 hours before.`,
    remedy: "Compare the days by event_type, device_type and browser to find the producer that is missing.",
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

function streamThrottled({ stream }: StreamMetrics): Alarm {
  return {
    ...ANY,
    name: "stream-throttled",
    means: "The stream has refused records for 15 minutes. Producers that do not retry lose them.",
    remedy:
      "Raise shardCount, at most to double at a time (npm run doctor lists the steps). If one shard is hot, spread the partition keys.",
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
    means: `The ingest is over ${minutes} minutes behind the stream. Records older than the stream's retention are lost.`,
    remedy:
      "Look for errors and throttles of the ingest. If there are none, raise shardCount, at most to double at a time (npm run doctor lists the steps).",
    metrics: { age: lambda("ingestFunction", "IteratorAge", "Maximum") },
    expressions: { value: "age / 60000" },
    threshold: minutes,
    periods: 2,
    datapoints: 2,
  };
}

function ingestStalled({ lambda }: Metrics, { incoming }: StreamMetrics): Alarm {
  return {
    ...ANY,
    name: "ingest-stalled",
    means: "The stream receives records, but the ingest has not been called for 15 minutes.",
    remedy: "Check whether the event source mapping is enabled, and its last processing result.",
    metrics: { records: incoming, calls: lambda("ingestFunction", "Invocations") },
    // A sum of an array skips what has no data. Without calls there is no data.
    expressions: {
      waiting: "IF(records > 0, 1, 0)",
      served: "IF(calls > 0, -1, 0)",
      value: "SUM([waiting, served])",
    },
    periods: 3,
    datapoints: 3,
  };
}

function ingestErrors({ lambda }: Metrics, { mapping }: StreamMetrics): Alarm {
  return {
    ...ANY,
    name: "ingest-errors",
    means: "The ingest failed on a batch. Lambda retries it. Nothing is lost yet.",
    remedy: "Read the ERROR lines of the ingest's log. The usual cause: S3 or the key refuses the write.",
    metrics: {
      errors: lambda("ingestFunction", "Errors"),
      // A batch that the ingest itself reports as failed is not an error of the function.
      reported: mapping("FailedInvokeEventCount"),
    },
    expressions: { value: "SUM([errors, reported])" },
  };
}

function deliveryThrottled({ delivery }: DeliveryMetrics): Alarm {
  return {
    ...ANY,
    ...FOR_15_MINUTES,
    name: "delivery-throttled",
    means: "Firehose has refused records for 15 minutes. Producers that do not retry lose them.",
    remedy:
      "Ask AWS for a higher quota of records, requests and bytes a second for direct PUT, and let producers put more events into a record.",
    metrics: { refused: delivery("ThrottledRecords") },
    expressions: { value: "FILL(refused, 0)" },
  };
}

/** Longer than Firehose collects events. */
const DELIVERY_MARGIN_SECONDS = 600;

function deliveryStalled({ delivery, collectedSeconds }: DeliveryMetrics): Alarm {
  const threshold = collectedSeconds + DELIVERY_MARGIN_SECONDS;
  return {
    ...ANY,
    name: "delivery-stalled",
    means: `The oldest record in Firehose has waited over ${threshold} seconds. Firehose collects them for ${collectedSeconds}. Records older than 24 hours are lost.`,
    remedy:
      "Read Firehose's log, and look for errors and throttles of the ingest. The usual cause: Firehose may not write to S3 or not use the key.",
    metrics: { age: delivery("DeliveryToS3.DataFreshness", "Maximum") },
    expressions: { value: "FILL(age, 0)" },
    threshold,
    periods: 2,
    datapoints: 2,
  };
}

function deliveryFailed({ delivery }: DeliveryMetrics): Alarm {
  return {
    ...ANY,
    name: "delivery-failed",
    means:
      "S3 has refused what Firehose writes to the raw bucket. Firehose retries for 24 hours. Nothing is lost yet.",
    remedy: "Read Firehose's log. The usual cause: its role may not write to the bucket or not use the key.",
    metrics: { success: delivery("DeliveryToS3.Success", "Average") },
    expressions: { value: "1 - FILL(success, 1)" },
    periods: 3,
    datapoints: 3,
  };
}

/** The ingest fails, or Firehose cannot call it, which the Lambda's own metrics do not count. */
function callsFailed({ lambda }: Metrics, { delivery }: DeliveryMetrics): Alarm {
  return {
    ...ANY,
    name: "ingest-failed",
    means:
      "Firehose got no answer from the ingest for some records. It tries again, and then keeps these records under aws/firehose/ in the raw bucket. They are in no table.",
    remedy:
      "Read the ERROR lines of the ingest's log, and Firehose's log. Fix the cause, then send what was kept again: npm run resend.",
    metrics: {
      errors: lambda("ingestFunction", "Errors"),
      success: delivery("ExecuteProcessing.Success", "Average"),
    },
    expressions: {
      refused: "IF(success < 1, 1, 0)",
      // A sum of an array skips what has no data.
      value: "SUM([errors, refused])",
    },
  };
}

/** The retries of an event come after one and two minutes, so an older one waits for something else. */
const ARRIVAL_LATE_MINUTES = 15;

function arrivalAlarms({ lambda, queue }: ArrivalMetrics): Alarm[] {
  return [
    {
      ...ANY,
      name: "objects-failed",
      means:
        "to-parquet failed on raw objects, three times or for six hours. S3's events for them are in the dead-letter queue for 14 days. Until they are sent again, or the job runs, no query shows their rows.",
      remedy:
        "Read the ERROR lines of to-parquet's log. Fix the cause, then send the events again: npm run redrive.",
      metrics: {
        waiting: queue("ApproximateNumberOfMessagesVisible", "Maximum"),
        // Lambda could not write to the queue: such an event is in none.
        lost: lambda("DestinationDeliveryFailures"),
      },
      // A sum of an array skips what has no data.
      expressions: { value: "SUM([waiting, lost])" },
    },
    {
      ...ANY,
      name: "to-parquet-errors",
      means:
        "to-parquet failed on a raw object. Lambda tries again after one and two minutes. Nothing is lost yet.",
      remedy:
        "Read the ERROR lines of to-parquet's log. The usual cause: S3, Glue or the key refuses a call, or the memory is too small (toParquetMemoryMb).",
      metrics: { errors: lambda("Errors") },
      expressions: { value: "FILL(errors, 0)" },
    },
    {
      ...ANY,
      ...FOR_15_MINUTES,
      name: "to-parquet-throttled",
      means:
        "Lambda has refused to run to-parquet for 15 minutes. The account has reached its limit of concurrent executions. Lambda tries again for six hours.",
      remedy: "Find the function that uses most of them, or ask AWS for a higher quota.",
      metrics: { throttles: lambda("Throttles") },
      expressions: { value: "FILL(throttles, 0)" },
    },
    {
      ...ANY,
      name: "arrival-late",
      means: `An event of S3 has waited over ${ARRIVAL_LATE_MINUTES} minutes for to-parquet. Queries do not show the rows of its object yet. Lambda gives up after six hours.`,
      remedy:
        "Look for errors and throttles of to-parquet. If there are none, ask AWS why Lambda's own queue is behind.",
      metrics: { age: lambda("AsyncEventAge", "Maximum") },
      expressions: { value: "FILL(age, 0) / 60000" },
      threshold: ARRIVAL_LATE_MINUTES,
      periods: 2,
      datapoints: 2,
    },
  ];
}

function ingestThrottled({ lambda }: Metrics): Alarm {
  return {
    ...ANY,
    name: "ingest-throttled",
    means:
      "Lambda has refused to run the ingest for 15 minutes. The account has reached its limit of concurrent executions.",
    remedy: "Find the function that uses most of them, or ask AWS for a higher quota.",
    metrics: { throttles: lambda("ingestFunction", "Throttles") },
    expressions: { value: "FILL(throttles, 0)" },
    periods: 3,
    datapoints: 3,
  };
}

function batchesGivenUp({ mapping }: StreamMetrics): Alarm {
  return {
    ...ANY,
    name: "batches-given-up",
    means: "Lambda gave up batches. They are kept under aws/lambda/ in the raw bucket and are in no table.",
    remedy: "Fix the cause, send the records of these objects to the stream again, and remove the objects.",
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
    remedy:
      "Query the quarantine by reason. Usual causes: a producer changed its format, or its clock is wrong.",
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
    means: "An execution failed, timed out or was aborted. The last two send no other mail.",
    remedy: "Open the execution in the console, fix the cause and start another one. That is always safe.",
    metrics: {
      failed: execution("ExecutionsFailed"),
      timedout: execution("ExecutionsTimedOut"),
      aborted: execution("ExecutionsAborted"),
    },
    expressions: { value: "SUM([failed, timedout, aborted])" },
  };
}

/** With a single period, an execution that has just started would count as one that does not succeed. */
const LEAST_PERIODS = 3;

/**
 * Fires if records wait: since the first ones within these hours, no period had a success. Without records nothing waits,
 * so a new stack is silent, and so is one that nobody uses.
 */
function noSuccess({ own, source }: Metrics, hours: number): Alarm {
  const periods = Math.max(hours, LEAST_PERIODS);
  return {
    ...ANY,
    name: "no-success",
    means: `Records arrived, but no execution has verified a run for ${hours} hours. The tables are out of date.`,
    remedy: "Check whether the schedule starts executions, and where the last one waits or failed.",
    // Not AWS's ExecutionsSucceeded: an execution of the schedule that finds the job busy also succeeds, and verifies
    // nothing. Each verified run records this metric once, and so does each execution that found nothing new.
    metrics: { succeeded: own("RunSeconds", "SampleCount"), records: source.incoming },
    // A sum of an array skips what has no data. Without a success there is no data.
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
