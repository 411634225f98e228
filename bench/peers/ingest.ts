// The baseline of the ingest benchmark: base64, JSON.parse and gzip, nothing else.

import { gzipSync } from "node:zlib";
import type { KinesisStreamEvent } from "aws-lambda";

/** No validation, arrival time, quarantine or object key: parses each event once and compresses it unchanged. */
export function bareIngest(event: KinesisStreamEvent, level: number): { events: number; body: Buffer } {
  const parts: Buffer[] = [];
  let events = 0;
  for (const record of event.Records) {
    const data = Buffer.from(record.kinesis.data, "base64");
    for (const line of data.toString("utf8").split("\n")) {
      if (typeof JSON.parse(line) === "object") events += 1;
    }
    parts.push(data, NEWLINE);
  }
  return { events, body: gzipSync(Buffer.concat(parts), { level }) };
}

const NEWLINE = Buffer.from("\n");
