// Protection: unless the configuration allows that data is lost, Pulumi refuses to delete or replace what holds some.

import * as pulumi from "@pulumi/pulumi";

/** What holds data, or what data cannot be compared without. Log groups expire anyway; the key sees to itself. */
const HOLDS_DATA = [
  "aws:glue/catalogDatabase:CatalogDatabase",
  "aws:glue/catalogTable:CatalogTable",
  "aws:kinesis/stream:Stream",
  "aws:s3/bucket:Bucket",
  "aws:secretsmanager/secret:Secret",
];

/** Protects every such resource that is made from now on. */
export function protectData({ allowDataLoss }: { allowDataLoss: boolean }): void {
  if (allowDataLoss) return;
  pulumi.runtime.registerStackTransformation(({ type, props, opts }) =>
    HOLDS_DATA.includes(type) ? { props, opts: { ...opts, protect: true } } : undefined,
  );
}
