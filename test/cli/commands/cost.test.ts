// npm run cost as a person types it: one JSON document, or one clear error.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(__dirname, "..", "..", "..");

function cost(...args: string[]) {
  return spawnSync(process.execPath, [join(ROOT, "cli", "main.mjs"), "cost", ...args], {
    encoding: "utf8",
  });
}

describe("cli/commands/cost", function () {
  this.timeout(120_000);

  it("answers with one document that adds up", () => {
    const { status, stdout, stderr } = cost("--events-per-day", "0", "--json");
    assert.equal(status, 0, stderr);
    const document = JSON.parse(stdout) as {
      monthlyUsd: number;
      perMillionEventsUsd: number | null;
      lines: { monthly: number }[];
      prices: { region: string; date: string };
    };
    assert.equal(document.perMillionEventsUsd, null);
    assert.match(document.prices.date, /^\d{4}-\d\d-\d\d$/);
    const sum = document.lines.reduce((total, { monthly }) => total + monthly, 0);
    assert.ok(Math.abs(sum - document.monthlyUsd) < 1e-9);
  });

  it("names the stacks that there are, and the configuration's own problems", () => {
    const unknown = cost("--stack", "nowhere");
    assert.equal(unknown.status, 1);
    assert.match(
      unknown.stderr,
      /^The stack nowhere has no configuration .* Stacks with one: arrival, dev, firehose, prod/,
    );
    const broken = cost("--set", "shardCount=0");
    assert.equal(broken.status, 1);
    assert.match(broken.stderr, /clickstream:shardCount must be an integer from 1 to 500, got "0"/);
    assert.doesNotMatch(broken.stderr, /\n\s+at /);
    const mistyped = cost("--set", "shardCount");
    assert.equal(mistyped.status, 2);
    assert.match(
      mistyped.stderr,
      /^--set must be KEY=VALUE, such as batchWindowSeconds=300, got "shardCount"/,
    );
  });
});
