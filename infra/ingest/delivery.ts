// Delivery: the Firehose stream that takes the events, the Lambda that it calls with them, the raw bucket that it writes to,
// and the simulator that can send some.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { AwaitDeliveryEnv } from "../../lambdas/await-delivery/env";
import { PREFIX } from "../../schema/prefixes";
import { arnOf, currentAccount } from "../blocks/account";
import { mayUse } from "../blocks/encryption";
import type { EnvironmentOf } from "../blocks/environment";
import { logGroup } from "../blocks/log-group";
import { NodeFunction } from "../blocks/node-function";
import { allow } from "../blocks/permissions";
import type { PrivateBucket } from "../blocks/private-bucket";
import { ServiceRole } from "../blocks/service-role";
import { type SimulatorArgs, simulator } from "../collect/simulator";
import { callSeconds } from "./delivery-times";
import { type RawBucketArgs, rawBucket } from "./raw-bucket";
import { type ValidatorArgs, validatorEnvironment } from "./validator-environment";

export interface DeliveryArgs extends RawBucketArgs, SimulatorArgs, ValidatorArgs {
  firehoseBufferSeconds: number;
  firehoseBufferMb: number;
  ingestMemoryMb: number;
}

/**
 * Calls of the ingest for one batch of records after the first one. After that Firehose keeps the records under
 * aws/firehose/processing-failed/. Its default is 3, which a short outage of S3 outlasts.
 */
const CALL_RETRIES = 10;

/** The folders of a raw object: the UTC hour in which its first record arrived. */
const HOUR_FOLDERS = "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/";

const LOG_STREAM = "delivery";

export class Delivery extends pulumi.ComponentResource {
  readonly raw: PrivateBucket;
  readonly ingest: NodeFunction;
  readonly awaitIngest: NodeFunction;
  readonly deliveryStream: { name: pulumi.Output<string>; arn: pulumi.Output<string> };
  readonly simulator: NodeFunction;

  constructor(name: string, args: DeliveryArgs, opts?: pulumi.ComponentResourceOptions) {
    // The type of Ingest, which is a part of the URN of every resource in it: a stack that changes its way keeps the bucket.
    super("clickstream:index:Ingest", name, {}, opts);
    this.raw = rawBucket(name, args, PREFIX.firehoseErrors, this);
    this.ingest = this.createIngest(name, args);
    const stream = this.createStream(name, args);
    this.deliveryStream = { name: stream.name, arn: stream.arn };
    this.simulator = simulator(name, { deliveryStream: this.deliveryStream }, args, this);
    this.awaitIngest = this.createAwaitDelivery(name, args);
    this.registerOutputs({ rawBucket: this.raw.bucketName });
  }

  private createIngest(name: string, args: DeliveryArgs): NodeFunction {
    return new NodeFunction(
      `${name}-ingest`,
      {
        lambda: "firehose-ingest",
        description:
          "Gives Firehose the valid events of its records, and stores all other lines in the quarantine",
        environment: validatorEnvironment(this.raw, args),
        permissions: [
          // Also raw objects: an answer to Firehose is limited to 6 MB.
          allow("s3:PutObject").on(this.raw.objects(PREFIX.raw), this.raw.objects(PREFIX.quarantine)),
          ...mayUse(args.key, "kms:Decrypt", "kms:GenerateDataKey"),
        ],
        memoryMb: args.ingestMemoryMb,
        // Firehose waits five minutes for an answer.
        timeoutSeconds: 300,
        logRetentionDays: args.logRetentionDays,
        tracing: args.tracing,
        key: args.key,
      },
      { parent: this },
    );
  }

  private createStream(name: string, args: DeliveryArgs): aws.kinesis.FirehoseDeliveryStream {
    const log = this.createLog(name, args);
    const role = this.createRole(name, args, log.arn);
    return new aws.kinesis.FirehoseDeliveryStream(
      `${name}-delivery`,
      {
        destination: "extended_s3",
        serverSideEncryption: {
          enabled: true,
          // Always set: if it is left out, the provider keeps the present key.
          ...(args.key
            ? { keyType: "CUSTOMER_MANAGED_CMK", keyArn: args.key.arn }
            : { keyType: "AWS_OWNED_CMK" }),
        },
        extendedS3Configuration: {
          bucketArn: this.raw.arn,
          roleArn: role.arn,
          prefix: `${PREFIX.raw}${HOUR_FOLDERS}`,
          errorOutputPrefix: `${PREFIX.firehoseErrors}!{firehose:error-output-type}/${HOUR_FOLDERS}`,
          customTimeZone: "UTC",
          bufferingInterval: args.firehoseBufferSeconds,
          bufferingSize: args.firehoseBufferMb,
          compressionFormat: "GZIP",
          fileExtension: ".jsonl.gz",
          cloudwatchLoggingOptions: { enabled: true, logGroupName: log.group, logStreamName: log.stream },
          processingConfiguration: { enabled: true, processors: [this.ingestProcessor(args)] },
        },
      },
      // The role's policy too, or the first calls would run without their permissions.
      { parent: this, dependsOn: role },
    );
  }

