// Says which record a record is, so that its events without an id get the same id however often Firehose delivers it.

import { createHash } from "node:crypto";
import type { FirehoseTransformationEventRecord } from "aws-lambda";
import { type RecordContext, recordContext, type TimeWindow } from "../ingest/context";
import { batchShard, takeMarker } from "../shared/marker";

export interface Identified {
  context: RecordContext;
  /** The record without its marker. */
  content: Buffer;
  /** Of the arrival time and the whole record. */
  digest: Buffer;
}

/** In the place of a shard's id, for direct puts of senders that do not count their records. */
const NO_SHARD = "firehose";
const SEQUENCE_BYTES = 16;
const SUBSEQUENCE_DIGITS = 6;

/** Identifies the records of one invocation, in their order. */
export class Identities {
  /** How many records had this digest so far. */
  private readonly seen = new Map<string, number>();

  constructor(private readonly window: TimeWindow) {}

  of({
    data,
    approximateArrivalTimestamp,
    kinesisRecordMetadata,
  }: FirehoseTransformationEventRecord): Identified {
    const arrivalMs = kinesisRecordMetadata?.approximateArrivalTimestamp ?? approximateArrivalTimestamp;
    const bytes = Buffer.from(data, "base64");
    const digest = createHash("sha256").update(`${arrivalMs}:`).update(bytes).digest();
    const { marker, content } = takeMarker(bytes);
    const [shardId, sequenceNumber] =
      marker !== undefined
        ? [batchShard(marker.batch), String(marker.record)]
        : kinesisRecordMetadata !== undefined
          ? [kinesisRecordMetadata.shardId, kinesisSequence(kinesisRecordMetadata)]
          : [NO_SHARD, this.sequenceOf(digest)];
    return { context: recordContext(shardId, sequenceNumber, arrivalMs, this.window), content, digest };
  }

  /**
   * A direct put has no sequence number. Two equal records that arrived in the same millisecond are two records, so the
   * second one is another one by its place among its equals. Firehose invokes the function again with the same records.
   */
  private sequenceOf(digest: Buffer): string {
    const name = digest.toString("latin1");
    const place = this.seen.get(name) ?? 0;
    this.seen.set(name, place + 1);
    const hash = createHash("sha256").update(digest).update(`:${place}`).digest("hex");
    return BigInt(`0x${hash.slice(0, 2 * SEQUENCE_BYTES)}`).toString();
  }
}

/** Firehose takes aggregates of the Kinesis Producer Library apart. Their records share a sequence number. */
function kinesisSequence({
  sequenceNumber,
  subsequenceNumber,
}: {
  sequenceNumber: string;
  subsequenceNumber: string | number;
}): string {
  const part = String(subsequenceNumber);
  return /^0*$/.test(part) ? sequenceNumber : sequenceNumber + part.padStart(SUBSEQUENCE_DIGITS, "0");
}
