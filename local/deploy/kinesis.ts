// Streams.
import {
  AddTagsToStreamCommand,
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  IncreaseStreamRetentionPeriodCommand,
  StartStreamEncryptionCommand,
  waitUntilStreamExists,
} from "@aws-sdk/client-kinesis";
import type * as aws from "@pulumi/aws";
import { handler } from "./resource";

const DEFAULT_RETENTION_HOURS = 24;

const stream = handler<aws.kinesis.StreamArgs>({
  honours: ["name", "shardCount", "streamModeDetails", "retentionPeriod", "tags"],
  ineffective: {
    encryptionType: "records are stored unencrypted in the emulator's memory",
    kmsKeyId: "records are stored unencrypted in the emulator's memory",
  },
  naming: { maximumLength: 128 },
  async create(inputs, { clients: { kinesis }, physicalName }) {
    const StreamName = physicalName(inputs.name);
    const mode = (inputs.streamModeDetails?.streamMode ?? "PROVISIONED") as "PROVISIONED" | "ON_DEMAND";
    await kinesis.send(
      new CreateStreamCommand({
        StreamName,
        ShardCount: mode === "PROVISIONED" ? inputs.shardCount : undefined,
        StreamModeDetails: { StreamMode: mode },
      }),
    );
    await waitUntilStreamExists({ client: kinesis, maxWaitTime: 30, minDelay: 0.05 }, { StreamName });
    // The emulator drops the tags of CreateStream.
    if (inputs.tags) await kinesis.send(new AddTagsToStreamCommand({ StreamName, Tags: inputs.tags }));
    const hours = inputs.retentionPeriod ?? DEFAULT_RETENTION_HOURS;
    if (hours !== DEFAULT_RETENTION_HOURS) {
      await kinesis.send(
        new IncreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours: hours }),
      );
    }
    if (inputs.encryptionType === "KMS") {
      const KeyId = inputs.kmsKeyId ?? "alias/aws/kinesis";
      await kinesis.send(new StartStreamEncryptionCommand({ StreamName, EncryptionType: "KMS", KeyId }));
    }
    const { StreamDescriptionSummary } = await kinesis.send(new DescribeStreamSummaryCommand({ StreamName }));
    const arn = StreamDescriptionSummary?.StreamARN ?? "";
    return { id: arn, outputs: { name: StreamName, arn } };
  },
  async remove({ outputs }, { clients }) {
    const StreamName = String(outputs.name);
    await clients.kinesis.send(new DeleteStreamCommand({ StreamName, EnforceConsumerDeletion: true }));
  },
});

export const kinesisHandlers = { "aws:kinesis/stream:Stream": stream };