  /**
   * Without the size of a call, which is AWS's default of 1 MB: the answer has the context of each event too, and has to
   * stay below Lambda's 6 MB. The provider shows a difference at every `pulumi up` if a default is given.
   */
  private ingestProcessor(args: DeliveryArgs) {
    const parameter = (parameterName: string, parameterValue: pulumi.Input<string>) => ({
      parameterName,
      parameterValue,
    });
    return {
      type: "Lambda",
      parameters: [
        parameter("LambdaArn", pulumi.interpolate`${this.ingest.arn}:$LATEST`),
        parameter("NumberOfRetries", String(CALL_RETRIES)),
        parameter("BufferIntervalInSeconds", String(callSeconds(args.firehoseBufferSeconds))),
      ],
    };
  }

  /** Where Firehose says why it could not call the Lambda or write to S3. It creates no log stream itself. */
  private createLog(name: string, args: DeliveryArgs) {
    const group = logGroup(
      `${name}-delivery`,
      { path: "delivery", retentionDays: args.logRetentionDays, key: args.key },
      { parent: this },
    );
    const stream = new aws.cloudwatch.LogStream(
      `${name}-delivery-log`,
      { name: LOG_STREAM, logGroupName: group.name },
      { parent: this },
    );
    return {
      group: group.name,
      stream: stream.name,
      arn: pulumi.interpolate`${group.arn}:log-stream:${stream.name}`,
    };
  }

  private createRole(name: string, args: DeliveryArgs, logStreamArn: pulumi.Input<string>): ServiceRole {
    const ownAccount = { StringEquals: { "s3:ResourceAccount": currentAccount().accountId } };
    return new ServiceRole(
      `${name}-delivery-role`,
      {
        service: "firehose.amazonaws.com",
        description: "Firehose: calls the ingest Lambda, and writes its answers to the raw bucket",
        // The role is created before the delivery stream, so the ARN has only the beginning of its automatic name.
        sourceArn: arnOf("firehose", `deliverystream/${name}-delivery*`),
        permissions: [
          allow("lambda:InvokeFunction", "lambda:GetFunctionConfiguration").on(
            pulumi.interpolate`${this.ingest.arn}:$LATEST`,
          ),
          allow("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads")
            .when(ownAccount)
            .on(this.raw.arn),
          allow("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload")
            .when(ownAccount)
            .on(this.raw.objects(PREFIX.raw), this.raw.objects(PREFIX.firehoseErrors)),
          allow("logs:PutLogEvents").on(logStreamArn),
          ...mayUse(args.key, "kms:Decrypt", "kms:GenerateDataKey"),
        ],
      },
      { parent: this },
    );
  }

  private createAwaitDelivery(name: string, args: DeliveryArgs): NodeFunction {
    const prefixes = [PREFIX.raw, PREFIX.quarantine, PREFIX.firehoseErrors];
    return new NodeFunction(
      `${name}-await-ingest`,
      {
        lambda: "await-delivery",
        description: "Checks whether the events sent to the delivery stream are in the raw bucket",
        environment: {
          RAW_BUCKET: this.raw.bucketName,
          FIREHOSE_BUFFER_SECONDS: String(args.firehoseBufferSeconds),
        } satisfies EnvironmentOf<AwaitDeliveryEnv>,
        permissions: [
          allow("s3:ListBucket")
            .when({ StringLike: { "s3:prefix": prefixes.map((prefix) => `${prefix}*`) } })
            .on(this.raw.arn),
          // It counts the records of a batch in the objects: their names have no sequence numbers.
          allow("s3:GetObject").on(...prefixes.map((prefix) => this.raw.objects(prefix))),
          ...mayUse(args.key, "kms:Decrypt"),
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
