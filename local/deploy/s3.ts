// Buckets and objects.
import {
  type BucketVersioningStatus,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketLifecycleCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  type Event,
  type LifecycleRule,
  type NotificationConfigurationFilter,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  type ServerSideEncryptionRule,
} from "@aws-sdk/client-s3";
import type * as aws from "@pulumi/aws";
import { emptyBucket } from "../../stack/bucket-contents";
import { sourceBytes } from "./assets";
import { handler } from "./resource";
import { tagList, tagQuery } from "./tags";

const NO_ACCESS_CONTROL = "stored, without effect: only this machine can reach the endpoint";

const TOO_YOUNG = "stored; a local run ends before any object is old enough";

const bucket = handler<aws.s3.BucketArgs>({
  honours: ["bucket", "bucketPrefix", "forceDestroy", "tags"],
  naming: { maximumLength: 63, lowerCase: true },
  async create(inputs, { clients, region, physicalName }) {
    const name = physicalName(inputs.bucket, inputs.bucketPrefix);
    await clients.s3.send(new CreateBucketCommand({ Bucket: name }));
    const TagSet = tagList(inputs.tags);
    if (TagSet.length > 0)
      await clients.s3.send(new PutBucketTaggingCommand({ Bucket: name, Tagging: { TagSet } }));
    return {
      id: name,
      outputs: {
        bucket: name,
        arn: `arn:aws:s3:::${name}`,
        bucketDomainName: `${name}.s3.amazonaws.com`,
        bucketRegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
        region,
      },
    };
  },
  async remove({ id, inputs }, { clients }) {
    if (inputs.forceDestroy) await emptyBucket(clients.s3, id);
    await clients.s3.send(new DeleteBucketCommand({ Bucket: id }));
  },
});

const publicAccessBlock = handler<aws.s3.BucketPublicAccessBlockArgs>({
  honours: ["bucket"],
  ineffective: {
    blockPublicAcls: NO_ACCESS_CONTROL,
    blockPublicPolicy: NO_ACCESS_CONTROL,
    ignorePublicAcls: NO_ACCESS_CONTROL,
    restrictPublicBuckets: NO_ACCESS_CONTROL,
  },
  async create(inputs, { clients }) {
    await clients.s3.send(
      new PutPublicAccessBlockCommand({
        Bucket: inputs.bucket,
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: inputs.blockPublicAcls,
          BlockPublicPolicy: inputs.blockPublicPolicy,
          IgnorePublicAcls: inputs.ignorePublicAcls,
          RestrictPublicBuckets: inputs.restrictPublicBuckets,
        },
      }),
    );
    return { id: inputs.bucket, outputs: {} };
  },
});

const ownershipControls = handler<aws.s3.BucketOwnershipControlsArgs>({
  honours: ["bucket"],
  ineffective: { rule: NO_ACCESS_CONTROL },
  async create(inputs, { clients }) {
    const rule = { ObjectOwnership: inputs.rule.objectOwnership as "BucketOwnerEnforced" };
    await clients.s3.send(
      new PutBucketOwnershipControlsCommand({ Bucket: inputs.bucket, OwnershipControls: { Rules: [rule] } }),
    );
    return { id: inputs.bucket, outputs: {} };
  },
});

const encryption = handler<aws.s3.BucketServerSideEncryptionConfigurationArgs>({
  honours: ["bucket"],
  ineffective: { rules: "objects are stored unencrypted in the run's folder" },
  async create(inputs, { clients }) {
    const rules = inputs.rules.map((rule): ServerSideEncryptionRule => {
      const standard = rule.applyServerSideEncryptionByDefault;
      return {
        BucketKeyEnabled: rule.bucketKeyEnabled,
        ApplyServerSideEncryptionByDefault: standard && {
          SSEAlgorithm: standard.sseAlgorithm as "AES256",
          KMSMasterKeyID: standard.kmsMasterKeyId,
        },
      };
    });
    await clients.s3.send(
      new PutBucketEncryptionCommand({
        Bucket: inputs.bucket,
        ServerSideEncryptionConfiguration: { Rules: rules },
      }),
    );
    return { id: inputs.bucket, outputs: {} };
  },
});

const policy = handler<aws.s3.BucketPolicyArgs>({
  honours: ["bucket", "policy"],
  async create(inputs, { clients }) {
    const text = typeof inputs.policy === "string" ? inputs.policy : JSON.stringify(inputs.policy);
    await clients.s3.send(new PutBucketPolicyCommand({ Bucket: inputs.bucket, Policy: text }));
    return { id: inputs.bucket, outputs: {} };
  },
  async remove({ id }, { clients }) {
    await clients.s3.send(new DeleteBucketPolicyCommand({ Bucket: id }));
  },
});

