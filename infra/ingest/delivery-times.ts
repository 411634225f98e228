// How long Firehose collects records: before it calls the ingest Lambda, and until the raw object is written.

const MOST_CALL_SECONDS = 30;

/** A tenth of what it collects for an object: so it adds little to the delay, and makes few calls where delay is allowed. */
export function callSeconds(bufferSeconds: number): number {
  return Math.min(MOST_CALL_SECONDS, Math.max(1, Math.floor(bufferSeconds / 10)));
}

/** From a record's arrival until Firehose writes its raw object. */
export function deliverySeconds(bufferSeconds: number): number {
  return bufferSeconds + callSeconds(bufferSeconds);
}
