// The types of resources that hold data: one list for the protection, the policy pack and the tests.

/** What holds data, or what data cannot be compared without. Log groups expire anyway, and a key protects itself. */
export const HOLDS_DATA: readonly string[] = [
  "aws:glue/catalogDatabase:CatalogDatabase",
  "aws:glue/catalogTable:CatalogTable",
  "aws:kinesis/stream:Stream",
  "aws:s3/bucket:Bucket",
  "aws:secretsmanager/secret:Secret",
];
