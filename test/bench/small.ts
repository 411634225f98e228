// Runs one benchmark in its small form, as a person types it. It must print its figures, with any values.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { PROJECT_ROOT } from "../../stack/runs";

export function runsToItsEnd(name: string): void {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(PROJECT_ROOT, "cli", "main.mjs"), "bench", name, "--small"],
    { encoding: "utf8" },
  );
  assert.equal(status, 0, stderr);
  // The table's rows: a number, what was measured, how many a core-second.
  const rows = [...stdout.matchAll(/^│ \d+ +│ ['"](.+)['"] +│ (\d+) /gm)];
  assert.ok(rows.length > 0, stdout);
  for (const [, what, rate] of rows) assert.ok(Number(rate) > 0, `${what}: ${rate}`);
}
