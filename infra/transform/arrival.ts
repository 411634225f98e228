// Arrival: the Lambda that writes each raw object as Parquet when S3 announces it, the queue of the objects for which that
// failed, and the Lambda that checks what arrived.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { CheckArrivalEnv } from "../../lambdas/check-arrival/env";
import { DAY_SECONDS, HOUR_SECONDS } from "../../lambdas/shared/durations";
import type { ToParquetEnv } from "../../lambdas/to-parquet/env";
import type { PrivacyRule } from "../../schema/contract";
import { PREFIX } from "../../schema/prefixes";
import { currentAccount, tableArns } from "../blocks/account";
import { type CustomerKey, mayUse } from "../blocks/encryption";
import type { EnvironmentOf } from "../blocks/environment";
import { NodeFunction } from "../blocks/node-function";
import { allow } from "../blocks/permissions";
import type { PrivateBucket } from "../blocks/private-bucket";

export interface ArrivalArgs {
  raw: PrivateBucket;
  curated: PrivateBucket;
  databaseName: string;
  arrivedTable: string;
  privacy: Record<string, PrivacyRule>;
  /** The secret with the key for hashes, if a rule needs it. */
  privacyHashSecretArn?: pulumi.Input<string>;
  lateHours: number;
  jobEveryHours: number;
  toParquetMemoryMb: number;
  logRetentionDays: number;
  tracing: boolean;
  key?: CustomerKey;
}

const TO_PARQUET_TIMEOUT_SECONDS = 300;
const HEAD = `${PREFIX.runs}head.json`;
const CURSOR = `${PREFIX.runs}arrival/cursor.json`;
const MARKERS = `${PREFIX.runs}arrived/`;

export class Arrival extends pulumi.ComponentResource {
  readonly toParquet: NodeFunction;
  readonly checkArrival: NodeFunction;
  readonly failedObjects: { name: pulumi.Output<string>; url: pulumi.Output<string> };

  constructor(name: string, args: ArrivalArgs, opts?: pulumi.ComponentResourceOptions) {
    super("clickstream:index:Arrival", name, {}, opts);
    const queue = this.createQueue(name, args);
    this.failedObjects = { name: queue.name, url: queue.url };
    this.toParquet = this.createToParquet(name, args, queue);
    this.announceObjects(name, args, queue);
    this.checkArrival = this.createCheck(name, args);
    this.registerOutputs({ queueUrl: queue.url });
  }

  private createQueue(name: string, { key }: ArrivalArgs): aws.sqs.Queue {
    const queue = new aws.sqs.Queue(
      `${name}-objects-failed`,
      {
        // The longest that SQS keeps a message.
        messageRetentionSeconds: 14 * DAY_SECONDS,
        // A redrive reads, invokes and deletes within this time.
        visibilityTimeoutSeconds: TO_PARQUET_TIMEOUT_SECONDS,
        ...(key ? { kmsMasterKeyId: key.arn } : { sqsManagedSseEnabled: true }),
      },
      { parent: this },
    );
    new aws.sqs.QueuePolicy(
      `${name}-objects-failed`,
      {
        queueUrl: queue.url,
        policy: pulumi.jsonStringify({
          Version: "2012-10-17",
          Statement: [
            {
              Sid: "TlsOnly",
              Effect: "Deny",
              Principal: "*",
              Action: "sqs:*",
              Resource: queue.arn,
              Condition: { Bool: { "aws:SecureTransport": "false" } },
            },
          ],
        }),
      },
      { parent: this },
    );
    return queue;
  }

