// Puts records into a Kinesis stream.

import type { KinesisClient } from "@aws-sdk/client-kinesis";
import { compareSequence } from "./layout";
import type { PackedRecord } from "./records";
import { BatchSender, type PutAnswer, type SenderOptions } from "./sender";

export interface KinesisSenderOptions extends SenderOptions {
  client: Pick<KinesisClient, "send">;
  streamName: string;
}

export class KinesisSender extends BatchSender {
  constructor(private readonly kinesis: KinesisSenderOptions) {
    const name = `Kinesis stream ${kinesis.streamName}`;
    super({ records: 500, bytes: 5 * 1024 * 1024, name, remedy: "give the stream more shards" }, kinesis);
  }

  protected override bytesOf({ data, partitionKey }: PackedRecord): number {
    return data.length + partitionKey.length;
  }

  protected override async call(records: readonly PackedRecord[]): Promise<PutAnswer[]> {
    // Loaded with the first batch. A function that sends to Firehose has this file in its bundle, and never loads it.
    const { PutRecordsCommand } = await import("@aws-sdk/client-kinesis");
    const { Records = [] } = await this.kinesis.client.send(
      new PutRecordsCommand({
        StreamName: this.kinesis.streamName,
        Records: records.map(({ partitionKey, data }) => ({ PartitionKey: partitionKey, Data: data })),
      }),
    );
    return Records.map(({ ShardId, SequenceNumber, ErrorCode: errorCode, ErrorMessage: errorMessage }) => {
      const stored = SequenceNumber !== undefined;
      if (stored && errorCode === undefined) this.reached(ShardId as string, SequenceNumber);
      return { stored, errorCode, errorMessage };
    });
  }

  private reached(shardId: string, sequenceNumber: string): void {
    const { shards } = this.sent;
    const last = shards[shardId];
    if (last === undefined || compareSequence(last, sequenceNumber) < 0) shards[shardId] = sequenceNumber;
  }
}
