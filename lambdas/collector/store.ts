// Stores lines in the stream or the delivery stream. In a stream, a session goes to one shard, in order.

import type { Destination } from "../shared/destination";
import { type PackedRecord, RecordPacker } from "../shared/records";
import type { SenderOptions } from "../shared/sender";

export interface StreamLine {
  /** Text, or bytes that may not be text. */
  content: string | Uint8Array;
  /** What belongs together: the session, or the visitor. */
  key: string;
}

/** A fixed number, so that a session has the same partition key in each request. */
const LANES = 256;
const NEWLINE = 10;

/** Returns when the service has all lines. Otherwise throws: then some of them may be stored. */
export async function store(
  lines: readonly StreamLine[],
  { record: service, sender: makeSender }: Destination,
  options: SenderOptions,
): Promise<void> {
  // Without shards, one lane: Firehose bills each record by its size, so full records are cheaper.
  const packer = new RecordPacker(service.hasShards ? LANES : 1, service);
  const sender = makeSender(options);
  for (const { content, key } of lines) {
    const lane = packer.laneOf(key);
    const record = hasNewline(content) ? alone(content, lane) : packer.add(lane, content);
    if (record !== undefined) await sender.add(record);
  }
  for (const record of packer.drain()) await sender.add(record);
  await sender.flush();
}

/** The ingest splits a record at line feeds. What came with line feeds is not mixed with other lines. */
function alone(content: string | Uint8Array, lane: number): PackedRecord {
  return { partitionKey: `lane-${lane}`, data: Buffer.from(content as Uint8Array), lines: 1 };
}

function hasNewline(content: string | Uint8Array): boolean {
  return typeof content === "string" ? content.includes("\n") : content.includes(NEWLINE);
}
