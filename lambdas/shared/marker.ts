// The first line of a record whose sender counts its records: the batch, and the number of the record in it.
//
// An execution can then wait until Firehose has delivered all records of the batch, and events without an id get one
// from the batch and the number, which stay the same however often Firehose delivers the record. Every producer can
// write such a line. It only chooses the ids of its own events that have none, and what waits for its own batch.

const NEWLINE = 10;
/** No marker is longer. A record is not searched further. */
const MAX_MARKER_BYTES = 200;
const BATCH = /^[A-Za-z0-9-]{8,64}$/;
const MARKER = /^\{"clickstream_batch":"([A-Za-z0-9-]{8,64})","record":(0|[1-9]\d{0,14})\}$/;

export interface Marker {
  batch: string;
  /** From 0. */
  record: number;
}

export function isBatch(text: string): boolean {
  return BATCH.test(text);
}

/** With the newline that ends it. */
export function markerLine({ batch, record }: Marker): string {
  return `{"clickstream_batch":"${batch}","record":${record}}\n`;
}

/** The marker of a record and its content. The content of a record without a marker is all of it. */
export function takeMarker(data: Buffer): { marker?: Marker; content: Buffer } {
  const newline = data.subarray(0, MAX_MARKER_BYTES).indexOf(NEWLINE);
  if (newline === -1) return { content: data };
  const match = MARKER.exec(data.toString("latin1", 0, newline));
  if (match === null) return { content: data };
  const marker = { batch: match[1] as string, record: Number(match[2]) };
  return { marker, content: data.subarray(newline + 1) };
}

/** What stands for the shard in the events of a batch, in the place of a shard's id. */
export function batchShard(batch: string): string {
  return `sent-${batch}`;
}
