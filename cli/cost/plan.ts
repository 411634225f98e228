// The settings that cost money, read from what the program declares. So the estimate cannot differ from the deployment.
import { dpusOf } from "../../infra/transform/worker-types";
import type { Declared } from "../../stack/declared";

export interface LifecycleRule {
  prefix: string;
  transitions: { days: number; storageClass: string }[];
  expirationDays?: number;
}

export interface StreamPlan {
  mode: "PROVISIONED" | "ON_DEMAND";
  shards: number;
  batchSize: number;
}

/** Firehose buffers twice: for the Lambda that checks the events, and for the objects in S3. */
export interface DeliveryPlan {
  bufferMb: number;
  lambdaBufferMb: number;
  lambdaBufferSeconds: number;
}

export interface ArrivalPlan {
  memoryMb: number;
  checkMemoryMb: number;
  jobEveryHours: number;
}

export interface Plan {
  /** Undefined if Firehose takes the events. */
  stream: StreamPlan | undefined;
  /** Undefined if a stream takes the events. */
  delivery: DeliveryPlan | undefined;
  /** Undefined unless a Lambda writes Parquet on arrival. */
  arrival: ArrivalPlan | undefined;
  /** How long an object can arrive late: the stream's retention, or the time for which Firehose retries. */
  retentionHours: number;
  /** Seconds that events are collected before they are written to S3. */
  windowSeconds: number;
  ingestMemoryMb: number;
  dpus: number;
  workers: number;
  executionClass: "STANDARD" | "FLEX";
  /** Whether Glue adds workers only while there is work for them. */
  autoScaling: boolean;
  targetFileMb: number;
  dedupeDays: number;
  /** Bytes and seconds that a run spends on compaction at most; undefined if it is off. */
  compaction: { mb: number; seconds: number } | undefined;
  lookForNewMb: number;
  /** Expressions of the enabled schedules. */
  schedules: string[];
  successMails: number;
  logRetentionDays: number;
  customerKeys: number;
  secrets: number;
  /** Whether each run of the job reads its key. */
  hashKey: boolean;
  /** Undefined without a collector. */
  collector: { memoryMb: number; writeKey: boolean } | undefined;
  /** Glue crawlers that run after each run of the job. */
  crawlers: number;
  alarmMetrics: number;
  dashboards: number;
  customMetrics: number;
  tracedParts: number;
  /** GB after which Athena stops a query. */
  scanLimitGb: number;
  rules: Record<"raw" | "curated" | "results", LifecycleRule[]>;
}

type Inputs = Declared["inputs"];

