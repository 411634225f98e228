// Where senders put records: the stack's Kinesis stream, or its Firehose delivery stream.

import { randomUUID } from "node:crypto";
import type { FirehoseClient } from "@aws-sdk/client-firehose";
import type { KinesisClient } from "@aws-sdk/client-kinesis";
import { FirehoseSender } from "./firehose-sender";
import { KinesisSender } from "./kinesis-sender";
import { FIREHOSE_RECORD, KINESIS_RECORD, lanesFor, RecordPacker, type RecordService } from "./records";
import type { BatchSender, SenderOptions } from "./sender";

/** The name of a Lambda's destination: exactly one of the two. */
export type DestinationEnv =
  | {
      /** Name of the Kinesis stream for the events. */
      STREAM_NAME: string;
    }
  | {
      /** Name of the Firehose delivery stream for the events. */
      DELIVERY_STREAM_NAME: string;
    };

export interface Destination {
  /** What it takes as one record. */
  record: RecordService;
  sender(options: SenderOptions): BatchSender;
}

/** What an execution waits for: `sent` in its input. */
export type SentEvents = { since: string } & (
  | { shards: Record<string, string> }
  | { batch: string; records: number }
);

export function streamDestination(client: Pick<KinesisClient, "send">, streamName: string): Destination {
  return {
    record: KINESIS_RECORD,
    sender: (options) => new KinesisSender({ ...options, client, streamName }),
  };
}

export function deliveryDestination(
  client: Pick<FirehoseClient, "send">,
  deliveryStreamName: string,
): Destination {
  return {
    record: FIREHOSE_RECORD,
    sender: (options) => new FirehoseSender({ ...options, client, deliveryStreamName }),
  };
}

/** Opens the one that has a name. Loads the client of that one only. `config` is the client's. */
export async function openDestination(
  { streamName, deliveryStreamName }: { streamName?: string; deliveryStreamName?: string },
  config: object,
): Promise<Destination> {
  if (streamName && !deliveryStreamName) {
    const { KinesisClient } = await import("@aws-sdk/client-kinesis");
    return streamDestination(new KinesisClient(config), streamName);
  }
  if (deliveryStreamName && !streamName) {
    const { FirehoseClient } = await import("@aws-sdk/client-firehose");
    return deliveryDestination(new FirehoseClient(config), deliveryStreamName);
  }
  throw new Error(
    streamName
      ? `There are two destinations: the stream ${streamName} and the delivery stream ${deliveryStreamName}. Name one.`
      : "There is no destination: neither a stream nor a delivery stream is named. Name one.",
  );
}

/** The destination that a Lambda's environment names. */
export function destinationOf(
  config: object,
  env: Record<string, string | undefined> = process.env,
): Promise<Destination> {
  const names = { streamName: env.STREAM_NAME, deliveryStreamName: env.DELIVERY_STREAM_NAME };
  return openDestination(names, config).catch((error: Error) => {
    throw new Error(
      `${error.message} The function's environment must set exactly one of STREAM_NAME and DELIVERY_STREAM_NAME. Deploy it again.`,
    );
  });
}

/** Packs and sends lines in a way that an execution can wait for all of them. */
export class CountedSending {
  readonly sender: BatchSender;
  readonly packer: RecordPacker;
  private readonly batch: string | undefined;

  /** `expectedLines` need not be exact. `batch` is for tests. */
  constructor(destination: Destination, expectedLines: number, options: SenderOptions, batch = randomUUID()) {
    const { record } = destination;
    this.sender = destination.sender(options);
    // A stream says itself where its records are: a sequence number in each shard.
    this.batch = record.hasShards ? undefined : batch;
    this.packer = new RecordPacker(record.hasShards ? lanesFor(expectedLines) : 1, record, this.batch);
  }

  /** Sends the records that are not full, and waits until the service has accepted everything. */
  async flush(): Promise<void> {
    for (const record of this.packer.drain()) await this.sender.add(record);
    await this.sender.flush();
  }

  /** What was sent, for an execution. `sinceMs` is a time before the first put. */
  sent(sinceMs: number): SentEvents {
    const since = new Date(sinceMs).toISOString();
    const { shards, records } = this.sender.sent;
    return this.batch === undefined ? { since, shards } : { since, batch: this.batch, records };
  }
}
