// The list of words that the spelling check takes beside its dictionaries.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT_ROOT } from "../stack/runs";

describe(".cspell/words.txt", () => {
  it("is sorted, lower case, and has no word twice", () => {
    const words = readFileSync(join(PROJECT_ROOT, ".cspell", "words.txt"), "utf8")
      .trimEnd()
      .split("\n");
    assert.deepEqual(words, [...new Set(words.map((word) => word.toLowerCase()))].sort());
  });
});
