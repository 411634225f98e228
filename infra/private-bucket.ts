// A bucket that only this stack's roles reach: private, encrypted, TLS only, without leftovers of broken uploads.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { CustomerKey } from "./encryption";

export interface PrivateBucketArgs {
  /** Whether `pulumi destroy` may delete what lies in it. */
  forceDestroy: boolean;
  /** Objects are deleted after this many days; kept for good where it is left out. */
  expireAfterDays?: number;
  /** Left out, S3 encrypts with a key of its own (SSE-S3). */
  key?: CustomerKey;
}

export class PrivateBucket extends pulumi.ComponentResource {
  readonly bucketName: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: PrivateBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("clickstream:index:PrivateBucket", name, {}, opts);
    const child = { parent: this };
    const bucket = new aws.s3.Bucket(name, { forceDestroy: args.forceDestroy }, child);
    const blocked = new aws.s3.BucketPublicAccessBlock(
      name,
      {
        bucket: bucket.bucket,
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      child,
    );
    new aws.s3.BucketOwnershipControls(
      name,
      { bucket: bucket.bucket, rule: { objectOwnership: "BucketOwnerEnforced" } },
      child,
    );
    new aws.s3.BucketServerSideEncryptionConfiguration(
      name,
      {
        bucket: bucket.bucket,
        rules: [encryptionRule(args.key)],
      },
      child,
    );
    new aws.s3.BucketLifecycleConfiguration(
      name,
      { bucket: bucket.bucket, rules: lifecycleRules(args) },
      child,
    );
    // S3 refuses two configuration changes of a bucket at once, hence the order.
    new aws.s3.BucketPolicy(
      name,
      { bucket: bucket.bucket, policy: tlsOnly(bucket.arn) },
      { parent: this, dependsOn: blocked },
    );
    this.bucketName = bucket.bucket;
    this.arn = bucket.arn;
    this.registerOutputs({ bucketName: this.bucketName, arn: this.arn });
  }

  /** The ARN of the objects under a prefix that ends in a slash, e.g. `objects("raw/")`. */
  objects(prefix: string): pulumi.Output<string> {
    return pulumi.interpolate`${this.arn}/${prefix}*`;
  }

  /** The ARN of the object that Hadoop looks for where a folder of this name could be a file, e.g. `folder("raw")`. */
  folder(name: string): pulumi.Output<string> {
    return pulumi.interpolate`${this.arn}/${name}`;
  }
}

function encryptionRule(
  key: CustomerKey | undefined,
): aws.types.input.s3.BucketServerSideEncryptionConfigurationRule {
  if (!key) return { applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } };
  return {
    applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: key.arn },
    // One call to KMS for many objects instead of one an object.
    bucketKeyEnabled: true,
  };
}

function lifecycleRules({
  expireAfterDays,
}: PrivateBucketArgs): aws.types.input.s3.BucketLifecycleConfigurationRule[] {
  const abort = {
    id: "abort-incomplete-uploads",
    status: "Enabled",
    filter: { prefix: "" },
    abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
  };
  if (expireAfterDays === undefined) return [abort];
  return [
    abort,
    { id: "expire", status: "Enabled", filter: { prefix: "" }, expiration: { days: expireAfterDays } },
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
