// Metadata of a Kinesis record, and the type of a rejected line.

import type { QuarantineReason } from "../../schema/event";

/** An event is outside the window if it is before the earliest time, or after its arrival plus the lead. */
export interface TimeWindow {
  /** ISO form with milliseconds. */
  earliestTime: string;
  latestLeadMs: number;
}

/** Values that are the same for every line of a Kinesis record. */
export interface RecordContext {
  shardId: string;
  sequenceNumber: string;
  /** Arrival, and the earliest and latest event time that the window accepts. All three in ISO form. */
  arrivalTime: string;
  earliestTime: string;
  latestTime: string;
  /** The end of every raw line of the record, up to the position. */
  arrivalSuffix: string;
  /** The part of the suffix that is the same for all records of a shard with the same arrival millisecond. */
  arrivalHead: string;
}

/** Why a line is not accepted as an event. */
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
  // Shard ids and sequence numbers have no characters that JSON must escape.
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

/** The context of another record of the shard with the same arrival millisecond. It formats no dates again. */
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