export function readPlan(resources: readonly Declared[]): Plan {
  const of = (type: string) => resources.filter((one) => one.type === type).map(({ inputs }) => inputs);
  const named = (type: string, name: string) =>
    resources.find((one) => one.type === type && one.name === name)?.inputs ?? {};
  const lambda = (name: string) => named("aws:lambda/function:Function", name);
  const mapping = of("aws:lambda/eventSourceMapping:EventSourceMapping")[0];
  const destination = destinationOf(of("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream")[0]);
  const job = named("aws:glue/job:Job", "clickstream-transform");
  const argument = (name: string, otherwise?: string) =>
    (job.defaultArguments as Record<string, string>)[name] ?? otherwise;
  const alarms = of("aws:cloudwatch/metricAlarm:MetricAlarm");
  const dashboards = of("aws:cloudwatch/dashboard:Dashboard");
  return {
    stream: streamOf(of("aws:kinesis/stream:Stream")[0], mapping),
    delivery: destination && deliveryOf(destination),
    arrival: arrivalOf(lambda("clickstream-to-parquet"), lambda("clickstream-check-arrival")),
    retentionHours: Number(argument("--retention_hours")),
    windowSeconds: Number(mapping?.maximumBatchingWindowInSeconds ?? destination?.bufferingInterval),
    ingestMemoryMb: Number(lambda("clickstream-ingest").memorySize),
    dpus: dpusOf(String(job.workerType)),
    workers: Number(job.numberOfWorkers),
    executionClass: job.executionClass as Plan["executionClass"],
    autoScaling: argument("--enable-auto-scaling", "false") === "true",
    targetFileMb: Number(argument("--target_file_mb")),
    dedupeDays: Number(argument("--dedupe_days")),
    compaction:
      argument("--compaction") === "on"
        ? { mb: Number(argument("--compaction_mb")), seconds: Number(argument("--compaction_seconds")) }
        : undefined,
    lookForNewMb: Number(lambda("clickstream-look-for-new").memorySize ?? 512),
    schedules: of("aws:scheduler/schedule:Schedule")
      .filter(({ state }) => state !== "DISABLED")
      .map(({ scheduleExpression }) => String(scheduleExpression)),
    successMails: subscriptions(resources, "PipelineSuccess"),
    logRetentionDays: Number(of("aws:cloudwatch/logGroup:LogGroup")[0]?.retentionInDays ?? 30),
    customerKeys: of("aws:kms/key:Key").length,
    secrets: of("aws:secretsmanager/secret:Secret").length,
    hashKey: argument("--privacy_key_secret") !== "none",
    collector: collectorOf(lambda("clickstream-collector")),
    crawlers: of("aws:glue/crawler:Crawler").length,
    alarmMetrics: alarms.reduce((sum, alarm) => sum + metricsOf(alarm), 0),
    dashboards: dashboards.length,
    customMetrics: customMetrics(alarms, dashboards) + mappingMetrics(mapping ?? {}),
    tracedParts: tracedParts(of),
    scanLimitGb: scanLimitGb(of("aws:athena/workgroup:Workgroup")[0] ?? {}),
    rules: {
      raw: lifecycleRules(named(LIFECYCLE, "clickstream-raw")),
      curated: lifecycleRules(named(LIFECYCLE, "clickstream-curated")),
      results: lifecycleRules(named(LIFECYCLE, "clickstream-results")),
    },
  };
}

const LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration";

function subscriptions(resources: readonly Declared[], topic: string): number {
  return resources.filter(
    ({ type, name }) => type === "aws:sns/topicSubscription:TopicSubscription" && name.startsWith(topic),
  ).length;
}

function streamOf(stream: Inputs | undefined, mapping: Inputs | undefined): StreamPlan | undefined {
  if (stream === undefined) return undefined;
  return {
    mode: (stream.streamModeDetails as { streamMode: StreamPlan["mode"] }).streamMode,
    shards: Number(stream.shardCount ?? 0),
    batchSize: Number(mapping?.batchSize),
  };
}

const destinationOf = (delivery: Inputs | undefined) =>
  delivery?.extendedS3Configuration as Inputs | undefined;

/** Firehose's own values, where the program leaves out a buffer of the Lambda. */
const LAMBDA_BUFFER = { BufferSizeInMBs: 1, BufferIntervalInSeconds: 60 };

function deliveryOf(destination: Inputs): DeliveryPlan {
  const { processors = [] } = (destination.processingConfiguration ?? {}) as {
    processors?: { type: string; parameters?: { parameterName: string; parameterValue: string }[] }[];
  };
  const parameters = processors.find(({ type }) => type === "Lambda")?.parameters ?? [];
  const parameter = (name: keyof typeof LAMBDA_BUFFER) =>
    Number(
      parameters.find(({ parameterName }) => parameterName === name)?.parameterValue ?? LAMBDA_BUFFER[name],
    );
  return {
    bufferMb: Number(destination.bufferingSize),
    lambdaBufferMb: parameter("BufferSizeInMBs"),
    lambdaBufferSeconds: parameter("BufferIntervalInSeconds"),
  };
}

function arrivalOf(toParquet: Inputs, check: Inputs): ArrivalPlan | undefined {
  if (toParquet.memorySize === undefined) return undefined;
  const { variables } = check.environment as { variables: Record<string, unknown> };
  return {
    memoryMb: Number(toParquet.memorySize),
    checkMemoryMb: Number(check.memorySize),
    jobEveryHours: Number(variables.JOB_EVERY_HOURS),
  };
}

