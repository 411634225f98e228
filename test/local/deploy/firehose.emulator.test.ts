// Delivery streams that the local deployment makes on the real emulator: each input arrives, or is refused.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DescribeDeliveryStreamCommand,
  FirehoseClient,
  ListTagsForDeliveryStreamCommand,
  PutRecordCommand,
} from "@aws-sdk/client-firehose";
import * as aws from "@pulumi/aws";
import { type Deployment, deploy } from "../../../local/deploy/program";
import { type Emulator, startEmulator } from "../../../local/emulator-process";
import { localClientConfig } from "../../../stack/aws";

type StreamArgs = aws.kinesis.FirehoseDeliveryStreamArgs;

const TRUST = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Principal: { Service: "firehose.amazonaws.com" }, Action: "sts:AssumeRole" },
  ],
});
const FUNCTION_ARN = "arn:aws:lambda:us-east-1:000000000000:function:transform";

describe("local/deploy/firehose on the emulator", function () {
  this.timeout(60_000);
  let root: string;
  let emulator: Emulator;
  before(async () => {
    root = mkdtempSync(join(tmpdir(), "clickstream-firehose-"));
    writeFileSync(join(root, "Pulumi.yaml"), "name: shop\n");
    writeFileSync(join(root, "Pulumi.dev.yaml"), "config: {}\n");
    emulator = await startEmulator(join(root, "state"));
  });
  after(async () => {
    await emulator?.stop();
    rmSync(root, { recursive: true, force: true });
  });

  const firehose = () => new FirehoseClient(localClientConfig(emulator.endpoint));

  function deployStream(args: (resources: { bucket: aws.s3.Bucket; role: aws.iam.Role }) => StreamArgs) {
    const program = () => {
      const bucket = new aws.s3.Bucket("events");
      const role = new aws.iam.Role("delivery", { assumeRolePolicy: TRUST });
      const stream = new aws.kinesis.FirehoseDeliveryStream("hose", args({ bucket, role }));
      return { name: stream.name, arn: stream.arn, bucket: bucket.arn, role: role.arn };
    };
    return deploy({ root, clientConfig: localClientConfig(emulator.endpoint), program });
  }

  async function describeStream({ outputs }: Deployment) {
    const { DeliveryStreamDescription } = await firehose().send(
      new DescribeDeliveryStreamCommand({ DeliveryStreamName: String(outputs.name) }),
    );
    return DeliveryStreamDescription;
  }

  it("makes a stream with every setting, which takes records at once, and removes it", async () => {
    const deployment = await deployStream(({ bucket, role }) => ({
      destination: "extended_s3",
      tags: { team: "data" },
      extendedS3Configuration: {
        bucketArn: bucket.arn,
        roleArn: role.arn,
        prefix: "raw/year=!{timestamp:yyyy}/",
        errorOutputPrefix: "failed/!{firehose:error-output-type}/",
        bufferingSize: 2,
        bufferingInterval: 0,
        compressionFormat: "GZIP",
        fileExtension: ".jsonl.gz",
        customTimeZone: "Asia/Tokyo",
        cloudwatchLoggingOptions: { enabled: true, logGroupName: "group", logStreamName: "S3Delivery" },
        processingConfiguration: {
          enabled: true,
          processors: [
            { type: "Lambda", parameters: [{ parameterName: "LambdaArn", parameterValue: FUNCTION_ARN }] },
            { type: "AppendDelimiterToRecord" },
          ],
        },
        s3BackupMode: "Enabled",
        s3BackupConfiguration: {
          bucketArn: bucket.arn,
          roleArn: role.arn,
          prefix: "source/",
          bufferingInterval: 60,
        },
      },
    }));
    const { bucket, role, name, arn } = deployment.outputs;
    const described = await describeStream(deployment);
    assert.equal(described?.DeliveryStreamARN, arn);
    assert.match(String(name), /^hose-[0-9a-f]{7}$/);
    assert.deepEqual(described?.Destinations?.[0]?.ExtendedS3DestinationDescription, {
      BucketARN: bucket,
      RoleARN: role,
      Prefix: "raw/year=!{timestamp:yyyy}/",
      ErrorOutputPrefix: "failed/!{firehose:error-output-type}/",
      BufferingHints: { SizeInMBs: 2, IntervalInSeconds: 0 },
      CompressionFormat: "GZIP",
      FileExtension: ".jsonl.gz",
      CustomTimeZone: "Asia/Tokyo",
      EncryptionConfiguration: { NoEncryptionConfig: "NoEncryption" },
      CloudWatchLoggingOptions: { Enabled: true, LogGroupName: "group", LogStreamName: "S3Delivery" },
      ProcessingConfiguration: {
        Enabled: true,
        Processors: [
          {
            Type: "Lambda",
            Parameters: Object.entries({
              LambdaArn: FUNCTION_ARN,
              NumberOfRetries: "3",
              RoleArn: role,
              BufferSizeInMBs: "1",
              BufferIntervalInSeconds: "60",
            }).map(([ParameterName, ParameterValue]) => ({ ParameterName, ParameterValue })),
          },
          { Type: "AppendDelimiterToRecord", Parameters: [] },
        ],
      },
      S3BackupMode: "Enabled",
      S3BackupDescription: {
        BucketARN: bucket,
        RoleARN: role,
        Prefix: "source/",
        BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 60 },
        CompressionFormat: "UNCOMPRESSED",
        EncryptionConfiguration: { NoEncryptionConfig: "NoEncryption" },
        CloudWatchLoggingOptions: { Enabled: false },
      },
    });
    const { Tags } = await firehose().send(
      new ListTagsForDeliveryStreamCommand({ DeliveryStreamName: String(name) }),
    );
    assert.deepEqual(Tags, [{ Key: "team", Value: "data" }]);
    await firehose().send(
      new PutRecordCommand({ DeliveryStreamName: String(name), Record: { Data: Buffer.from("a") } }),
    );
    assert.deepEqual(deployment.ignoredInputs, []);
    await deployment.destroy();
    await assert.rejects(
      firehose().send(
        new PutRecordCommand({ DeliveryStreamName: String(name), Record: { Data: Buffer.from("b") } }),
      ),
      /ResourceNotFoundException/,
    );
  });

  it("uses the provider's defaults for what is left out, and says what has no effect", async () => {
    const deployment = await deployStream(({ bucket, role }) => ({
      destination: "extended_s3",
      serverSideEncryption: { enabled: true },
      extendedS3Configuration: { bucketArn: bucket.arn, roleArn: role.arn },
    }));
    const described = await describeStream(deployment);
    assert.equal(described?.DeliveryStreamType, "DirectPut");
    assert.deepEqual(described?.DeliveryStreamEncryptionConfiguration, {
      Status: "ENABLED",
      KeyType: "AWS_OWNED_CMK",
    });
    assert.deepEqual(described?.Destinations?.[0]?.ExtendedS3DestinationDescription?.BufferingHints, {
      SizeInMBs: 5,
      IntervalInSeconds: 300,
    });
    assert.deepEqual(
      deployment.ignoredInputs.map(({ input }) => input),
      ["serverSideEncryption"],
    );
    await deployment.destroy();
  });

  it("makes a stream that reads a Kinesis stream", async () => {
    const deployment = await deployStream(({ bucket, role }) => {
      const reader = new aws.iam.RolePolicy("read", {
        role: role.id,
        policy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [{ Effect: "Allow", Action: "kinesis:*", Resource: "*" }],
        }),
      });
      const events = new aws.kinesis.Stream("source", { shardCount: 1 }, { dependsOn: reader });
      return {
        destination: "extended_s3",
        kinesisSourceConfiguration: { kinesisStreamArn: events.arn, roleArn: role.arn },
        extendedS3Configuration: { bucketArn: bucket.arn, roleArn: role.arn },
      };
    });
    const described = await describeStream(deployment);
    assert.equal(described?.DeliveryStreamType, "KinesisStreamAsSource");
    assert.match(
      described?.Source?.KinesisStreamSourceDescription?.KinesisStreamARN ?? "",
      /:stream\/source-/,
    );
    await deployment.destroy();
  });

  const refused: [what: string, change: Partial<StreamArgs> | Record<string, unknown>, message: RegExp][] = [
    ["another destination", { destination: "splunk" }, /destination must be extended_s3 .*, got splunk/],
    ["Kafka", { mskSourceConfiguration: {} }, /mskSourceConfiguration is not supported/],
  ];
  const refusedOfS3: [what: string, change: Record<string, unknown>, message: RegExp][] = [
    [
      "Parquet",
      { dataFormatConversionConfiguration: {} },
      /dataFormatConversionConfiguration is not supported/,
    ],
    [
      "partitions",
      { dynamicPartitioningConfiguration: { enabled: true } },
      /dynamicPartitioningConfiguration is not/,
    ],
    ["ZIP", { compressionFormat: "ZIP" }, /CompressionFormat ZIP is not supported by the local stack/],
    ["a prefix without one for errors", { prefix: "!{timestamp:yyyy}/" }, /ErrorOutputPrefix cannot be null/],
  ];
  for (const [what, change, message] of refused) {
    it(`refuses ${what}`, async () => {
      const args = ({ bucket, role }: { bucket: aws.s3.Bucket; role: aws.iam.Role }) =>
        ({
          destination: "extended_s3",
          extendedS3Configuration: { bucketArn: bucket.arn, roleArn: role.arn },
          ...change,
        }) as StreamArgs;
      await assert.rejects(deployStream(args), message);
    });
  }
  for (const [what, change, message] of refusedOfS3) {
    it(`refuses ${what}`, async () => {
      const args = ({ bucket, role }: { bucket: aws.s3.Bucket; role: aws.iam.Role }) =>
        ({
          destination: "extended_s3",
          extendedS3Configuration: { bucketArn: bucket.arn, roleArn: role.arn, ...change },
        }) as StreamArgs;
      await assert.rejects(deployStream(args), message);
    });
  }
});
