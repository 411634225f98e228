// Runs one benchmark in its small form, as a person types it. It must print its figures.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { PROJECT_ROOT } from "../../stack/runs";

/** `hasZeros`: some of its figures are 0, such as the job's in an execution that starts none. */
export function runsToItsEnd(name: string, hasZeros = false): void {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(PROJECT_ROOT, "cli", "main.mjs"), "bench", name, "--small"],
    { encoding: "utf8" },
  );
  assert.equal(status, 0, stderr);
  // The table's rows: a number, what was measured, how many a core-second.
  const rows = [...stdout.matchAll(/^│ \d+ +│ ['"](.+)['"] +│ (\d+) /gm)];
  assert.ok(rows.length > 0, stdout);
  const zeros = rows.filter(([, , rate]) => Number(rate) === 0).map(([, what]) => what);
  if (hasZeros) assert.ok(zeros.length < rows.length, stdout);
  else assert.deepEqual(zeros, []);
}
