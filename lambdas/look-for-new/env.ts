// Environment variables of the look-for-new Lambda. infra sets them using this type.

export interface LookForNewEnv {
  /** Bucket with `raw/`, `quarantine/` and the batches that were given up. */
  RAW_BUCKET: string;
  /** Prefix of the batches that were given up: `aws/lambda/` with a stream, `aws/firehose/` with Firehose. */
  GIVEN_UP_PREFIX: string;
  /** Bucket with the job's `runs/`. */
  CURATED_BUCKET: string;
  /** How long the stream keeps records, or Firehose retries. So much later than its arrival an object can still be written. */
  STREAM_RETENTION_HOURS: string;
}
