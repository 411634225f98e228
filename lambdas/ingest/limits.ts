// Limits for one Kinesis record. A record over a limit is quarantined. It never fails the batch.

import type { Rejection } from "./context";

/**
 * Maximum nesting depth of an event, including the event itself. Real events are far below it. Jackson, the JSON
 * parser of Spark and Athena, fails at 1,000 levels, and JSON.stringify at a few thousand.
 */
export const MAX_DEPTH = 100;
export const TOO_DEEP: Rejection = {
  reason: "too_deep",
  detail: `Objects and arrays nest more than ${MAX_DEPTH} levels deep.`,
};

/** Maximum characters in one JSON text, the same as Kinesis' default record limit. Parsed, it takes up to 60 MB. */
export const MAX_TEXT_LENGTH = 1024 * 1024;

/** For longer texts the nesting is checked before parsing: parsing a million levels takes 200 MB. */
export const LONG_TEXT_LENGTH = 64 * 1024;
/** Levels that an array or a batch adds around an event. */
export const ENVELOPE_LEVELS = 2;

/** Maximum decompressed bytes of a record. Ten times the compressed size is common, 200 times is not. */
const MAX_UNPACKED_BYTES = 10 * 1024 * 1024;
const MAX_EXPANSION = 200;

/** Depends only on the record's size, so that a redelivered record makes the same lines. */
export function unpackedLimit(recordBytes: number): number {
  return Math.min(MAX_UNPACKED_BYTES, MAX_EXPANSION * recordBytes);
}

/** Maximum number of pieces in gzip data. An event takes at least ten compressed bytes. */
export function gzipPiecesLimit(recordBytes: number): number {
  return Math.ceil(recordBytes / 4);
}
