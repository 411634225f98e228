// Finds the JSON values in a file or text, whatever its line breaks: pretty-printed, concatenated, arrays, batches.

import { MAX_RECORD_BYTES } from "../../lambdas/shared/records";
import { type Piece, PieceCollector } from "./pieces";

/** A batch of events can be one value. Each of its events must fit into a record. */
const MAX_VALUE_BYTES = 64 * MAX_RECORD_BYTES;

const [NEWLINE, QUOTE, COMMA, BACKSLASH] = [10, 34, 44, 92];
const [OPENING_BRACKET, CLOSING_BRACKET, OPENING_BRACE, CLOSING_BRACE] = [91, 93, 123, 125];
/** JSON's white space, and the separator of RFC 7464. */
const BLANKS: ReadonlySet<number> = new Set([9, 10, 13, 32, 0x1e]);

/**
 * The values of a file: the top-level ones, and the elements of a top-level array. Invalid text ends at the next line
 * that begins a value, so that one mistake costs one value.
 */
export async function* readValues(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Piece> {
  const splitter = new ValueSplitter();
  for await (const chunk of chunks) yield* splitter.split(chunk);
  yield* splitter.end();
}

class ValueSplitter {
  private readonly collector = new PieceCollector(MAX_VALUE_BYTES);
  private line = 1;
  private firstLine = 1;
  private isInArray = false;
  /** Nesting depth in the current value; 0 if it is neither object nor array. */
  private depth = 0;
  private state: "between" | "value" | "string" | "escape" | "scalar" | "broken" | "broken line start" =
    "between";

  *split(chunk: Buffer): Generator<Piece> {
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (this.state === "between") {
        if (this.begins(byte)) start = at;
      } else if (this.ends(byte)) {
        // A closing brace belongs to its value. A separator or the beginning of the next value does not.
        const isPart = this.state === "value";
        yield this.finish(chunk.subarray(start, isPart ? at + 1 : at));
        if (!isPart && this.begins(byte)) start = at;
      }
      if (byte === NEWLINE) this.line += 1;
    }
    if (this.state !== "between") this.collector.add(chunk.subarray(start));
  }

  *end(): Generator<Piece> {
    if (this.state !== "between" && !this.collector.isEmpty) yield this.finish(Buffer.alloc(0));
  }

  private begins(byte: number): boolean {
    if (BLANKS.has(byte) || byte === COMMA) return false;
    if (byte === OPENING_BRACKET && !this.isInArray) {
      this.isInArray = true;
      return false;
    }
    if (byte === CLOSING_BRACKET && this.isInArray) {
      this.isInArray = false;
      return false;
    }
    const isContainer = byte === OPENING_BRACE || byte === OPENING_BRACKET;
    this.depth = isContainer ? 1 : 0;
    this.state = isContainer ? "value" : "scalar";
    this.firstLine = this.line;
    return true;
  }

  private ends(byte: number): boolean {
    switch (this.state) {
      case "string":
        if (byte === QUOTE) this.state = "value";
        else if (byte === BACKSLASH) this.state = "escape";
        // JSON strings contain no line break, so the closing quote is missing.
        else if (byte === NEWLINE) this.state = "broken line start";
        return false;
      case "escape":
        this.state = byte === NEWLINE ? "broken line start" : "string";
        return false;
      case "scalar":
        return byte === NEWLINE || (this.isInArray && (byte === COMMA || byte === CLOSING_BRACKET));
      case "broken":
        if (byte === NEWLINE) this.state = "broken line start";
        return false;
      case "broken line start":
        if (byte === OPENING_BRACE || byte === OPENING_BRACKET) return true;
        if (!BLANKS.has(byte)) this.state = "broken";
        return false;
      default:
        return this.closes(byte);
    }
  }

  private closes(byte: number): boolean {
    if (byte === QUOTE) this.state = "string";
    else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) this.depth += 1;
    else if (byte === CLOSING_BRACE || byte === CLOSING_BRACKET) this.depth -= 1;
    return this.depth === 0;
  }

  private finish(last: Buffer): Piece {
    this.collector.add(last);
    this.state = "between";
    this.depth = 0;
    return this.collector.finish(this.firstLine);
  }
}

/** The values in a short text, each as its unchanged text. */
export function valuesIn(text: string): string[] {
  const splitter = new ValueSplitter();
  const pieces = [...splitter.split(Buffer.from(text)), ...splitter.end()];
  return pieces.map(({ bytes }) => bytes.toString("utf8").trimEnd());
}

/**
 * The events of `{"batch": [...]}`; undefined if the object is not a batch. The batch's other members stay around each
 * event: the ingest reads the result as a batch of one.
 */
export function batchIn(text: string, object: Readonly<Record<string, unknown>>): string[] | undefined {
  if (!Array.isArray(object.batch) || "event_type" in object) return undefined;
  const array = memberRange(text, "batch");
  if (array === undefined) return undefined;
  const events = valuesIn(text.slice(array.start, array.end));
  if (Object.keys(object).length === 1) return events;
  return events.map((event) => `${text.slice(0, array.start)}[${event}]${text.slice(array.end)}`);
}

/** Position of the value of the last member with that name, which is the one that JSON.parse takes. */
function memberRange(text: string, name: string): { start: number; end: number } | undefined {
  let found: { start: number; end: number } | undefined;
  const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g;
  let depth = 0;
  let key: string | undefined;
  let start = -1;
  for (const match of text.matchAll(token)) {
    const [part] = match;
    if (depth === 1 && (part === "," || part === "}") && key !== undefined) {
      if (key === name) found = { start, end: match.index };
      key = undefined;
      start = -1;
    } else if (depth === 1 && key === undefined && part.startsWith('"')) key = JSON.parse(part) as string;
    else if (depth === 1 && start === -1 && part === ":") start = match.index + 1;
    if (part === "{" || part === "[") depth += 1;
    else if (part === "}" || part === "]") depth -= 1;
  }
  return found;
}
