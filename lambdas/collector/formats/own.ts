// Our own format: events of the contract as one JSON object, as an array, or as lines of JSON.

import { type JsonObject, mayLoseDigits, parseExactly } from "../../ingest/json";
import { type Piece, split } from "../../ingest/split";
import { clockError, corrected } from "../clock";
import type { FormatContext, Part } from "../format";
import { sentId } from "../ids";
import { isAbsent, isObject, textOf } from "../json";

/** The ingest's own splitting, so that a body and a Kinesis record have the same events in them. */
export function* readOwn(text: string, sentAt: unknown, context: FormatContext): Generator<Part> {
  const errorMs = clockError(context.arrivalMs, sentAt);
  let done = 0;
  const pieces = split(text);
  while (true) {
    let next: IteratorResult<Piece>;
    try {
      next = pieces.next();
    } catch {
      yield { asItCame: text.slice(done) };
      return;
    }
    if (next.done) return;
    done = next.value.end;
    yield part(next.value, errorMs, context);
  }
}

function part(piece: Piece, errorMs: number, { ids }: FormatContext): Part {
  const sent = piece.rejection === undefined ? piece.value : undefined;
  if (!isObject(sent) || textOf(sent.event_type) === undefined) return { asItCame: piece.payload };
  const event: JsonObject = mayLoseDigits(piece.json)
    ? (parseExactly(piece.json) as JsonObject)
    : { ...sent };
  if (hasNoId(event)) event.event_id = ids.of(piece.json);
  const timeField = isAbsent(event.event_time) ? "timestamp" : "event_time";
  if (!isAbsent(event[timeField])) event[timeField] = corrected(event[timeField], errorMs);
  return { event };
}

/** An id of a wrong type is left to the ingest, which refuses it. */
function hasNoId({ event_id }: JsonObject): boolean {
  return isAbsent(event_id) || (typeof event_id === "string" && sentId(event_id) === undefined);
}
