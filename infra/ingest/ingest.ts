// Ingest: the Lambda that stores the stream's events in the raw bucket, and the one that checks when they are there.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { AwaitIngestEnv } from "../../lambdas/await-ingest/env";
import { HOUR_SECONDS } from "../../lambdas/shared/durations";
import { PREFIX } from "../../schema/prefixes";
import { currentAccount } from "../blocks/account";
import { mayUse } from "../blocks/encryption";
import type { EnvironmentOf } from "../blocks/environment";
import { NodeFunction } from "../blocks/node-function";
import { allow } from "../blocks/permissions";
import type { PrivateBucket } from "../blocks/private-bucket";
import { type RawBucketArgs, rawBucket } from "./raw-bucket";
import { type ValidatorArgs, validatorEnvironment } from "./validator-environment";

export interface IngestArgs extends RawBucketArgs, ValidatorArgs {
  streamArn: pulumi.Input<string>;
  batchSize: number;
  batchWindowSeconds: number;
  ingestMemoryMb: number;
  ingestRetryAttempts: number;
  ingestRecordAgeHours: number;
  logRetentionDays: number;
  tracing: boolean;
  /** Whether Lambda counts the outcome of the stream's records. AWS bills these counts as custom metrics. */
  countRecords: boolean;
}

export class Ingest extends pulumi.ComponentResource {
  readonly raw: PrivateBucket;
  readonly ingest: NodeFunction;
  readonly awaitIngest: NodeFunction;
  readonly mappingUuid: pulumi.Output<string>;

  constructor(name: string, args: IngestArgs, opts?: pulumi.ComponentResourceOptions) {
    super("clickstream:index:Ingest", name, {}, opts);
    this.raw = rawBucket(name, args, PREFIX.givenUp, this);
    this.ingest = this.createIngest(name, args);
    this.mappingUuid = this.createMapping(name, args);
    this.awaitIngest = this.createAwaitIngest(name, args);
    this.registerOutputs({ rawBucket: this.raw.bucketName });
  }

  private createIngest(name: string, args: IngestArgs): NodeFunction {
    const ownAccount = { StringEquals: { "s3:ResourceAccount": currentAccount().accountId } };
    return new NodeFunction(
      `${name}-ingest`,
      {
        lambda: "ingest",
        description: "Stores valid events of the stream in the raw bucket, all other lines in its quarantine",
        environment: validatorEnvironment(this.raw, args),
        permissions: [
          allow(
            "kinesis:DescribeStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
          ).on(args.streamArn),
          allow("s3:PutObject").on(this.raw.objects(PREFIX.raw), this.raw.objects(PREFIX.quarantine)),
          // Lambda itself writes the failed batches with this role, and checks that it can list the bucket.
          allow("s3:PutObject").when(ownAccount).on(this.raw.objects(PREFIX.givenUp)),
          allow("s3:ListBucket").when(ownAccount).on(this.raw.arn),
          // For reading the stream and writing the objects.
          ...mayUse(args.key, "kms:Decrypt", "kms:GenerateDataKey"),
        ],
        memoryMb: args.ingestMemoryMb,
        timeoutSeconds: 300,
        logRetentionDays: args.logRetentionDays,
        tracing: args.tracing,
        key: args.key,
      },
      { parent: this },
    );
  }

  private createMapping(name: string, args: IngestArgs): pulumi.Output<string> {
    const mapping = new aws.lambda.EventSourceMapping(
      `${name}-ingest`,
      {
        eventSourceArn: args.streamArn,
        functionName: this.ingest.functionName,
        // Records that were sent before the mapping existed count, too.
        startingPosition: "TRIM_HORIZON",
        batchSize: args.batchSize,
        maximumBatchingWindowInSeconds: args.batchWindowSeconds,
        functionResponseTypes: ["ReportBatchItemFailures"],
        bisectBatchOnFunctionError: true,
        maximumRetryAttempts: args.ingestRetryAttempts,
        maximumRecordAgeInSeconds: args.ingestRecordAgeHours * HOUR_SECONDS,
        destinationConfig: { onFailure: { destinationArn: this.raw.arn } },
        ...(args.countRecords && { metricsConfig: { metrics: ["EventCount"] } }),
      },
      { parent: this, dependsOn: this.ingest },
    );
    return mapping.uuid;
  }

  private createAwaitIngest(name: string, args: IngestArgs): NodeFunction {
    const prefixes = [PREFIX.raw, PREFIX.quarantine, PREFIX.givenUp].map((prefix) => `${prefix}*`);
    return new NodeFunction(
      `${name}-await-ingest`,
      {
        lambda: "await-ingest",
        description: "Checks whether the events sent to the stream are in the raw bucket",
        environment: { RAW_BUCKET: this.raw.bucketName } satisfies EnvironmentOf<AwaitIngestEnv>,
        permissions: [
          allow("s3:ListBucket")
            .when({ StringLike: { "s3:prefix": prefixes } })
            .on(this.raw.arn),
        ],
        memoryMb: 512,
        timeoutSeconds: 120,
        logRetentionDays: args.logRetentionDays,
        tracing: args.tracing,
        key: args.key,
      },
      { parent: this },
    );
  }
}
