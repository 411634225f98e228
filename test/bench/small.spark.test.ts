// The benchmarks that need Spark, in their small form: each runs to its end and prints its figures.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { PROJECT_ROOT } from "../../stack/runs";
import { runsToItsEnd } from "./small";

describe("npm run bench -- --small", function () {
  this.timeout(180_000);

  for (const bench of ["spark", "objects", "privacy"])
    it(`runs ${bench} to its end`, () => runsToItsEnd(bench));

  it("shows the CPU time of each step of the Spark job", () => {
    const python = join(PROJECT_ROOT, ".local", "venv", "bin", "python");
    const script = join(PROJECT_ROOT, "bench", "spark_profile.py");
    const { status, stdout, stderr } = spawnSync(python, [script, "--events", "500", "--runs", "1"], {
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    const seconds = [...stdout.matchAll(/^(\D+?) +(-?[\d.]+)$/gm)].map(
      ([, step, cpu]) => [step, Number(cpu)] as const,
    );
    const [whole, ...steps] = seconds.reverse();
    assert.equal(whole?.[0], "the whole job");
    assert.equal(steps.length, 7);
    const sum = steps.reduce((total, [, cpu]) => total + cpu, 0);
    assert.ok(whole[1] > 0 && Math.abs(sum - whole[1]) < 0.5, stdout);
  });
});
