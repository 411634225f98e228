// Reads any JSON value as text, as Spark reads it into a string column: objects, arrays and numbers as compact JSON.

import type { JsonText } from "./json-text";

/** Null for JSON's null. */
export function readText(json: JsonText): string | null {
  const kind = json.kind();
  if (kind === "string") return withoutHalves(json.string());
  if (kind === "null") {
    json.word("null");
    return null;
  }
  return copy(json);
}

const SURROGATE = /[\ud800-\udfff]/;
const SURROGATES = /[\ud800-\udfff]/g;
/** With the flag u, a complete pair is one character and does not match. */
const HALF = /\p{Surrogate}/gu;

/** Java encodes an unpaired surrogate, which UTF-8 does not have, as a question mark. */
export function withoutHalves(text: string): string {
  return SURROGATE.test(text) ? text.replace(HALF, "?") : text;
}

function copy(json: JsonText): string {
  const kind = json.kind();
  switch (kind) {
    case "object": {
      const members: string[] = [];
      json.object((name) => members.push(`${quoted(name)}:${copy(json)}`));
      return `{${members.join(",")}}`;
    }
    case "array": {
      const elements: string[] = [];
      json.array(() => elements.push(copy(json)));
      return `[${elements.join(",")}]`;
    }
    case "string":
      return quoted(json.string());
    case "number":
      return numberText(json.number());
    case "not_finite":
      return `"${json.notFinite()}"`;
    default:
      json.word(kind);
      return kind;
  }
}

/** JSON.stringify writes control characters in lower case. Spark also escapes each half of a character beyond 16 bits. */
function quoted(text: string): string {
  const json = JSON.stringify(text).replace(/\\(?:u([0-9a-f]{4})|.)/g, (found, hex?: string) =>
    hex === undefined ? found : `\\u${hex.toUpperCase()}`,
  );
  return json.replace(SURROGATES, (half) => `\\u${half.charCodeAt(0).toString(16).toUpperCase()}`);
}

function numberText(number: string): string {
  if (/[.eE]/.test(number)) return javaDouble(Number(number));
  return number === "-0" ? "0" : number;
}

/** A number as Java writes it: 10.0, 1.0E7, 1.2E-4. */
function javaDouble(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [, sign = "", first = "", rest = "", exponent = "0"] =
    /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(value.toExponential()) ?? [];
  const power = Number(exponent);
  if (power < -3 || power >= 7) return `${sign}${first}.${rest || "0"}E${power}`;
  if (power < 0) return `${sign}0.${"0".repeat(-power - 1)}${first}${rest}`;
  const digits = `${first}${rest}`.padEnd(power + 1, "0");
  return `${sign}${digits.slice(0, power + 1)}.${digits.slice(power + 1) || "0"}`;
}
