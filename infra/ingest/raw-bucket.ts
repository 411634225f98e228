// The raw bucket: raw lines, the quarantine, and what was given up, each kept as long as configured.

import type * as pulumi from "@pulumi/pulumi";
import { PREFIX } from "../../schema/prefixes";
import { type BucketSettings, PrivateBucket } from "../blocks/private-bucket";

export interface RawBucketArgs extends BucketSettings {
  /** 0: never. */
  rawInfrequentAccessDays: number;
  /** 0: forever. */
  rawRetentionDays: number;
  /** 0: forever. */
  quarantineRetentionDays: number;
}

/** `givenUp` is where AWS keeps what it could not hand to the ingest. */
export function rawBucket(
  name: string,
  args: RawBucketArgs,
  givenUp: string,
  parent: pulumi.Resource,
): PrivateBucket {
  const retention = [
    {
      id: "raw",
      prefix: PREFIX.raw,
      infrequentAccessAfterDays: args.rawInfrequentAccessDays,
      expireAfterDays: args.rawRetentionDays,
    },
    { id: "quarantine", prefix: PREFIX.quarantine, expireAfterDays: args.quarantineRetentionDays },
    { id: "failed-batches", prefix: givenUp, expireAfterDays: args.quarantineRetentionDays },
  ];
  return new PrivateBucket(`${name}-raw`, { ...args, retention }, { parent });
}
