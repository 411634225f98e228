// Protection: Pulumi refuses to delete or replace what holds data, unless the configuration allows data loss.

import * as pulumi from "@pulumi/pulumi";
import { holdsData } from "./data-types";

/** Types that keep a bucket private and encrypted. A destroy without preview would remove them before it fails. */
const GUARDS_DATA = [
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  "aws:s3/bucketPolicy:BucketPolicy",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
];

/** Protects every such resource that is created after this call. */
export function protectData({ allowDataLoss }: { allowDataLoss: boolean }): void {
  if (allowDataLoss) return;
  pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) =>
    holdsData(type, name) || GUARDS_DATA.includes(type)
      ? { props, opts: { ...opts, protect: true } }
      : undefined,
  );
}
