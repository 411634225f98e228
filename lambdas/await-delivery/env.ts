// Environment variables of the await-delivery Lambda. infra sets them using this type.

export interface AwaitDeliveryEnv {
  /** Bucket with `raw/`, `quarantine/` and what Firehose gave up under `aws/firehose/`. */
  RAW_BUCKET: string;
  /** Seconds that Firehose buffers before it delivers, for messages. */
  FIREHOSE_BUFFER_SECONDS: string;
}
