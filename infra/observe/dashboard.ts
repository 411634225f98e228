// The dashboard: graphs of the pipeline from the stream to the tables, as CloudWatch's JSON.

import * as pulumi from "@pulumi/pulumi";
import { DAY_SECONDS, HOUR_SECONDS } from "../../lambdas/shared/durations";
import type {
  ArrivalMetrics,
  CollectorMetrics,
  DeliveryMetrics,
  Metric,
  Metrics,
  StreamMetrics,
} from "./metrics";

interface Line {
  label: string;
  metric: Metric;
  /** Metric math that is shown instead of the metric, which it names `m`. */
  expression?: string;
}

interface Graph {
  title: string;
  lines: Line[];
  periodSeconds: number;
  kind?: "timeSeries" | "singleValue" | "bar";
  unit?: string;
}

const MINUTES_5 = 300;
/** The console's grid is 24 columns wide. */
const COLUMNS = 24;
const WIDTH = 8;
const HEIGHT = 6;

export function dashboardBody(metrics: Metrics, region: pulumi.Input<string>): pulumi.Output<string> {
  const widgets = graphs(metrics).map((graph, index) => ({
    type: "metric",
    x: (index * WIDTH) % COLUMNS,
    y: Math.floor((index * WIDTH) / COLUMNS) * HEIGHT,
    width: WIDTH,
    height: HEIGHT,
    properties: {
      title: graph.title,
      region,
      view: graph.kind ?? "timeSeries",
      stacked: false,
      period: graph.periodSeconds,
      metrics: graph.lines.flatMap((line, at) => rows(line, `m${at}`, graph.periodSeconds)),
      yAxis: { left: { min: 0, ...(graph.unit && { label: graph.unit, showUnits: false }) } },
    },
  }));
  return pulumi.jsonStringify({ start: "-P1D", widgets });
}

function rows({ label, metric, expression }: Line, id: string, period: number): unknown[] {
  const dimensions = Object.entries(metric.dimensions).flat();
  const options = { stat: metric.stat, period, id };
  const plain = [metric.namespace, metric.metricName, ...dimensions];
  if (expression === undefined) return [[...plain, { ...options, label }]];
  const math = expression.replace(/\bm\b/g, id);
  return [[...plain, { ...options, visible: false }], [{ expression: math, label, id: `e${id}` }]];
}

function graphs(metrics: Metrics): Graph[] {
  const { source, lambda, execution, own, collector, arrival } = metrics;
  const check = arrival ? "check-arrival" : "look-for-new";
  const bySource = source.kind === "stream" ? streamGraphs(metrics, source) : deliveryGraphs(metrics, source);
  return [
    ...(collector ? collectorRow(metrics, collector) : []),
    ...(arrival ? arrivalRow(arrival) : []),
    {
      title: "Events a day",
      kind: "bar",
      periodSeconds: DAY_SECONDS,
      lines: [
        { label: "accepted by the ingest", metric: own("EventsAccepted") },
        { label: "new rows in the table", metric: own("RowsCurated") },
        { label: "quarantined", metric: own("LinesQuarantined") },
      ],
    },
    ...bySource.begin,
    {
      title: "Lambda: errors and throttles",
      periodSeconds: MINUTES_5,
      lines: [
        { label: "ingest errors", metric: lambda("ingestFunction", "Errors") },
        { label: "ingest throttles", metric: lambda("ingestFunction", "Throttles") },
        ...bySource.failures,
        { label: "await-ingest errors", metric: lambda("awaitIngestFunction", "Errors") },
        { label: `${check} errors`, metric: lambda("checkFunction", "Errors") },
        { label: "simulator errors", metric: lambda("simulatorFunction", "Errors") },
      ],
    },
    {
      title: "Lambda: duration",
      periodSeconds: MINUTES_5,
      unit: "milliseconds",
      lines: [
        { label: "ingest, average", metric: lambda("ingestFunction", "Duration", "Average") },
        { label: "ingest, longest", metric: lambda("ingestFunction", "Duration", "Maximum") },
        { label: "await-ingest, longest", metric: lambda("awaitIngestFunction", "Duration", "Maximum") },
        { label: `${check}, longest`, metric: lambda("checkFunction", "Duration", "Maximum") },
      ],
    },
    ...bySource.givenUp,
    quarantineRatio(own("LinesQuarantined"), own("EventsAccepted")),
    ...bySource.batches,
    {
      title: "Executions",
      periodSeconds: HOUR_SECONDS,
      lines: [
        { label: "succeeded", metric: execution("ExecutionsSucceeded") },
        { label: "failed", metric: execution("ExecutionsFailed") },
        { label: "timed out", metric: execution("ExecutionsTimedOut") },
        { label: "aborted", metric: execution("ExecutionsAborted") },
      ],
    },
    {
      title: "Duration",
      periodSeconds: HOUR_SECONDS,
      unit: "minutes",
      lines: [
        {
          label: "execution, longest",
          metric: execution("ExecutionTime", "Maximum"),
          expression: "m / 60000",
        },
        { label: "Spark job, longest", metric: own("RunSeconds", "Maximum"), expression: "m / 60" },
      ],
    },
  ];
}

