// Corrects event times by the error of the sender's clock: what the sender's clock said when it sent the request.

import { numberText } from "../ingest/json";
import { readTime } from "../ingest/normalise";
import { MINUTE_MS } from "../shared/durations";
import { parseEventTime } from "../shared/time";

/**
 * The error is rounded to whole minutes. A retry of a request then has the same error, although it took a different
 * time to arrive, and its events are copies of the first ones. Otherwise they would be other events with known ids.
 * Clocks that are at most half a minute off are not corrected.
 */
const STEP_MS = MINUTE_MS;

/** Milliseconds to add to the sender's times. 0 if the sender did not say when it sent the request. */
export function clockError(arrivalMs: number, sentAt: unknown): number {
  const sentMs = millisecondsOf(sentAt);
  if (sentMs === undefined) return 0;
  return Math.round((arrivalMs - sentMs) / STEP_MS) * STEP_MS;
}

/** The time as it was sent if the clock is right, or if it is not a time. */
export function corrected(time: unknown, errorMs: number): unknown {
  if (errorMs === 0) return time;
  const read = readTime(time);
  if (read === undefined) return time;
  const moved = new Date(read.epochMs + errorMs);
  return Number.isNaN(moved.getTime()) ? time : moved.toISOString();
}

/** ISO 8601, or milliseconds since 1970 as a number or as text. A clock can be wrong by decades. */
function millisecondsOf(time: unknown): number | undefined {
  const text = typeof time === "string" ? time.trim() : numberText(time);
  if (text === undefined) return undefined;
  if (/^\d{1,15}(?:\.\d+)?$/.test(text)) return Number(text);
  return parseEventTime(text)?.epochMs;
}
