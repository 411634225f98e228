// What one Kinesis record may become. A record beyond a limit goes to the quarantine; it never ends the batch.

import type { Rejection } from "./context";

/**
 * Levels of objects and arrays in an event, the event itself counted. No real event comes near it. Jackson, which
 * Spark and Athena read JSON with, stops at 1,000 levels, and JSON.stringify at some thousands.
 */
export const MAX_DEPTH = 100;
export const TOO_DEEP: Rejection = {
  reason: "too_deep",
  detail: `Objects and arrays nest more than ${MAX_DEPTH} levels deep.`,
};

/** Characters in one JSON text: Kinesis' own default limit for a record. Parsed, it takes up to 60 MB. */
export const MAX_TEXT_LENGTH = 1024 * 1024;

/** Beyond so many characters, nesting is counted before the text is parsed: a million levels take 200 MB. */
export const LONG_TEXT_LENGTH = 64 * 1024;
/** The levels of an array or a batch around an event. */
export const ENVELOPE_LEVELS = 2;

/** Bytes that a compressed record may unpack to. Ten times what it took on its way is common, 200 times is not. */
const MAX_UNPACKED_BYTES = 10 * 1024 * 1024;
const MAX_EXPANSION = 200;

/** Depends on nothing but the record's size, so that a record that is delivered again makes the same lines. */
export function unpackedLimit(recordBytes: number): number {
  return Math.min(MAX_UNPACKED_BYTES, MAX_EXPANSION * recordBytes);
}

/** Pieces that gzip may hold: a line of an event takes ten bytes of it and more. */
export function gzipPiecesLimit(recordBytes: number): number {
  return Math.ceil(recordBytes / 4);
}