/** What the graphs of the two sources have in common, by its place on the dashboard. */
interface SourceGraphs {
  begin: Graph[];
  /** In the graph of errors. */
  failures: Line[];
  givenUp: Graph[];
  batches: Graph[];
}

function streamGraphs({ lambda }: Metrics, { stream, mapping }: StreamMetrics): SourceGraphs {
  return {
    begin: [
      {
        title: "Stream: records in and out",
        periodSeconds: MINUTES_5,
        lines: [
          { label: "in", metric: stream("IncomingRecords") },
          { label: "out", metric: stream("GetRecords.Records") },
          { label: "refused", metric: stream("WriteProvisionedThroughputExceeded") },
        ],
      },
      {
        title: "Bytes",
        periodSeconds: MINUTES_5,
        lines: [
          { label: "into the stream", metric: stream("IncomingBytes") },
          { label: "out of the stream", metric: stream("GetRecords.Bytes") },
        ],
      },
      {
        title: "Ingest: delay",
        periodSeconds: MINUTES_5,
        unit: "minutes",
        lines: [
          {
            label: "iterator age",
            metric: lambda("ingestFunction", "IteratorAge", "Maximum"),
            expression: "m / 60000",
          },
        ],
      },
    ],
    failures: [{ label: "records that failed", metric: mapping("FailedInvokeEventCount") }],
    givenUp: [
      {
        title: "Records given up",
        periodSeconds: HOUR_SECONDS,
        lines: [
          {
            label: "kept under aws/lambda/",
            metric: mapping("OnFailureDestinationDeliveredEventCount"),
          },
          { label: "dropped", metric: mapping("DroppedEventCount") },
        ],
      },
    ],
    batches: [
      {
        title: "Batches",
        periodSeconds: MINUTES_5,
        lines: [
          { label: "batches", metric: lambda("ingestFunction", "Invocations") },
          { label: "records a batch", metric: stream("GetRecords.Records"), expression: "m / m0" },
        ],
      },
    ],
  };
}

