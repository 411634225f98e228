// What the await-ingest Lambda reads from its environment; infra wires it by this type.

export interface AwaitIngestEnv {
  /** Bucket that holds `raw/`, `quarantine/` and the ingest's on-failure objects under `aws/lambda/`. */
  RAW_BUCKET: string;
}
