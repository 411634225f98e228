// Puts records into a Firehose delivery stream.

import type { FirehoseClient } from "@aws-sdk/client-firehose";
import type { PackedRecord } from "./records";
import { BatchSender, type PutAnswer, type SenderOptions } from "./sender";

export interface FirehoseSenderOptions extends SenderOptions {
  client: Pick<FirehoseClient, "send">;
  deliveryStreamName: string;
}

export class FirehoseSender extends BatchSender {
  constructor(private readonly firehose: FirehoseSenderOptions) {
    const name = `Delivery stream ${firehose.deliveryStreamName}`;
    const remedy = "raise its quota of records or bytes per second in Service Quotas";
    super({ records: 500, bytes: 4 * 1024 * 1024, name, remedy }, firehose);
  }

  protected override bytesOf({ data }: PackedRecord): number {
    return data.length;
  }

  protected override async call(records: readonly PackedRecord[]): Promise<PutAnswer[]> {
    // Loaded with the first batch. A function that sends to Kinesis has this file in its bundle, and never loads it.
    const { PutRecordBatchCommand } = await import("@aws-sdk/client-firehose");
    const { RequestResponses = [] } = await this.firehose.client.send(
      new PutRecordBatchCommand({
        DeliveryStreamName: this.firehose.deliveryStreamName,
        Records: records.map(({ data }) => ({ Data: data })),
      }),
    );
    return RequestResponses.map(({ RecordId, ErrorCode: errorCode, ErrorMessage: errorMessage }) => ({
      stored: RecordId !== undefined,
      errorCode,
      errorMessage,
    }));
  }
}
