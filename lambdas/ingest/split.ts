// Splits text into events: one per line, several per line, pretty-printed, or in arrays or batches.

import type { Rejection } from "./context";
import {
  containerEnd,
  deepestLevel,
  elementRanges,
  faultInWords,
  isContainerStart,
  type JsonObject,
  memberRanges,
  parseJson,
  type Range,
  skipBlanks,
  trimBlanks,
} from "./json";
import {
  ENVELOPE_LEVELS,
  LONG_TEXT_LENGTH,
  MAX_DEPTH,
  MAX_TEXT_LENGTH,
  TOO_DEEP,
  unpackedLimit,
} from "./limits";
import { HOW_TO_SEND_LOGS, looksLikeLogLine } from "./log-line";

/** A possible event, or why it is not one. */
export interface Piece {
  /** The result of JSON.parse(json). Undefined if there is a rejection. */
  value?: unknown;
  /** The event's JSON text. */
  json: string;
  /** The payload for the quarantine if the event is rejected: the text as it arrived, trimmed. */
  payload: string;
  rejection?: Rejection;
  /** Its end in the text. Everything before this position was already returned. */
  end: number;
}

const BYTE_ORDER_MARK = 0xfeff;
/** How many times a text may be read in total to find the ends of values that span lines. */
const MAX_READINGS = 4;
/** Maximum indentation, in characters, of a line in a pretty-printed block. */
const INDENTATION = 256;

/** Returns everything except white space exactly once, in order. */
export function* split(text: string): Generator<Piece> {
  const lines = new LineSplitter(text);
  for (let piece = lines.next(); piece !== undefined; piece = lines.next()) {
    const isArray = Array.isArray(piece.value);
    if (!isArray && !isBatch(piece.value)) {
      yield piece;
      continue;
    }
    // Its elements are parsed again one at a time. All at once would take many times the memory of the text.
    piece.value = undefined;
    yield* isArray ? fromArray(piece) : fromBatch(piece);
  }
}

/** Returns the JSON values one by one, or a line that is not JSON. */
class LineSplitter {
  private at = 0;
  private lineEnd = -1;
  /** Up to this position the line contains only JSON objects and arrays. */
  private knownUntil = 0;
  private readingsLeft: number;

  constructor(private readonly text: string) {
    this.readingsLeft = MAX_READINGS * text.length;
  }

  next(): Piece | undefined {
    const { text } = this;
    while (this.at < text.length) {
      if (this.at > this.lineEnd) {
        const newline = text.indexOf("\n", this.at);
        this.lineEnd = newline === -1 ? text.length : newline;
      }
      const from = skipBlanks(text, this.at, this.lineEnd);
      if (from < this.knownUntil) return this.value(from, containerEnd(text, from));
      // A byte order mark at the start of a file is not part of the first event.
      const isMark = text.charCodeAt(from) === BYTE_ORDER_MARK;
      const start = isMark ? skipBlanks(text, from + 1, this.lineEnd) : from;
      const end = trimBlanks(text, start, this.lineEnd);
      if (start < end) return this.line(from, start, end);
      this.at = this.lineEnd + 1;
    }
    return undefined;
  }

  private line(from: number, start: number, end: number): Piece {
    const json = this.text.slice(start, end);
    if (json.length > MAX_TEXT_LENGTH) return this.rejected(from, end, tooLong(json));
    if (isTooDeepToParse(json)) return this.rejected(from, end, TOO_DEEP);
    try {
      const value = parseJson(json);
      this.at = end;
      return { value, json, payload: from === start ? json : this.text.slice(from, end), end };
    } catch {
      return this.several(start, end) ?? this.pretty(start, end) ?? this.broken(from, start, end);
    }
  }

  private value(start: number, end: number): Piece {
    this.at = end;
    const json = this.text.slice(start, end);
    return { value: JSON.parse(json), json, payload: json, end };
  }

  /** The first of several values on one line, if the line contains only values. */
  private several(start: number, end: number): Piece | undefined {
    const line = this.text.slice(start, end);
    let valueEnd = 0;
    for (let at = 0; at < line.length; at = skipBlanks(line, valueEnd)) {
      if (!isContainerStart(line.charCodeAt(at))) return undefined;
      valueEnd = containerEnd(line, at);
      if (valueEnd === -1 || !isJson(line.slice(at, valueEnd))) return undefined;
    }
    this.knownUntil = end;
    return this.value(start, containerEnd(this.text, start));
  }

  /** A value that ends on a later line. */
  private pretty(start: number, lineEnd: number): Piece | undefined {
    const { text } = this;
    if (!isContainerStart(text.charCodeAt(start)) || this.readingsLeft <= 0) return undefined;
    const end = containerEnd(text, start);
    this.readingsLeft -= (end === -1 ? text.length : end) - start;
    if (end <= lineEnd) return undefined;
    const json = text.slice(start, end);
    if (json.length > MAX_TEXT_LENGTH) return undefined;
    return isJson(json) ? this.value(start, end) : undefined;
  }

