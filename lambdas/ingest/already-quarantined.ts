// Finds which lines are already in the quarantine, so that a redelivered batch adds no line twice.

import type { S3Client } from "@aws-sdk/client-s3";
import { covers, hourPrefix, overlaps, parseObjectKey, type SequenceRange } from "../shared/layout";
import { listKeys } from "../shared/objects";

export interface Coverage {
  /**
   * True if an existing object covers the sequence number. S3 lists only complete objects, and a record always
   * makes the same lines. So the record's lines are in that object, or in an earlier object that covers it too.
   * A batch that is delivered again with the same boundaries is covered in the same way, and writes nothing.
   */
  has(sequenceNumber: string): boolean;
}

/**
 * The coverage of the batch's records that arrived in this hour. A record's lines are always under the hour of its own
 * arrival, in whatever batch it was delivered before. So no other hour is listed, and of this one only this shard.
 */
export async function coverageOfHour(
  s3: S3Client,
  bucket: string,
  batch: SequenceRange,
  hourMs: number,
): Promise<Coverage> {
  const prefix = `${hourPrefix("quarantine", hourMs)}${batch.shardId}-`;
  const { objects } = await listKeys(s3, bucket, { prefix });
  const ranges = objects.flatMap(({ key }) => {
    const range = parseObjectKey(key);
    return range !== undefined && overlaps(range, batch) ? [range] : [];
  });
  return { has: (sequenceNumber) => ranges.some((range) => covers(range, sequenceNumber)) };
}
