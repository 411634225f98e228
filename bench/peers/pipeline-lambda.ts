// The naive baseline of the ingest Lambda: one object per event.

import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { KinesisStreamEvent } from "aws-lambda";

const s3 = new S3Client({});

export async function handler({ Records }: KinesisStreamEvent): Promise<void> {
  for (const { kinesis } of Records) {
    const event = JSON.parse(Buffer.from(kinesis.data, "base64").toString("utf8")) as { event_id: string };
    await s3.send(
      new PutObjectCommand({
        Bucket: process.env.BUCKET,
        Key: `events/${event.event_id}.json`,
        Body: JSON.stringify(event),
      }),
    );
  }
}
