// CloudWatch metrics in the embedded metric format: log lines from which CloudWatch extracts metrics.

export const METRICS_NAMESPACE = "Clickstream";
/** Separates the stacks of an account. The value is `<project>-<stack>`. */
export const STACK_DIMENSION = "Stack";

export type MetricUnit = "Count" | "Seconds";

/**
 * Metrics of each batch that the ingest wrote. A redelivered batch is counted again. Each name costs 0.30 dollars a
 * month, so only what an alarm or a graph needs is a metric. The other figures of a batch are fields of its log line.
 */
export const INGEST_METRICS = {
  /** Events written to `raw/`. */
  EventsAccepted: "Count",
  /** Lines written to `quarantine/`. */
  LinesQuarantined: "Count",
} as const satisfies Record<string, MetricUnit>;

/**
 * Metrics of each run that the state machine verified. An execution that found nothing new records only RunSeconds, as 0
 * if it started no job. statemachine/pipeline.asl.json uses the same names.
 */
export const RUN_METRICS = {
  RowsCurated: "Count",
  RunSeconds: "Seconds",
} as const satisfies Record<string, MetricUnit>;

/** The fields to log: the values by name, and the `_aws` member that declares which of them are metrics. */
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
