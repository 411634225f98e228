// A line as the live view knows it: what the ingest says of it, and where it came from.
import type { ClickstreamEvent, QuarantineReason } from "../../schema/event";

export type Verdict = "accepted" | "quarantined" | "duplicate";

/** The reasons that the Spark job gives, not the ingest. */
export const ID_CONFLICT = "id_conflict";
export const UNREADABLE = "unreadable_raw_line";

/** One line. */
export interface Seen {
  /** Counts from 1. */
  number: number;
  verdict: Verdict;
  reason?: QuarantineReason | typeof ID_CONFLICT | typeof UNREADABLE;
  /** The reason in a sentence, with the wrong value; of a duplicate, what it is a copy of. */
  detail?: string;
  /** The fields that the ingest read; undefined for a line that it refused. */
  event?: RawEvent;
  /** The line as it came, or in base64 the bytes that are no text. Only for a refused line. */
  payload?: string;
  payloadEncoding?: "utf8" | "base64";
  /** Characters of the payload that are not kept. */
  cut?: number;
  arrivalMs: number;
  seenMs: number;
  shardId: string;
  sequenceNumber: string;
  position: number;
}

/** A raw line: the event with its arrival. */
export type RawEvent = ClickstreamEvent & {
  event_id: string;
  arrival: { time: string; shard_id: string; sequence_number: string; position: number };
};
