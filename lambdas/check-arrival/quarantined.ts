// Counts the lines that the ingest quarantined, by reason, as the job does for its report.

import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { Listed } from "../shared/objects";
import { readLines } from "../to-parquet/convert/read-lines";

export interface Quarantined {
  objects: number;
  lines: number;
  reasons: Record<string, number>;
}

/** The ingest writes the reason first. A payload can have many megabytes, so it is not parsed. */
const REASON = /^\{"reason":"(\w+)"/;
const REASON_LENGTH = 100;

export async function countQuarantined(
  s3: S3Client,
  bucket: string,
  objects: readonly Listed[],
): Promise<Quarantined> {
  const counted: Quarantined = { objects: objects.length, lines: 0, reasons: {} };
  // One after the other: only one object is in memory.
  for (const { key } of objects) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    for await (const { bytes } of readLines((await Body?.transformToByteArray()) ?? new Uint8Array(), key)) {
      const reason = REASON.exec(bytes.toString("latin1", 0, REASON_LENGTH))?.[1] ?? "other";
      counted.lines += 1;
      counted.reasons[reason] = (counted.reasons[reason] ?? 0) + 1;
    }
  }
  return counted;
}
