// JSON functions that JSON.parse lacks: where values end, numbers with their original digits, clear syntax errors.

import { LosslessNumber, parse } from "lossless-json";

export type JsonObject = Record<string, unknown>;

/** From `start` (included) to `end` (excluded). */
export interface Range {
  start: number;
  end: number;
}

const NEWLINE = 10;
const QUOTE = 34;
const COMMA = 44;
const MINUS = 45;
const ZERO = 48;
const NINE = 57;
const COLON = 58;
const OPENING_BRACKET = 91;
const BACKSLASH = 92;
const CLOSING_BRACKET = 93;
const OPENING_BRACE = 123;
const CLOSING_BRACE = 125;

/** JSON's white space. */
function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 13 || code === NEWLINE;
}

/** The first position at or after `at` that is not white space. */
export function skipBlanks(text: string, at: number, end = text.length): number {
  let start = at;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  return start;
}

export function trimBlanks(text: string, start: number, at: number): number {
  let end = at;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return end;
}

/** The position after the object or array at `start`, or -1 if it has no end. Does not check that it is JSON. */
export function containerEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = stringEnd(text, at) - 1;
      if (at < start) return -1;
    } else if (code === OPENING_BRACE || code === OPENING_BRACKET) {
      depth += 1;
    } else if (code === CLOSING_BRACE || code === CLOSING_BRACKET) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return -1;
}

/** The position after the closing quote, or -1 if the line has none. JSON strings contain no newlines. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) at += 1;
    else if (code === NEWLINE) return -1;
  }
  return -1;
}

/** The nesting depth of objects and arrays in a text that may be invalid JSON. */
export function deepestLevel(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = stringEnd(text, at);
      if (end === -1) break;
      at = end - 1;
    } else if (isContainerStart(code)) {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (code === CLOSING_BRACE || code === CLOSING_BRACKET) {
      depth -= 1;
    }
  }
  return deepest;
}

export function isContainerStart(code: number): boolean {
  return code === OPENING_BRACE || code === OPENING_BRACKET;
}

/** Yields the range of each element of the array at `start`. The text must be valid JSON. */
export function* elementRanges(text: string, start = 0): Generator<Range> {
  let at = skipBlanks(text, start + 1);
  while (text.charCodeAt(at) !== CLOSING_BRACKET) {
    const range = { start: at, end: valueEnd(text, at) };
    yield range;
    at = next(text, range.end);
  }
}

/** The range of each member, and of its value, of the object at the start of the text. It must be valid JSON. */
export function memberRanges(text: string): { name: string; member: Range; value: Range }[] {
  const members: { name: string; member: Range; value: Range }[] = [];
  let at = skipBlanks(text, 1);
  while (text.charCodeAt(at) !== CLOSING_BRACE) {
    const nameEnd = stringEnd(text, at);
    const start = skipBlanks(text, skipBlanks(text, nameEnd) + 1);
    const end = valueEnd(text, start);
    const name = JSON.parse(text.slice(at, nameEnd)) as string;
    members.push({ name, member: { start: at, end }, value: { start, end } });
    at = next(text, end);
  }
  return members;
}

/** The start of the next element or member, or the position of the closing bracket. */
function next(text: string, valueEnd: number): number {
  const at = skipBlanks(text, valueEnd);
  return text.charCodeAt(at) === COMMA ? skipBlanks(text, at + 1) : at;
}

function valueEnd(text: string, start: number): number {
  const code = text.charCodeAt(start);
  if (isContainerStart(code)) return containerEnd(text, start);
  if (code === QUOTE) return stringEnd(text, start);
  let end = start;
  while (end < text.length && !isScalarEnd(text.charCodeAt(end))) end += 1;
  return end;
}

function isScalarEnd(code: number): boolean {
  return code === COMMA || code === CLOSING_BRACE || code === CLOSING_BRACKET || isBlank(code);
}

/** True if objects and arrays nest deeper than `levels`. Recurses no deeper than `levels`. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  for (const name in value) {
    const member = (value as JsonObject)[name];
    if (typeof member === "object" && isDeeperThan(member, levels - 1)) return true;
  }
  return false;
}

/** JSON.parse without a stack trace for invalid text. Making the trace takes longer than the parsing. */
export function parseJson(text: string): unknown {
  return withoutTraces(JSON.parse, text);
}

function withoutTraces(work: (text: string) => unknown, text: string): unknown {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work(text);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** A number where JSON can have one. Such text can also occur inside strings. */
const NUMBER = /[:,[]\s*(-?\d[\d.eE+-]*)(?=\s*[,}\]])/g;

/** False if every number is written as JavaScript writes it. Can return true although no digits would be lost. */
export function mayLoseDigits(text: string): boolean {
  for (const [, digits] of text.matchAll(NUMBER)) {
    if (!isExact(digits as string)) return true;
  }
  return false;
}

