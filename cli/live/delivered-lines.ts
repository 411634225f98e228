// Reads the lines that Firehose and the ingest wrote to S3: events as the ingest accepted them, and quarantine lines.

import type { Refused } from "../../lambdas/ingest/outcomes";
import type { Zone } from "../../lambdas/shared/layout";
import { textOf } from "../../lambdas/to-parquet/convert/read-lines";
import type { QuarantineLine } from "../../schema/event";
import { type RawEvent, UNREADABLE } from "./seen";

/** What the ingest made of a line. */
export type Judged =
  | { event: RawEvent; length: number }
  | (Pick<Refused, "detail" | "payload" | "payload_encoding"> & {
      reason: Refused["reason"] | typeof UNREADABLE;
    });

/** Where a line came from. */
export interface Place {
  shardId: string;
  sequenceNumber: string;
  arrivalMs: number;
  position: number;
}

/** A line in S3. The ingest has judged it. */
export interface DeliveredLine {
  judged: Judged;
  place: Place;
}

/** `modifiedMs` is the object's: a line that cannot be read has no other time. */
export function deliveredLine(zone: Zone, bytes: Buffer, modifiedMs: number): DeliveredLine {
  const text = textOf(bytes);
  const line = (zone === "raw" ? accepted : refused)(text);
  if (line !== undefined && !Number.isNaN(line.place.arrivalMs)) return line;
  return {
    judged: {
      reason: UNREADABLE,
      detail: `A line under ${zone}/ cannot be read.`,
      payload: text ?? bytes.toString("base64"),
      payload_encoding: text === undefined ? "base64" : "utf8",
    },
    place: { shardId: "", sequenceNumber: "", arrivalMs: modifiedMs, position: 0 },
  };
}

function accepted(text: string | undefined): DeliveredLine | undefined {
  const event = parsed<RawEvent>(text);
  const { arrival } = event ?? {};
  if (typeof event?.event_id !== "string" || typeof event.event_time !== "string") return undefined;
  if (typeof arrival !== "object" || arrival === null) return undefined;
  return {
    judged: { event, length: text?.length ?? 0 },
    place: {
      shardId: arrival.shard_id,
      sequenceNumber: arrival.sequence_number,
      arrivalMs: Date.parse(arrival.time),
      position: arrival.position,
    },
  };
}

function refused(text: string | undefined): DeliveredLine | undefined {
  const line = parsed<QuarantineLine>(text);
  if (typeof line?.payload !== "string" || typeof line.arrival_time !== "string") return undefined;
  const { reason, detail, payload, payload_encoding, shard_id, sequence_number, position } = line;
  return {
    judged: { reason, detail, payload, payload_encoding },
    place: {
      shardId: shard_id,
      sequenceNumber: sequence_number,
      // Athena's form of a time in UTC.
      arrivalMs: Date.parse(`${line.arrival_time.replace(" ", "T")}Z`),
      position,
    },
  };
}

function parsed<Line extends object>(text: string | undefined): Line | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null ? (value as Line) : undefined;
  } catch {
    return undefined;
  }
}
