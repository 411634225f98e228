// Environment variables of the to-parquet Lambda. infra sets them using this type.

export interface ToParquetEnv {
  /** Bucket with `raw/` and `quarantine/`. */
  RAW_BUCKET: string;
  /** Bucket where `arrived/` and the markers under `runs/arrived/` are written. */
  CURATED_BUCKET: string;
  /** Glue database and table in which the dates are registered. */
  DATABASE: string;
  ARRIVED_TABLE: string;
  /** The privacy rules as a JSON object, as the Spark job gets them. Fields without a rule have the default. */
  PRIVACY: string;
  /** ARN of the secret with the key for hashes, or `none`. */
  PRIVACY_KEY_SECRET: string;
}
