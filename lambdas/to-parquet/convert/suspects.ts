// The cheap first checks: whether a text may contain something that a privacy rule changes. They can be wrong in one
// direction only: they never miss a value. They decide what the rules are applied to, so they are the job's own.

import { javaRegex } from "./java-regex";
import { AGENTS, COLON, NAME_HINTS } from "./patterns";
import { matches } from "./rule";

export type Check = (text: string) => boolean;

const contains =
  (part: string): Check =>
  (text) =>
    text.includes(part);

function finds(pattern: string): Check {
  const compiled = javaRegex(pattern);
  return (text) => matches(compiled, text);
}

const any =
  (...checks: Check[]): Check =>
  (text) =>
    checks.some((check) => check(text));

/** True if a text may contain something that a rule of these fields changes. */
export function mayConcern(fields: readonly string[]): Check {
  const words = fields.flatMap((name) => NAME_HINTS[name] ?? [name.slice(name.lastIndexOf("_") + 1)]);
  const last = [...new Set(words.flatMap((word) => [word.slice(-1), word.slice(-1).toUpperCase()]))]
    .sort()
    .join("");
  const end = String.raw`[^A-Za-z=\"]{0,4}[=\"]`;
  const looks = [finds(String.raw`[=\"](?<=[${last}]${end})(?<=(?i:${words.join("|")})${end})`)];
  const escapes = ["3D|253D|5[Dd]="];
  if (fields.includes("email")) {
    looks.push(contains("@"), contains("u0040"));
    escapes.push("(?:25)?40");
  }
  if (fields.includes("ip")) {
    looks.push(finds("[.:][0-9A-Fa-f]{0,4}[.:]"));
    escapes.push("(?:25)?3[Aa][0-9A-Fa-f]{0,4}%");
  }
  if (fields.includes("user_agent")) {
    looks.push(
      contains("Mozilla"),
      finds(String.raw`/[0-9](?:[\w.]{0,20}[ +][(A-Za-z]|(?<=(?:^|[\"\n\s])(?:${AGENTS})/[0-9]))`),
    );
  }
  looks.push(finds(`%(?:${escapes.join("|")})`));
  return any(...looks);
}

export const mayHoldEmail = any(...["@", "%40", "%2540", "u0040"].map(contains));
export const mayHoldAddress = finds(
  String.raw`\.[0-9]{1,3}\.[0-9]|:[0-9A-Fa-f]{0,4}:|${COLON}[0-9A-Fa-f]{0,4}%(?:25)?3[Aa]`,
);
export const mayHoldAgent = any(
  contains("Mozilla"),
  finds(String.raw`/[0-9][0-9A-Za-z_.]{0,20}[ +][(A-Za-z]|\b(?:${AGENTS})/[0-9]`),
);
export const mayHoldParameter = any(...["=", "%3D", "%253D"].map(contains));
export const mayHoldMember = finds(String.raw`\"\s*:`);
