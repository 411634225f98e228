// Environment variables of the ingest Lambda. infra sets them using this type.

export interface IngestEnv {
  /** `<project>-<stack>`: the value of the metric dimension. */
  STACK: string;
  /** Bucket where `raw/` and `quarantine/` are written. */
  RAW_BUCKET: string;
  /** ISO 8601. Events before this time are quarantined. */
  EARLIEST_EVENT_TIME: string;
  /** Hours, may have a fraction. Events later than their arrival plus these hours are quarantined. */
  LATEST_EVENT_LEAD_HOURS: string;
}
