// Writes a quarantine line. A long payload is written in parts: 10 MB of control characters are 60 MB of JSON.

import type { QuarantineLine } from "../../schema/event";
import type { RecordContext } from "./context";
import type { GzipObject } from "./gzip-object";
import { jsonLine } from "./json";
import type { Refused } from "./outcomes";

/** Characters of a payload written at a time. */
const PART_LENGTH = 64 * 1024;

export function addQuarantineLine(object: GzipObject, refused: Refused, context: RecordContext): void {
  const entry: QuarantineLine = {
    reason: refused.reason,
    detail: refused.detail,
    payload: refused.payload,
    payload_encoding: refused.payload_encoding,
    shard_id: context.shardId,
    sequence_number: context.sequenceNumber,
    position: refused.position,
    arrival_time: `${context.arrivalTime.slice(0, 10)} ${context.arrivalTime.slice(11, 23)}`,
  };
  if (entry.payload.length <= PART_LENGTH) object.add(jsonLine(entry));
  else object.addInParts(lineInParts(entry));
}

/** Yields the same text as jsonLine, in parts. */
function* lineInParts({ reason, detail, payload, ...rest }: QuarantineLine): Generator<string> {
  yield `${jsonLine({ reason, detail }).slice(0, -1)},"payload":"`;
  for (let start = 0; start < payload.length; ) {
    const end = start + PART_LENGTH;
    // Half a surrogate pair would be written as an escape.
    const part = payload.slice(start, isHighSurrogate(payload.charCodeAt(end - 1)) ? end - 1 : end);
    yield jsonLine(part).slice(1, -1);
    start += part.length;
  }
  yield `",${jsonLine(rest).slice(1)}`;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
