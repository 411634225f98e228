// Tests the lengths of time that the tree goes by, and that they are written once.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { DAY_MS, DAY_SECONDS, HOUR_MS, HOUR_SECONDS, MINUTE_MS } from "../../../lambdas/shared/durations";

const ROOT = join(__dirname, "..", "..", "..");
/** What has no code of ours, the tests, which say by hand what they expect, and the tracker, which imports nothing of the Lambdas. */
const LEFT_OUT = new Set(["node_modules", "test", "docs", "tracker"]);
const DURATION = /\b(?:60_?000|3_?600_?000|86_?400_?000|86_?400|3_?600)\b/;

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (LEFT_OUT.has(entry.name) || entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (/\.m?ts$/.test(entry.name)) yield path;
  }
}

/** Code without comments and texts: a command for a person may well have a number of seconds in it. */
function code(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/gm, "");
}

describe("lambdas/shared/durations", () => {
  it("has the correct lengths", () => {
    const [midnight, minute, hour, day] = ["T00:00", "T00:01", "T01:00"]
      .map((time) => Date.parse(`2026-11-21${time}:00Z`))
      .concat(Date.parse("2026-11-22T00:00:00Z")) as [number, number, number, number];
    assert.deepEqual([MINUTE_MS, HOUR_MS, DAY_MS], [minute - midnight, hour - midnight, day - midnight]);
    assert.deepEqual([HOUR_SECONDS, DAY_SECONDS], [3600, 86_400]);
  });

  it("is the only place with these numbers", () => {
    const others = [...sources(ROOT)]
      .filter((path) => DURATION.test(code(readFileSync(path, "utf8"))))
      .map((path) => relative(ROOT, path));
    assert.deepEqual(others, [join("lambdas", "shared", "durations.ts")]);
  });
});
