// Environment variables of the await-delivery Lambda. infra sets them using this type.

export interface AwaitDeliveryEnv {
  /** Bucket with `raw/`, `quarantine/` and `aws/firehose/`. */
  RAW_BUCKET: string;
  /** How long Firehose collects events for a raw object. */
  FIREHOSE_BUFFER_SECONDS: string;
}