  private createToParquet(name: string, args: ArrivalArgs, queue: aws.sqs.Queue): NodeFunction {
    const { raw, curated, databaseName, arrivedTable, privacyHashSecretArn: secret } = args;
    return new NodeFunction(
      `${name}-to-parquet`,
      {
        lambda: "to-parquet",
        description: "Writes each raw object as Parquet when it arrives, and registers its dates",
        environment: {
          RAW_BUCKET: raw.bucketName,
          CURATED_BUCKET: curated.bucketName,
          DATABASE: databaseName,
          ARRIVED_TABLE: arrivedTable,
          PRIVACY: JSON.stringify(args.privacy),
          PRIVACY_KEY_SECRET: secret ?? "none",
        } satisfies EnvironmentOf<ToParquetEnv>,
        permissions: [
          allow("s3:GetObject").on(raw.objects(PREFIX.raw)),
          allow("s3:PutObject").on(
            raw.objects(PREFIX.quarantine),
            curated.objects(PREFIX.arrived),
            curated.objects(MARKERS),
          ),
          allow("glue:GetTable", "glue:BatchCreatePartition").on(...tableArns(databaseName, arrivedTable)),
          allow("sqs:SendMessage").on(queue.arn),
          ...(secret ? [allow("secretsmanager:GetSecretValue").on(secret)] : []),
          ...mayUse(args.key, "kms:Decrypt", "kms:GenerateDataKey"),
        ],
        memoryMb: args.toParquetMemoryMb,
        timeoutSeconds: TO_PARQUET_TIMEOUT_SECONDS,
        logRetentionDays: args.logRetentionDays,
        tracing: args.tracing,
        key: args.key,
      },
      { parent: this },
    );
  }

  /** S3 checks that it may call the function when it gets the notification. */
  private announceObjects(name: string, { raw }: ArrivalArgs, queue: aws.sqs.Queue): void {
    const { functionName, arn } = this.toParquet;
    const retried = new aws.lambda.FunctionEventInvokeConfig(
      `${name}-to-parquet`,
      {
        functionName,
        maximumRetryAttempts: 2,
        maximumEventAgeInSeconds: 6 * HOUR_SECONDS,
        destinationConfig: { onFailure: { destination: queue.arn } },
      },
      // Lambda checks that the function's role may send to the queue.
      { parent: this, dependsOn: this.toParquet },
    );
    const allowed = new aws.lambda.Permission(
      `${name}-to-parquet`,
      {
        function: functionName,
        action: "lambda:InvokeFunction",
        principal: "s3.amazonaws.com",
        sourceArn: raw.arn,
        sourceAccount: currentAccount().accountId,
      },
      { parent: this },
    );
    new aws.s3.BucketNotification(
      `${name}-raw-objects`,
      {
        bucket: raw.bucketName,
        lambdaFunctions: [
          {
            lambdaFunctionArn: arn,
            events: ["s3:ObjectCreated:*"],
            filterPrefix: PREFIX.raw,
            filterSuffix: ".jsonl.gz",
          },
        ],
      },
      { parent: this, dependsOn: [allowed, retried] },
    );
  }

  private createCheck(name: string, args: ArrivalArgs): NodeFunction {
    const { raw, curated } = args;
    const below = (...prefixes: string[]) => ({ StringLike: { "s3:prefix": prefixes } });
    const listed = [PREFIX.raw, PREFIX.quarantine, PREFIX.firehoseErrors].map((prefix) => `${prefix}*`);
    return new NodeFunction(
      `${name}-check-arrival`,
      {
        lambda: "check-arrival",
        description: "Checks what arrived since the last check, and whether the Glue job is due",
        environment: {
          RAW_BUCKET: raw.bucketName,
          CURATED_BUCKET: curated.bucketName,
          DELIVERY_RETRY_HOURS: String(args.lateHours),
          JOB_EVERY_HOURS: String(args.jobEveryHours),
          TO_PARQUET_FUNCTION: this.toParquet.functionName,
        } satisfies EnvironmentOf<CheckArrivalEnv>,
        permissions: [
          allow("s3:ListBucket")
            .when(below(...listed))
            .on(raw.arn),
          // Without the right to list, S3 answers 403 and not 404 for an object that is not there.
          allow("s3:ListBucket")
            .when(below(HEAD, CURSOR, `${PREFIX.runs}attempts/*`, `${MARKERS}*`))
            .on(curated.arn),
          allow("s3:GetObject").on(
            pulumi.interpolate`${curated.arn}/${HEAD}`,
            pulumi.interpolate`${curated.arn}/${CURSOR}`,
            curated.objects(`${PREFIX.runs}taken/`),
            curated.objects(MARKERS),
            raw.objects(PREFIX.quarantine),
          ),
          allow("s3:PutObject").on(pulumi.interpolate`${curated.arn}/${CURSOR}`),
          allow("lambda:InvokeFunction").on(this.toParquet.arn),
          ...mayUse(args.key, "kms:Decrypt", "kms:GenerateDataKey"),
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
