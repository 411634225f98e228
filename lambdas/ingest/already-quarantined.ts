// Finds which lines are already in the quarantine, so that a redelivered batch adds no line twice.

import type { S3Client } from "@aws-sdk/client-s3";
import { PREFIX } from "../../schema/prefixes";
import { DAY_MS, HOUR_MS } from "../shared/durations";
import { covers, hourPrefix, overlaps, parseObjectKey, type SequenceRange } from "../shared/layout";
import { listKeys } from "../shared/objects";

/**
 * How long before a batch's first record an overlapping object's first record can have arrived. A day is the
 * stream's default retention. A batch that spans more than that looks back twice its own span.
 */
const LOOK_BACK_MS = DAY_MS;
/** One page is enough in most accounts. If it is not, each hour of this shard is listed separately. */
const FIRST_PAGE = 1_000;

export interface ShardBatch extends SequenceRange {
  firstArrivalMs: number;
  lastArrivalMs: number;
}

export interface Coverage {
  /**
   * True if an existing object covers the sequence number. S3 lists only complete objects, and a record always
   * makes the same lines. So the record's lines are in that object, or in an earlier object that covers it too.
   * A batch that is delivered again with the same boundaries is covered in the same way, and writes nothing.
   */
  has(sequenceNumber: string): boolean;
}

export async function quarantineCoverage(s3: S3Client, bucket: string, batch: ShardBatch): Promise<Coverage> {
  const ranges: SequenceRange[] = [];
  for (const key of await quarantineKeys(s3, bucket, batch)) {
    const range = parseObjectKey(key);
    if (range !== undefined && overlaps(range, batch)) ranges.push(range);
  }
  return {
    has: (sequenceNumber) => ranges.some((range) => covers(range, sequenceNumber)),
  };
}

async function quarantineKeys(s3: S3Client, bucket: string, batch: ShardBatch): Promise<string[]> {
  const spanMs = batch.lastArrivalMs - batch.firstArrivalMs;
  const fromMs = batch.firstArrivalMs - Math.max(LOOK_BACK_MS, 2 * spanMs);
  const afterLast = `${hourPrefix("quarantine", batch.lastArrivalMs)}~`;
  const first = await listKeys(s3, bucket, {
    prefix: PREFIX.quarantine,
    startAfter: hourPrefix("quarantine", fromMs),
    maxKeys: FIRST_PAGE,
  });
  const isAll = !first.truncated || (first.objects.at(-1)?.key ?? "") > afterLast;
  if (isAll) return first.objects.map((object) => object.key);

  const hours: number[] = [];
  for (let hour = fromMs; hour < batch.lastArrivalMs + HOUR_MS; hour += HOUR_MS) hours.push(hour);
  const pages = await Promise.all(
    hours.map((hour) =>
      listKeys(s3, bucket, { prefix: `${hourPrefix("quarantine", hour)}${batch.shardId}-` }),
    ),
  );
  return pages.flatMap((page) => page.objects.map((object) => object.key));
}
