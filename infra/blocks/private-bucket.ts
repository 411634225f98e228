// A bucket that only this stack's roles reach: private, encrypted, TLS only, versioned and expiring as configured.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { CustomerKey } from "./encryption";

/** What a stack's buckets have in common. */
export interface BucketSettings {
  /** Whether `pulumi destroy` may delete its objects. */
  forceDestroy: boolean;
  /** Whether overwritten and deleted objects can be restored, for `noncurrentRetentionDays`. */
  versioning: boolean;
  noncurrentRetentionDays: number;
  /** Without it S3 encrypts with its own key (SSE-S3). */
  key?: CustomerKey;
}

/** How long the objects under a prefix are kept, and in which storage class; 0 days is never. */
interface Retention {
  /** Names the rule. */
  id: string;
  /** Ends in a slash, or is "" for the whole bucket. */
  prefix: string;
  infrequentAccessAfterDays?: number;
  expireAfterDays?: number;
}

export interface PrivateBucketArgs extends BucketSettings {
  /** A prefix whose objects are kept forever needs no entry. */
  retention?: Retention[];
  /** The tag of objects whose content was written again before they were deleted. Old versions of them stay for a day. */
  replacedTag?: { key: string; value: string };
}

export class PrivateBucket extends pulumi.ComponentResource {
  readonly bucketName: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: PrivateBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("clickstream:index:PrivateBucket", name, {}, opts);
    const bucket = new aws.s3.Bucket(name, { forceDestroy: args.forceDestroy }, { parent: this });
    this.bucketName = bucket.bucket;
    this.arn = bucket.arn;
    this.configure(name, args, bucket);
    this.registerOutputs({ bucketName: this.bucketName, arn: this.arn });
  }

  /** One after the other: S3 refuses two configuration changes of a bucket at once. */
  private configure(name: string, args: PrivateBucketArgs, bucket: aws.s3.Bucket): void {
    const of = { bucket: bucket.bucket };
    const after = (previous: pulumi.Resource) => ({ parent: this, dependsOn: previous });
    const blocked = new aws.s3.BucketPublicAccessBlock(
      name,
      {
        ...of,
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      after(bucket),
    );
    const owned = new aws.s3.BucketOwnershipControls(
      name,
      { ...of, rule: { objectOwnership: "BucketOwnerEnforced" } },
      after(blocked),
    );
    const encrypted = new aws.s3.BucketServerSideEncryptionConfiguration(
      name,
      { ...of, rules: [encryptionRule(args.key)] },
      after(owned),
    );
    // If the setting is turned off again, the resource is deleted and the provider suspends the versioning.
    const versioned = args.versioning
      ? new aws.s3.BucketVersioning(
          name,
          { ...of, versioningConfiguration: { status: "Enabled" } },
          after(encrypted),
        )
      : encrypted;
    const kept = new aws.s3.BucketLifecycleConfiguration(
      name,
      {
        ...of,
        rules: lifecycleRules(args),
        // Smaller objects cost more in the cheaper classes, which bill at least 128 KiB.
        transitionDefaultMinimumObjectSize: "all_storage_classes_128K",
      },
      after(versioned),
    );
    new aws.s3.BucketPolicy(name, { ...of, policy: tlsOnly(bucket.arn) }, after(kept));
  }

  /** The ARN of the objects under a prefix that ends in a slash, e.g. `objects(PREFIX.raw)`. */
  objects(prefix: string): pulumi.Output<string> {
    return pulumi.interpolate`${this.arn}/${prefix}*`;
  }
}

function encryptionRule(
  key: CustomerKey | undefined,
): aws.types.input.s3.BucketServerSideEncryptionConfigurationRule {
  return {
    applyServerSideEncryptionByDefault: key
      ? { sseAlgorithm: "aws:kms", kmsMasterKeyId: key.arn }
      : { sseAlgorithm: "AES256" },
    // One call to KMS for many objects instead of one for each object.
    bucketKeyEnabled: key !== undefined,
    // S3 blocks customer-provided keys in every new bucket. Without this input, some versions of the provider see a
    // difference at every `pulumi up`.
    blockedEncryptionTypes: ["SSE-C"],
  };
}

type Rule = aws.types.input.s3.BucketLifecycleConfigurationRule;

function lifecycleRules({ retention = [], replacedTag, noncurrentRetentionDays }: PrivateBucketArgs): Rule[] {
  const status = "Enabled";
  return [
    {
      id: "abort-incomplete-uploads",
      status,
      filter: { prefix: "" },
      abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
    },
    {
      // Also in a bucket without versioning: it may have old versions.
      id: "expire-noncurrent-versions",
      status,
      filter: { prefix: "" },
      noncurrentVersionExpiration: { noncurrentDays: noncurrentRetentionDays },
      // A rule with an expiry in days cannot have this one.
      expiration: { expiredObjectDeleteMarker: true },
    },
    ...(replacedTag ? [replacedRule(replacedTag)] : []),
    ...retention.flatMap(retentionRule),
  ];
}

/** If several rules expire a version, S3 takes the one with the fewest days. */
function replacedRule(tag: { key: string; value: string }): Rule {
  return {
    id: "expire-replaced-versions",
    status: "Enabled",
    filter: { tag },
    noncurrentVersionExpiration: { noncurrentDays: 1 },
  };
}

/** One rule for each prefix: S3 takes the storage class and the expiry of a filter together. */
function retentionRule({ id, prefix, infrequentAccessAfterDays, expireAfterDays }: Retention): Rule[] {
  if (!infrequentAccessAfterDays && !expireAfterDays) return [];
  return [
    {
      id,
      status: "Enabled",
      filter: { prefix },
      ...(infrequentAccessAfterDays && {
        transitions: [{ days: infrequentAccessAfterDays, storageClass: "STANDARD_IA" }],
      }),
      ...(expireAfterDays && { expiration: { days: expireAfterDays } }),
    },
  ];
}

function tlsOnly(bucketArn: pulumi.Output<string>): pulumi.Output<string> {
  return pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "TlsOnly",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [bucketArn, pulumi.interpolate`${bucketArn}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ],
  });
}
