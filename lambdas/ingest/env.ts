// What the ingest Lambda reads from its environment; infra wires it by this type.

export interface IngestEnv {
  /** `<project>-<stack>`: the dimension of the metrics. */
  STACK: string;
  /** Bucket that gets `raw/` and `quarantine/`. */
  RAW_BUCKET: string;
  /** ISO 8601; an event before it goes to the quarantine. */
  EARLIEST_EVENT_TIME: string;
  /** Whole or fractional hours; an event later than its arrival plus these goes to the quarantine. */
  LATEST_EVENT_LEAD_HOURS: string;
}