function isExact(digits: string): boolean {
  return String(Number(digits)) === digits;
}

/**
 * JSON.parse, except that a number that JavaScript would write differently becomes a LosslessNumber with the
 * original text. V8's own parser makes the objects. Parsers in JavaScript make them by assignment: then an object
 * with a name such as "322" takes 4 KB, and a record full of them needs more memory than the function has.
 */
export function parseExactly(text: string): unknown {
  return untagged(JSON.parse(tagged(text)));
}

const STRING_TAG = "s";
const NUMBER_TAG = "n";

/** Adds a tag at the start of each string value, and turns such numbers into tagged strings. */
function tagged(text: string): string {
  const parts: string[] = [];
  let done = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = stringEnd(text, at);
      // Invalid JSON: JSON.parse will throw.
      if (end === -1) return text;
      if (text.charCodeAt(skipBlanks(text, end)) !== COLON) {
        parts.push(text.slice(done, at + 1), STRING_TAG);
        done = at + 1;
      }
      at = end - 1;
    } else if (code === MINUS || (code >= ZERO && code <= NINE)) {
      JSON_NUMBER_HERE.lastIndex = at;
      const digits = JSON_NUMBER_HERE.exec(text)?.[0] ?? "-";
      if (digits !== "-" && !isExact(digits)) {
        parts.push(text.slice(done, at), `"${NUMBER_TAG}${digits}"`);
        done = at + digits.length;
      }
      at += digits.length - 1;
    }
  }
  parts.push(text.slice(done));
  return parts.join("");
}

const JSON_NUMBER_HERE = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** Changes objects and arrays in place. */
function untagged(value: unknown): unknown {
  if (typeof value === "string") {
    return value.startsWith(NUMBER_TAG) ? new LosslessNumber(value.slice(1)) : value.slice(1);
  }
  if (typeof value !== "object" || value === null) return value;
  const container = value as JsonObject;
  for (const name in container) container[name] = untagged(container[name]);
  return value;
}

/** The text of a number as it was sent, or undefined for any other value. */
export function numberText(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  // Check the class: an event can contain an object with the same members that the library checks.
  return value instanceof LosslessNumber ? value.value : undefined;
}

/** The compact JSON text of a value from JSON.parse or parseExactly. */
export function jsonText(value: unknown): string {
  if (value instanceof LosslessNumber) return value.value;
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, member]) => `${JSON.stringify(name)}:${jsonText(member)}`,
  );
  return `{${members.join(",")}}`;
}

/** JSON text without any line separator. JSON.stringify escapes only those in ASCII. */
export function jsonLine(value: unknown): string {
  const text = JSON.stringify(value);
  // Plain searches are much faster than a regular expression.
  const isOneLine = !text.includes("\u2028") && !text.includes("\u2029") && !text.includes("\u0085");
  return isOneLine
    ? text
    : text.replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029").replaceAll("\u0085", "\\u0085");
}

/** The syntax error and its position, for a text that JSON.parse rejects. It must not nest deeper than MAX_DEPTH. */
export function faultInWords(text: string, firstLine = 1): string {
  // The parser makes objects by assignment: see parseExactly. A name with a leading 0 or a letter is not an index.
  const withoutIndexes = text.replace(ESCAPED_DIGIT, "\\u0061").replace(INDEX_NAME, '"0');
  try {
    withoutTraces(parseForFaults, withoutIndexes);
  } catch (error) {
    const [, what, position] = /^(.*?) at position (\d+)$/s.exec((error as Error).message) ?? [];
    if (what === undefined) return (error as Error).message;
    const at = Number(position);
    const [sent, seen] = [text.charAt(at), withoutIndexes.charAt(at)];
    const asSent = sent === seen ? what : what.replace(`'${seen}'`, `'${sent}'`);
    return `${visible(asSent)}, ${placeInWords(text, at, firstLine)}`;
  }
  return "it is not valid JSON";
}

const ESCAPED_DIGIT = /\\u003\d/g;
/** The first digit of a name that consists of several digits. */
const INDEX_NAME = /"\d(?=\d+"[ \t\r\n]*:)/g;

function parseForFaults(text: string): unknown {
  return parse(text, undefined, { parseNumber: () => 0, onDuplicateKey: () => undefined });
}

/** Escapes line separators and control characters: the wrong character can be one of them. */
function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function placeInWords(text: string, position: number, firstLine: number): string {
  let line = firstLine;
  let lineStart = 0;
  for (let end = text.indexOf("\n"); end !== -1 && end < position; end = text.indexOf("\n", lineStart)) {
    line += 1;
    lineStart = end + 1;
  }
  return `line ${line}, column ${position - lineStart + 1}`;
}
