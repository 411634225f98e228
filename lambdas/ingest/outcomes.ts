// Turns one Kinesis record into raw lines and quarantine entries, each piece exactly once. No I/O, never throws.

import type { QuarantineLine } from "../../schema/event";
import { readRefused } from "../shared/refused";
import { errorMessage, errorName } from "../shared/runtime";
import type { RecordContext, Rejection } from "./context";
import { skipBlanks } from "./json";
import { unpackedLimit } from "./limits";
import { normalise } from "./normalise";
import { type Piece, split } from "./split";
import { shortened } from "./surrogates";
import { type Unpacked, unpack } from "./unpack";

/** A raw line without its newline, or an entry for the quarantine. */
export type Outcome = string | Refused;

export interface Refused extends Rejection, Pick<QuarantineLine, "payload" | "payload_encoding"> {
  position: number;
}

export function* outcomes(data: Buffer, context: RecordContext): Generator<Outcome> {
  let position = 0;
  for (const part of unpacked(data)) {
    if (part.kind === "bytes") {
      yield { ...part.rejection, ...inBase64(part.bytes), position };
      position += 1;
    } else {
      const first = position;
      for (const piece of within(part)) {
        yield outcome(piece, position, context);
        position += 1;
      }
      if (position === first) {
        yield { ...EMPTY, payload: part.text, payload_encoding: "utf8", position };
        position += 1;
      }
    }
  }
}

const EMPTY: Rejection = { reason: "empty_record", detail: "The record contains only white space." };

function outcome(piece: Piece, position: number, context: RecordContext): Outcome {
  const refused = readRefused(piece.value);
  if (refused !== undefined) return { ...refused, position };
  const normalised = piece.rejection ?? normalisedSafely(piece, position, context);
  if (typeof normalised === "string") return normalised;
  return { ...normalised, payload: piece.payload, payload_encoding: "utf8", position };
}

function normalisedSafely(piece: Piece, position: number, context: RecordContext): string | Rejection {
  try {
    return normalise(piece.value, piece.json, position, context);
  } catch (error) {
    return unprocessable(error);
  }
}

/** If unpacking fails, yields the whole record after the parts that were already unpacked. */
function* unpacked(data: Buffer): Generator<Unpacked> {
  try {
    yield* unpack(data);
  } catch (error) {
    yield { kind: "bytes", bytes: data, rejection: unprocessable(error) };
  }
}

/** One bad line, or a bug in this program, must not stop the other lines from being written. */
function unprocessable(error: unknown): Rejection {
  return {
    reason: "unprocessable",
    detail: `The ingest failed on it: ${errorName(error)}: ${shortened(errorMessage(error), 200)}`,
  };
}

/** Yields the pieces. Everything over the limit is one piece, and so is text that cannot be split. */
function* within({ text, packedBytes, maxPieces }: Unpacked & { kind: "text" }): Generator<Piece> {
  let piecesLeft = maxPieces;
  let lengthLeft = Math.max(unpackedLimit(packedBytes), text.length);
  let done = 0;
  const pieces = split(text);
  while (true) {
    let next: IteratorResult<Piece>;
    try {
      next = pieces.next();
    } catch (error) {
      yield rest(text, done, unprocessable(error));
      return;
    }
    if (next.done) return;
    piecesLeft -= 1;
    lengthLeft -= next.value.json.length;
    if (piecesLeft < 0 || lengthLeft < 0) {
      yield rest(text, done, TOO_MUCH);
      return;
    }
    yield next.value;
    done = next.value.end;
  }
}

const TOO_MUCH: Rejection = {
  reason: "too_large",
  detail: "The record expands to more data than its size allows. This is the unread rest of it.",
};

function rest(text: string, from: number, rejection: Rejection): Piece {
  const json = text.slice(skipBlanks(text, from));
  return { json, payload: json, rejection, end: text.length };
}

function inBase64(bytes: Buffer): Pick<QuarantineLine, "payload" | "payload_encoding"> {
  return { payload: bytes.toString("base64"), payload_encoding: "base64" };
}
