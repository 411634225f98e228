// The raw objects that an event of S3 announces.

import { PREFIX } from "../../schema/prefixes";

/** What is read of an event. S3 sends a test event without records when notifications are configured. */
export interface Announcement {
  Records?: readonly { s3: { bucket: { name: string }; object: { key: string } } }[];
  Event?: string;
}

/** The keys, decoded. Throws for an object that is no raw object of this stack. */
export function announcedKeys(event: Announcement, bucket: string): string[] {
  if (event.Records === undefined) {
    if (event.Event === "s3:TestEvent") return [];
    throw new Error(
      `The input must be an event of S3 with Records, got ${JSON.stringify(event).slice(0, 200)}.`,
    );
  }
  return event.Records.map(({ s3 }) => {
    // S3 encodes a key like a form: a blank is a plus.
    const key = decodeURIComponent(s3.object.key.replaceAll("+", " "));
    const isRaw = s3.bucket.name === bucket && key.startsWith(PREFIX.raw) && key.endsWith(".jsonl.gz");
    if (!isRaw) {
      throw new Error(
        `s3://${s3.bucket.name}/${key} is no raw object of this stack. Send s3://${bucket}/${PREFIX.raw}….jsonl.gz only.`,
      );
    }
    return key;
  });
}
