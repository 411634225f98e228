// Protection: unless the configuration allows that data is lost, Pulumi refuses to delete or replace what holds some.

import * as pulumi from "@pulumi/pulumi";
import { HOLDS_DATA } from "./data-types";

/** What keeps a bucket private and encrypted: a destroy that skips its preview removes what it can before it fails. */
const GUARDS_DATA = [
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  "aws:s3/bucketPolicy:BucketPolicy",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
];

const PROTECTED = [...HOLDS_DATA, ...GUARDS_DATA];

/** Protects every such resource that is made from now on. */
export function protectData({ allowDataLoss }: { allowDataLoss: boolean }): void {
  if (allowDataLoss) return;
  pulumi.runtime.registerStackTransformation(({ type, props, opts }) =>
    PROTECTED.includes(type) ? { props, opts: { ...opts, protect: true } } : undefined,
  );
}
