// The format for a line that a sender cannot send as an event: the line and the reason.
// The ingest quarantines the line with that reason, so that the quarantine shows where the line was and why it failed.

import type { QuarantineLine } from "../../schema/event";

/** The only member of the JSON object that contains a refused line. No event has this name. */
export const REFUSED_NAME = "clickstream_refused";

/** The reasons that a sender can give. It knows the file and its format. The ingest only sees records. */
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

/** Returns undefined for anything that `refusedLine` did not write. Objects of producers are checked as events. */
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
