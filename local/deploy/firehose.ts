// Delivery streams.

import { setTimeout as sleep } from "node:timers/promises";
import {
  type CloudWatchLoggingOptions,
  CreateDeliveryStreamCommand,
  DeleteDeliveryStreamCommand,
  type DeliveryStreamEncryptionConfigurationInput,
  DescribeDeliveryStreamCommand,
  type ExtendedS3DestinationConfiguration,
  type FirehoseClient,
  type ProcessingConfiguration,
  ResourceNotFoundException,
  type S3DestinationConfiguration,
} from "@aws-sdk/client-firehose";
import type * as aws from "@pulumi/aws";
import { handler, type InputsOf } from "./resource";
import { tagList } from "./tags";

type Inputs = InputsOf<aws.kinesis.FirehoseDeliveryStreamArgs>;
type S3Inputs = NonNullable<Inputs["extendedS3Configuration"]>;
type BackupInputs = NonNullable<S3Inputs["s3BackupConfiguration"]>;

const POLL_MS = 50;
const CREATE_TIMEOUT_MS = 10_000;
const DELETE_TIMEOUT_MS = 30_000;
// The provider's defaults, which it sends.
const BUFFER_MB = 5;
const BUFFER_SECONDS = 300;

const deliveryStream = handler<aws.kinesis.FirehoseDeliveryStreamArgs>({
  honours: ["name", "destination", "extendedS3Configuration", "kinesisSourceConfiguration", "tags"],
  ineffective: {
    serverSideEncryption: "records are stored unencrypted in the emulator's memory",
  },
  naming: { maximumLength: 64 },
  async create(inputs, { clients: { firehose }, physicalName }) {
    const DeliveryStreamName = physicalName(inputs.name);
    const source = inputs.kinesisSourceConfiguration;
    const { DeliveryStreamARN = "" } = await firehose.send(
      new CreateDeliveryStreamCommand({
        DeliveryStreamName,
        DeliveryStreamType: source ? "KinesisStreamAsSource" : "DirectPut",
        KinesisStreamSourceConfiguration: source && {
          KinesisStreamARN: source.kinesisStreamArn,
          RoleARN: source.roleArn,
        },
        ExtendedS3DestinationConfiguration: destination(inputs),
        DeliveryStreamEncryptionConfigurationInput: encryption(inputs.serverSideEncryption),
        Tags: inputs.tags && tagList(inputs.tags),
      }),
    );
    const { VersionId, DestinationId } = await untilActive(firehose, DeliveryStreamName);
    const outputs = { name: DeliveryStreamName, arn: DeliveryStreamARN };
    return {
      id: DeliveryStreamARN,
      outputs: { ...outputs, versionId: VersionId, destinationId: DestinationId },
    };
  },
  async remove({ outputs }, { clients: { firehose } }) {
    const DeliveryStreamName = String(outputs.name);
    await firehose.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName }));
    await untilGone(firehose, DeliveryStreamName);
  },
});

/** The provider waits for it too: a stream that is being deleted is still listed. */
async function untilGone(firehose: FirehoseClient, DeliveryStreamName: string): Promise<void> {
  for (const until = Date.now() + DELETE_TIMEOUT_MS; Date.now() < until; await sleep(POLL_MS)) {
    try {
      await firehose.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName }));
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return;
      throw error;
    }
  }
  throw new Error(`The delivery stream ${DeliveryStreamName} was not deleted in ${DELETE_TIMEOUT_MS} ms.`);
}

