// Makes an id in the form of a UUID from a text. The same text always has the same id.

import { createHash } from "node:crypto";

export function hashId(text: string): string {
  const hash = createHash("sha256").update(text).digest("hex");
  return [0, 8, 12, 16, 20].map((at, index) => hash.slice(at, [8, 12, 16, 20, 32][index])).join("-");
}
