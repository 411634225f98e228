// CloudWatch metrics by the embedded metric format: fields of a log line that CloudWatch makes metrics of.

export const METRICS_NAMESPACE = "Clickstream";
/** Keeps two stacks of one account apart; its value is `<project>-<stack>`. */
export const STACK_DIMENSION = "Stack";

export type MetricUnit = "Count" | "Bytes" | "Seconds";

/** What the ingest tells of each batch that it has landed; a batch that is delivered again is told again. */
export const INGEST_METRICS = {
  /** Kinesis records in the batch. */
  BatchRecords: "Count",
  /** Events written to `raw/`. */
  EventsAccepted: "Count",
  /** Lines written to `quarantine/`. */
  LinesQuarantined: "Count",
  /** Bytes of what was written, before compression. */
  BytesRaw: "Bytes",
  /** The same after compression: what is stored. */
  BytesGzip: "Bytes",
} as const satisfies Record<string, MetricUnit>;

/** What the state machine tells of each run that it has verified; the names are in statemachine/pipeline.asl.json. */
export const RUN_METRICS = {
  RowsCurated: "Count",
  RunLinesQuarantined: "Count",
  RunDuplicates: "Count",
  RunSeconds: "Seconds",
} as const satisfies Record<string, MetricUnit>;

/** The fields to log: the values by their names, and the `_aws` member that says which of them are metrics. */
export function embeddedMetrics<Name extends string>(
  stack: string,
  units: Record<Name, MetricUnit>,
  values: Record<Name, number>,
  nowMs: number,
): Record<string, unknown> {
  const metrics = Object.entries<MetricUnit>(units).map(([Name, Unit]) => ({ Name, Unit }));
  return {
    _aws: {
      Timestamp: nowMs,
      CloudWatchMetrics: [
        { Namespace: METRICS_NAMESPACE, Dimensions: [[STACK_DIMENSION]], Metrics: metrics },
      ],
    },
    [STACK_DIMENSION]: stack,
    ...values,
  };
}