function collectorOf({ memorySize, environment }: Inputs): Plan["collector"] {
  if (memorySize === undefined) return undefined;
  const { variables } = environment as { variables: Record<string, unknown> };
  return { memoryMb: Number(memorySize), writeKey: variables.WRITE_KEY_SECRET_ARN !== "" };
}

/** CloudWatch bills an alarm by the number of metrics that it watches. */
function metricsOf(alarm: Inputs): number {
  const queries = (alarm.metricQueries ?? []) as { metric?: unknown }[];
  return Math.max(1, queries.filter(({ metric }) => metric !== undefined).length);
}

function tracedParts(of: (type: string) => Inputs[]): number {
  const functions = of("aws:lambda/function:Function").filter(
    ({ tracingConfig }) => (tracingConfig as { mode?: string } | undefined)?.mode === "Active",
  );
  const machines = of("aws:sfn/stateMachine:StateMachine").filter(
    ({ tracingConfiguration }) => (tracingConfiguration as { enabled?: boolean } | undefined)?.enabled,
  );
  return functions.length + machines.length;
}

/** The custom metrics that alarms and dashboards use. A metric in embedded metric format (EMF) has no resource. */
function customMetrics(alarms: Inputs[], dashboards: Inputs[]): number {
  const seen = new Set<string>();
  const note = (namespace: unknown, name: unknown, dimensions: unknown) => {
    if (typeof namespace !== "string" || namespace.startsWith("AWS/") || namespace === "Glue") return;
    seen.add(JSON.stringify([namespace, name, dimensions ?? {}]));
  };
  for (const alarm of alarms) {
    note(alarm.namespace, alarm.metricName, alarm.dimensions);
    for (const { metric } of (alarm.metricQueries ?? []) as { metric?: Inputs }[]) {
      if (metric) note(metric.namespace, metric.metricName, metric.dimensions);
    }
  }
  for (const { dashboardBody } of dashboards) {
    const body = JSON.parse(String(dashboardBody)) as {
      widgets?: { properties?: { metrics?: unknown[][] } }[];
    };
    for (const { properties } of body.widgets ?? []) {
      for (const [namespace, name, ...rest] of properties?.metrics ?? []) {
        const pairs = rest.filter((item) => typeof item === "string");
        note(
          namespace,
          name,
          Object.fromEntries(pairs.flatMap((key, at) => (at % 2 ? [] : [[key, pairs[at + 1]]]))),
        );
      }
    }
  }
  return seen.size;
}

/**
 * AWS bills the counts of an event source mapping as custom metrics, and sends all of a stream's at once: polled, filtered
 * out, invoked, failed, dropped, and delivered to the destination on failure.
 */
const STREAM_MAPPING_METRICS = 6;

function mappingMetrics({ metricsConfig }: Inputs): number {
  const { metrics = [] } = (metricsConfig ?? {}) as { metrics?: string[] };
  return metrics.includes("EventCount") ? STREAM_MAPPING_METRICS : 0;
}

function scanLimitGb({ configuration }: Inputs): number {
  const { bytesScannedCutoffPerQuery: bytes } = configuration as { bytesScannedCutoffPerQuery?: number };
  return bytes === undefined ? Number.POSITIVE_INFINITY : bytes / 1e9;
}

function lifecycleRules(lifecycle: Inputs): LifecycleRule[] {
  const rules = (lifecycle.rules ?? []) as Record<string, never>[];
  return rules
    .filter(({ status }) => status === "Enabled")
    .map((rule: Record<string, Record<string, unknown> | undefined>) => ({
      prefix: String(rule.filter?.prefix ?? (rule.filter?.and as Inputs)?.prefix ?? ""),
      transitions: ((rule.transitions ?? []) as unknown as { days: number; storageClass: string }[]).map(
        ({ days, storageClass }) => ({ days: Number(days), storageClass }),
      ),
      ...(rule.expiration?.days !== undefined && { expirationDays: Number(rule.expiration.days) }),
    }));
}
