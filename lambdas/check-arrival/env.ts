// Environment variables of the check-arrival Lambda. infra sets them using this type.

export interface CheckArrivalEnv {
  /** Bucket with `raw/`, `quarantine/` and what Firehose gave up. */
  RAW_BUCKET: string;
  /** Bucket with `runs/`: the job's head and lists, the markers of to-parquet, and the cursor of this check. */
  CURATED_BUCKET: string;
  /** So long Firehose retries S3. So much later than its arrival an object can still be written. */
  DELIVERY_RETRY_HOURS: string;
  /** The interval of the Glue job. */
  JOB_EVERY_HOURS: string;
  /** Called again for raw objects that it has not written as Parquet. */
  TO_PARQUET_FUNCTION: string;
}
