// What holds data: one rule for the protection, the policy pack and the tests.

/** The types of what holds data, or what data cannot be compared without. Log groups expire anyway, and a key protects itself. */
const HOLDS_DATA: readonly string[] = [
  "aws:glue/catalogDatabase:CatalogDatabase",
  "aws:glue/catalogTable:CatalogTable",
  // Firehose keeps what it could not write yet for up to 24 hours.
  "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
  "aws:kinesis/stream:Stream",
  "aws:s3/bucket:Bucket",
  "aws:secretsmanager/secret:Secret",
];

/** Ends the name of a secret that the configuration has, too. It can be made again at any time. */
const REPLACEABLE_SECRET = "-write-key";

export function holdsData(type: string, name: string): boolean {
  return HOLDS_DATA.includes(type) && !name.endsWith(REPLACEABLE_SECRET);
}
