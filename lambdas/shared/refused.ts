// What a sender puts into the stream in place of a line that it cannot send as an event: the line and the reason.
// The ingest quarantines the line itself under that reason, so that the quarantine says where and why.

import type { QuarantineLine } from "../../schema/event";

/** The one name of the JSON object that carries a refused line. No event has it. */
export const REFUSED_NAME = "clickstream_refused";

/** What a sender can say of a line: it knows the file and its format, the ingest sees records only. */
const REFUSED_REASONS = [
  "not_utf8",
  "not_json",
  "log_line",
  "not_a_log_line",
  "not_an_object",
  "too_large",
] as const;
export type RefusedReason = (typeof REFUSED_REASONS)[number];

export interface Refused extends Pick<QuarantineLine, "detail" | "payload" | "payload_encoding"> {
  reason: RefusedReason;
}

export function refusedLine(refused: Refused): string {
  return JSON.stringify({ [REFUSED_NAME]: refused });
}

/** Undefined for anything but what `refusedLine` writes: an object of a producer's is checked as an event. */
export function readRefused(value: unknown): Refused | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const refused = (value as Record<string, unknown>)[REFUSED_NAME];
  if (typeof refused !== "object" || refused === null || Object.keys(value).length !== 1) return undefined;
  const { reason, detail, payload, payload_encoding } = refused as Record<string, unknown>;
  if (!(REFUSED_REASONS as readonly unknown[]).includes(reason)) return undefined;
  if (typeof detail !== "string" || typeof payload !== "string") return undefined;
  if (payload_encoding !== "utf8" && payload_encoding !== "base64") return undefined;
  return { reason: reason as RefusedReason, detail, payload, payload_encoding };
}
