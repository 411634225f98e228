// What is known of a Kinesis record beside its data, and how a line of it is refused.

import type { QuarantineReason } from "../../schema/event";

/** An event before the earliest, or later than its arrival plus the lead, is out of the window. */
export interface TimeWindow {
  /** ISO form with milliseconds. */
  earliestTime: string;
  latestLeadMs: number;
}

/** What is the same for every line of a Kinesis record. */
export interface RecordContext {
  shardId: string;
  sequenceNumber: string;
  /** Arrival in ISO form, and the last event time that the window lets pass, in the same form. */
  arrivalTime: string;
  earliestTime: string;
  latestTime: string;
  /** The end of every raw line of the record, but for the position that follows. */
  arrivalSuffix: string;
  /** What of it is the same for all records of a shard that arrived in the same millisecond. */
  arrivalHead: string;
}

/** Why something that arrived is no event. */
export interface Rejection {
  reason: QuarantineReason;
  detail: string;
}

export function recordContext(
  shardId: string,
  sequenceNumber: string,
  arrivalMs: number,
  window: TimeWindow,
): RecordContext {
  const arrivalTime = new Date(arrivalMs).toISOString();
  // A shard's id and its sequence numbers have no character that JSON escapes.
  const arrivalHead = `,"arrival":{"time":"${arrivalTime}","shard_id":"${shardId}","sequence_number":"`;
  return {
    shardId,
    sequenceNumber,
    arrivalTime,
    earliestTime: window.earliestTime,
    latestTime: new Date(arrivalMs + window.latestLeadMs).toISOString(),
    arrivalSuffix: arrivalSuffix(arrivalHead, sequenceNumber),
    arrivalHead,
  };
}

/** The same for another record of the shard that arrived in the same millisecond: two dates less to write. */
export function siblingContext(context: RecordContext, sequenceNumber: string): RecordContext {
  return {
    ...context,
    sequenceNumber,
    arrivalSuffix: arrivalSuffix(context.arrivalHead, sequenceNumber),
  };
}

function arrivalSuffix(head: string, sequenceNumber: string): string {
  return `${head}${sequenceNumber}","position":`;
}
