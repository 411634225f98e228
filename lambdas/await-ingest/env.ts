// Environment variables of the await-ingest Lambda. infra sets them using this type.

export interface AwaitIngestEnv {
  /** Bucket with `raw/`, `quarantine/` and the ingest's on-failure objects under `aws/lambda/`. */
  RAW_BUCKET: string;
}