  private broken(from: number, start: number, lineEnd: number): Piece {
    const end = this.blockEnd(lineEnd);
    const json = this.text.slice(start, end);
    return this.rejected(from, end, end - start > MAX_TEXT_LENGTH ? tooLong(json) : whyNotJson(json));
  }

  /** The end of a pretty-printed block. A mistake in the block then makes one quarantine line, not one for each line. */
  private blockEnd(lineEnd: number): number {
    const { text } = this;
    if (!"{[,".includes(text.charAt(lineEnd - 1)) || this.readingsLeft <= 0) return lineEnd;
    let next = text.indexOf("\n", lineEnd) + 1;
    while (next > 0 && /^[ \t]+[^\s{]/.test(text.slice(next, next + INDENTATION))) {
      next = text.indexOf("\n", next) + 1;
    }
    this.readingsLeft -= (next > 0 ? next : text.length) - lineEnd;
    if (next === 0 || !/[}\]]/.test(text.charAt(next))) return lineEnd;
    const newline = text.indexOf("\n", next);
    return trimBlanks(text, next, newline === -1 ? text.length : newline);
  }

  private rejected(from: number, end: number, rejection: Rejection): Piece {
    this.at = end;
    const payload = this.text.slice(from, end);
    return { json: payload, payload, rejection, end };
  }
}

function isTooDeepToParse(json: string): boolean {
  return json.length > LONG_TEXT_LENGTH && deepestLevel(json) > MAX_DEPTH + ENVELOPE_LEVELS;
}

function isJson(text: string): boolean {
  if (isTooDeepToParse(text)) return false;
  try {
    parseJson(text);
    return true;
  } catch {
    return false;
  }
}

function tooLong(json: string): Rejection {
  const [length, limit] = [json.length, MAX_TEXT_LENGTH].map((count) => count.toLocaleString("en-US"));
  return {
    reason: "too_large",
    detail: `The JSON text has ${length} characters, the limit is ${limit}. Send one event per line.`,
  };
}

function whyNotJson(json: string): Rejection {
  if (looksLikeLogLine(json)) {
    return {
      reason: "log_line",
      detail: `This looks like a line of an access log or a system log, not JSON. ${HOW_TO_SEND_LOGS}.`,
    };
  }
  if (deepestLevel(json) > MAX_DEPTH) return TOO_DEEP;
  return { reason: "not_json", detail: `Not valid JSON: ${faultInWords(json)}.` };
}

function* fromArray({ json, payload, end }: Piece): Generator<Piece> {
  let events = 0;
  for (const range of elementRanges(json)) {
    const text = json.slice(range.start, range.end);
    yield { value: JSON.parse(text), json: text, payload: text, end: end - json.length + range.end };
    events += 1;
  }
  if (events === 0) yield { json, payload, end, rejection: empty("array") };
}

function empty(kind: string): Rejection {
  return { reason: "empty_record", detail: `The ${kind} contains no event.` };
}

/** Segment's format: `{"batch": [events], …}`. An event can have a field `batch` too, but it also has a type. */
function isBatch(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { batch, event_type } = value as JsonObject;
  return Array.isArray(batch) && event_type === undefined;
}

/** The fields next to `batch` apply to each event that does not have the field itself. */
function* fromBatch({ json, payload, end }: Piece): Generator<Piece> {
  const members = memberRanges(json);
  const { value } = members.findLast(({ name }) => name === "batch") as { value: Range };
  const shared = members
    .filter(({ name }) => name !== "batch")
    .map(({ name, member, value }) =>
      OWN_TO_EACH_EVENT.has(name)
        ? `"batch.${name}":${json.slice(value.start, value.end)}`
        : json.slice(member.start, member.end),
    )
    .join(",");
  let events = 0;
  for (const _ of elementRanges(json, value.start)) events += 1;
  if (events === 0) yield { json, payload, end, rejection: empty("batch") };
  else if ((json.length - (value.end - value.start)) * events > unpackedLimit(json.length)) {
    yield { json, payload, end, rejection: tooMuchShared(events) };
  } else {
    for (const range of elementRanges(json, value.start)) yield batchPiece(json, shared, value, range, end);
  }
}

/** Not shared: an id belongs to one event, and an event's own properties would replace those of the batch. */
const OWN_TO_EACH_EVENT: ReadonlySet<string> = new Set(["event_id", "properties"]);

function batchPiece(json: string, shared: string, batch: Range, event: Range, end: number): Piece {
  const own = json.slice(event.start, event.end);
  // In the quarantine, the event keeps the rest of its batch. Nothing is lost, and it can be sent again.
  const payload = `${json.slice(0, batch.start + 1)}${own}${json.slice(batch.end - 1)}`;
  const members = own.startsWith("{") ? own.slice(1, -1).trim() : undefined;
  const merged =
    members === undefined ? own : `{${shared}${shared !== "" && members !== "" ? "," : ""}${members}}`;
  return { value: JSON.parse(merged), json: merged, payload, end: end - json.length + event.end };
}

function tooMuchShared(events: number): Rejection {
  return {
    reason: "too_large",
    detail: `The fields next to "batch" are too large to repeat in each of its ${events} events. Send smaller batches.`,
  };
}