function destination(inputs: Inputs): ExtendedS3DestinationConfiguration {
  const s3 = inputs.extendedS3Configuration;
  if (inputs.destination !== "extended_s3" || !s3) {
    throw new Error(
      `destination must be extended_s3 with extendedS3Configuration, got ${inputs.destination}: the local stack delivers to S3 only`,
    );
  }
  if (inputs.mskSourceConfiguration) {
    throw new Error("mskSourceConfiguration is not supported by the local stack: it has no Kafka");
  }
  for (const name of ["dataFormatConversionConfiguration", "dynamicPartitioningConfiguration"] as const) {
    // The first one is on unless it is turned off, the second one the other way round.
    if (s3[name] && (s3[name].enabled ?? name.startsWith("data"))) {
      throw new Error(`extendedS3Configuration.${name} is not supported by the local stack: leave it out`);
    }
  }
  return {
    ...plain(s3),
    FileExtension: s3.fileExtension,
    CustomTimeZone: s3.customTimeZone,
    ProcessingConfiguration: processing(s3.processingConfiguration),
    S3BackupMode: s3.s3BackupMode as "Enabled" | "Disabled" | undefined,
    S3BackupConfiguration: s3.s3BackupConfiguration && plain(s3.s3BackupConfiguration),
  };
}

/** What a destination and its backup have in common. */
function plain(s3: S3Inputs | BackupInputs): S3DestinationConfiguration {
  return {
    BucketARN: s3.bucketArn,
    RoleARN: s3.roleArn,
    Prefix: s3.prefix,
    ErrorOutputPrefix: s3.errorOutputPrefix,
    BufferingHints: {
      SizeInMBs: s3.bufferingSize ?? BUFFER_MB,
      IntervalInSeconds: s3.bufferingInterval ?? BUFFER_SECONDS,
    },
    CompressionFormat: s3.compressionFormat as S3DestinationConfiguration["CompressionFormat"],
    EncryptionConfiguration: s3.kmsKeyArn
      ? { KMSEncryptionConfig: { AWSKMSKeyARN: s3.kmsKeyArn } }
      : { NoEncryptionConfig: "NoEncryption" },
    CloudWatchLoggingOptions: logging(s3.cloudwatchLoggingOptions),
  };
}

function logging(options: S3Inputs["cloudwatchLoggingOptions"]): CloudWatchLoggingOptions | undefined {
  return (
    options && {
      Enabled: options.enabled ?? false,
      LogGroupName: options.logGroupName,
      LogStreamName: options.logStreamName,
    }
  );
}

function processing(configuration: S3Inputs["processingConfiguration"]): ProcessingConfiguration | undefined {
  return (
    configuration && {
      Enabled: configuration.enabled ?? false,
      Processors: configuration.processors?.map(({ type, parameters }) => ({
        Type: type as "Lambda",
        Parameters: parameters?.map(({ parameterName, parameterValue }) => ({
          ParameterName: parameterName as "LambdaArn",
          ParameterValue: parameterValue,
        })),
      })),
    }
  );
}

function encryption(
  given: Inputs["serverSideEncryption"],
): DeliveryStreamEncryptionConfigurationInput | undefined {
  if (!given?.enabled) return undefined;
  const KeyType = (given.keyType ?? "AWS_OWNED_CMK") as "AWS_OWNED_CMK" | "CUSTOMER_MANAGED_CMK";
  return { KeyType, KeyARN: given.keyArn };
}

async function untilActive(firehose: FirehoseClient, DeliveryStreamName: string) {
  const deadline = Date.now() + CREATE_TIMEOUT_MS;
  for (;;) {
    const { DeliveryStreamDescription: stream } = await firehose.send(
      new DescribeDeliveryStreamCommand({ DeliveryStreamName }),
    );
    if (stream?.DeliveryStreamStatus === "ACTIVE") {
      return { VersionId: stream.VersionId, DestinationId: stream.Destinations?.[0]?.DestinationId };
    }
    if (Date.now() > deadline) {
      throw new Error(
        `${DeliveryStreamName} is ${stream?.DeliveryStreamStatus} after ${CREATE_TIMEOUT_MS} ms`,
      );
    }
    await sleep(POLL_MS);
  }
}

export const firehoseHandlers = {
  "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": deliveryStream,
};
