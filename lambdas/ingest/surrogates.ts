// Replaces unpaired surrogates, which are valid in JSON but not in UTF-8: `\ud83d` becomes these six characters.

import type { JsonObject } from "./json";

const ESCAPED_SURROGATE = /\\u[dD][89a-fA-F]/;
/** With the flag u, a complete pair is one character and does not match. */
const HALF = /\p{Surrogate}/gu;

/** False for nearly every line. UTF-8 cannot encode an unpaired surrogate, so only an escape can contain one. */
export function mayHaveHalves(json: string): boolean {
  return json.includes("\\u") && ESCAPED_SURROGATE.test(json);
}

/** Cleans the names and strings of an event. Deeper values become JSON text, which keeps the escape. */
export function withoutHalves(event: JsonObject): JsonObject {
  const cleaned = cleanedObject(event);
  for (const name of ["geo", "properties"]) {
    const value = cleaned[name];
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      cleaned[name] = cleanedObject(value as JsonObject);
    }
  }
  return cleaned;
}

function cleanedObject(object: JsonObject): JsonObject {
  const names = new Set(Object.keys(object));
  // Without a prototype, so that no name has a special meaning.
  const cleaned: JsonObject = Object.create(null);
  for (const [name, value] of Object.entries(object)) {
    cleaned[cleanedName(name, names)] = typeof value === "string" ? cleanedText(value) : value;
  }
  return cleaned;
}

/** The cleaned name may already exist as another name. */
function cleanedName(name: string, taken: Set<string>): string {
  const clean = cleanedText(name);
  if (clean === name) return name;
  let free = clean;
  for (let count = 2; taken.has(free); count += 1) free = `${clean}_${count}`;
  taken.add(free);
  return free;
}

function cleanedText(text: string): string {
  return text.replace(HALF, (half) => `\\u${half.charCodeAt(0).toString(16)}`);
}

/** The first characters of a text. Does not cut a surrogate pair. */
export function shortened(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length).replace(/[\ud800-\udbff]$/, "")}…` : text;
}
