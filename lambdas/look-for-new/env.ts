// Environment variables of the look-for-new Lambda. infra sets them using this type.

export interface LookForNewEnv {
  /** Bucket with `raw/`, `quarantine/` and the ingest's on-failure objects under `aws/lambda/`. */
  RAW_BUCKET: string;
  /** Bucket with the job's `runs/`. */
  CURATED_BUCKET: string;
  /** How long the stream keeps records. So much later than its arrival an object can still be written. */
  STREAM_RETENTION_HOURS: string;
}