const lifecycle = handler<aws.s3.BucketLifecycleConfigurationArgs>({
  honours: ["bucket"],
  ineffective: {
    rules: TOO_YOUNG,
    transitionDefaultMinimumObjectSize: TOO_YOUNG,
  },
  async create(inputs, { clients }) {
    const rules = (inputs.rules ?? []).map((rule): LifecycleRule => {
      const abort = rule.abortIncompleteMultipartUpload;
      const noncurrent = rule.noncurrentVersionExpiration;
      const tag = rule.filter?.tag;
      return {
        ID: rule.id,
        Status: rule.status as "Enabled",
        Filter: tag ? { Tag: { Key: tag.key, Value: tag.value } } : { Prefix: rule.filter?.prefix ?? "" },
        AbortIncompleteMultipartUpload: abort && { DaysAfterInitiation: abort.daysAfterInitiation },
        Transitions: rule.transitions?.map(({ days, storageClass }) => ({
          Days: days,
          StorageClass: storageClass as "STANDARD_IA",
        })),
        NoncurrentVersionExpiration: noncurrent && { NoncurrentDays: noncurrent.noncurrentDays },
        Expiration: rule.expiration && {
          Days: rule.expiration.days,
          ExpiredObjectDeleteMarker: rule.expiration.expiredObjectDeleteMarker,
        },
      };
    });
    await clients.s3.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket: inputs.bucket,
        LifecycleConfiguration: { Rules: rules },
      }),
    );
    return { id: inputs.bucket, outputs: {} };
  },
  async remove({ id }, { clients }) {
    await clients.s3.send(new DeleteBucketLifecycleCommand({ Bucket: id }));
  },
});

const versioning = handler<aws.s3.BucketVersioningArgs>({
  honours: ["bucket", "versioningConfiguration.status"],
  async create(inputs, { clients }) {
    const Status = inputs.versioningConfiguration.status as BucketVersioningStatus;
    await clients.s3.send(
      new PutBucketVersioningCommand({ Bucket: inputs.bucket, VersioningConfiguration: { Status } }),
    );
    return { id: inputs.bucket, outputs: {} };
  },
  async remove({ id }, { clients }) {
    const VersioningConfiguration = { Status: "Suspended" } as const;
    await clients.s3.send(new PutBucketVersioningCommand({ Bucket: id, VersioningConfiguration }));
  },
});

const object = handler<aws.s3.BucketObjectv2Args>({
  honours: ["bucket", "key", "source", "content", "contentType", "tags"],
  async create(inputs, { clients, root }) {
    const body =
      inputs.source === undefined ? (inputs.content ?? "") : await sourceBytes(inputs.source, root);
    const key = inputs.key ?? "";
    if (key === "") throw new Error("key is missing: the local stack needs it");
    const bucketName = String(inputs.bucket);
    const { ETag } = await clients.s3.send(
      new PutObjectCommand({
        Bucket: bucketName,
        Key: key,
        Body: body,
        ContentType: inputs.contentType,
        Tagging: tagQuery(inputs.tags),
      }),
    );
    const arn = `arn:aws:s3:::${bucketName}/${key}`;
    return { id: key, outputs: { key, arn, etag: ETag?.replaceAll('"', "") } };
  },
  async remove({ id, inputs }, { clients }) {
    await clients.s3.send(new DeleteObjectCommand({ Bucket: String(inputs.bucket), Key: id }));
  },
});

/** Which changes a rule of a notification is about. */
interface NotificationRule {
  id?: string;
  events: string[];
  filterPrefix?: string;
  filterSuffix?: string;
}

const notification = handler<aws.s3.BucketNotificationArgs>({
  honours: ["bucket", "lambdaFunctions", "queues", "topics", "eventbridge"],
  async create(inputs, { clients }) {
    await clients.s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: inputs.bucket,
        NotificationConfiguration: {
          LambdaFunctionConfigurations: inputs.lambdaFunctions?.map((rule) => ({
            ...about(rule),
            LambdaFunctionArn: rule.lambdaFunctionArn,
          })),
          QueueConfigurations: inputs.queues?.map((rule) => ({ ...about(rule), QueueArn: rule.queueArn })),
          TopicConfigurations: inputs.topics?.map((rule) => ({ ...about(rule), TopicArn: rule.topicArn })),
          EventBridgeConfiguration: inputs.eventbridge ? {} : undefined,
        },
      }),
    );
    return { id: inputs.bucket, outputs: {} };
  },
  async remove({ id }, { clients }) {
    const none = { Bucket: id, NotificationConfiguration: {} };
    await clients.s3.send(new PutBucketNotificationConfigurationCommand(none));
  },
});

function about({ id, events, filterPrefix, filterSuffix }: NotificationRule) {
  const FilterRules = [
    ...(filterPrefix ? [{ Name: "prefix" as const, Value: filterPrefix }] : []),
    ...(filterSuffix ? [{ Name: "suffix" as const, Value: filterSuffix }] : []),
  ];
  const Filter: NotificationConfigurationFilter | undefined =
    FilterRules.length > 0 ? { Key: { FilterRules } } : undefined;
  return { Id: id, Events: events as Event[], Filter };
}

export const s3Handlers = {
  "aws:s3/bucket:Bucket": bucket,
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": publicAccessBlock,
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ownershipControls,
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": encryption,
  "aws:s3/bucketPolicy:BucketPolicy": policy,
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": lifecycle,
  "aws:s3/bucketVersioning:BucketVersioning": versioning,
  "aws:s3/bucketNotification:BucketNotification": notification,
  "aws:s3/bucketObjectv2:BucketObjectv2": object,
};