function deliveryGraphs({ lambda }: Metrics, { delivery }: DeliveryMetrics): SourceGraphs {
  return {
    begin: [
      {
        title: "Firehose: records in and out",
        periodSeconds: MINUTES_5,
        lines: [
          { label: "in", metric: delivery("IncomingRecords") },
          { label: "out, to S3", metric: delivery("DeliveryToS3.Records") },
          { label: "refused", metric: delivery("ThrottledRecords") },
        ],
      },
      {
        title: "Bytes",
        periodSeconds: MINUTES_5,
        lines: [
          { label: "into Firehose", metric: delivery("IncomingBytes") },
          { label: "to S3", metric: delivery("DeliveryToS3.Bytes") },
        ],
      },
      {
        title: "Firehose: age of the oldest record",
        periodSeconds: MINUTES_5,
        unit: "minutes",
        lines: [
          {
            label: "age",
            metric: delivery("DeliveryToS3.DataFreshness", "Maximum"),
            expression: "m / 60",
          },
        ],
      },
    ],
    failures: [],
    givenUp: [
      {
        title: "Firehose: successful calls and writes",
        periodSeconds: HOUR_SECONDS,
        unit: "percent",
        lines: [
          {
            label: "calls of the ingest",
            metric: delivery("ExecuteProcessing.Success", "Average"),
            expression: "100 * m",
          },
          {
            label: "writes to S3",
            metric: delivery("DeliveryToS3.Success", "Average"),
            expression: "100 * m",
          },
        ],
      },
    ],
    batches: [
      {
        title: "Calls of the ingest",
        periodSeconds: MINUTES_5,
        lines: [
          { label: "calls", metric: lambda("ingestFunction", "Invocations") },
          { label: "records a call", metric: delivery("IncomingRecords"), expression: "m / m0" },
        ],
      },
    ],
  };
}

/** Three graphs, which are a row of the console's grid. */
function collectorRow({ own }: Metrics, { api, lambda }: CollectorMetrics): Graph[] {
  return [
    {
      title: "Collector: requests",
      periodSeconds: MINUTES_5,
      lines: [
        { label: "all", metric: api("Count") },
        { label: "refused (4xx)", metric: api("4xx") },
        { label: "of these, throttled (429)", metric: own("RequestsThrottled") },
        { label: "failed (5xx)", metric: api("5xx") },
      ],
    },
    {
      title: "Collector: latency",
      periodSeconds: MINUTES_5,
      unit: "milliseconds",
      lines: [
        { label: "half of the requests are faster", metric: api("Latency", "p50") },
        { label: "99 % of the requests are faster", metric: api("Latency", "p99") },
        { label: "99 % in the Lambda", metric: api("IntegrationLatency", "p99") },
      ],
    },
    {
      title: "Collector: Lambda",
      periodSeconds: MINUTES_5,
      lines: [
        { label: "calls", metric: lambda("Invocations") },
        { label: "errors", metric: lambda("Errors") },
        { label: "throttles", metric: lambda("Throttles") },
      ],
    },
  ];
}

/** Three graphs, too. */
function arrivalRow({ lambda, queue }: ArrivalMetrics): Graph[] {
  return [
    {
      title: "Parquet on arrival: objects",
      periodSeconds: MINUTES_5,
      lines: [
        { label: "to-parquet calls", metric: lambda("Invocations") },
        { label: "to-parquet errors", metric: lambda("Errors") },
        { label: "to-parquet throttles", metric: lambda("Throttles") },
      ],
    },
    {
      title: "Parquet on arrival: delay",
      periodSeconds: MINUTES_5,
      unit: "seconds",
      lines: [
        {
          label: "longest wait in Lambda's queue",
          metric: lambda("AsyncEventAge", "Maximum"),
          expression: "m / 1000",
        },
        { label: "to-parquet, average", metric: lambda("Duration", "Average"), expression: "m / 1000" },
        { label: "to-parquet, longest", metric: lambda("Duration", "Maximum"), expression: "m / 1000" },
      ],
    },
    {
      title: "Parquet on arrival: failed objects",
      periodSeconds: MINUTES_5,
      lines: [
        {
          label: "in the dead-letter queue",
          metric: queue("ApproximateNumberOfMessagesVisible", "Maximum"),
        },
        { label: "not taken by the queue", metric: lambda("DestinationDeliveryFailures") },
      ],
    },
  ];
}

/** The one graph whose expression has two metrics. */
function quarantineRatio(quarantined: Metric, accepted: Metric): Graph {
  return {
    title: "Quarantine ratio",
    periodSeconds: HOUR_SECONDS,
    unit: "percent",
    lines: [
      { label: "quarantined", metric: quarantined },
      { label: "percent of all lines", metric: accepted, expression: "100 * m0 / (m0 + m)" },
    ],
  };
}
