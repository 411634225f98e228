// npm run report where Athena refuses a query, and where no stack runs: one clear error and no file.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AthenaClient,
  GetQueryExecutionCommand,
  StartQueryExecutionCommand,
} from "@aws-sdk/client-athena";
import { makeReport } from "../../../cli/report/make";
import { QueryFailed } from "../../../stack/athena";

const MAIN = join(__dirname, "..", "..", "..", "cli", "main.mjs");

function report(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "report", ...args], {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  return { status, stdout, stderr };
}

/** Fails the query on devices, and has asked it once. */
class FakeAthena {
  readonly asked: string[] = [];

  async send(command: unknown) {
    if (command instanceof StartQueryExecutionCommand) {
      this.asked.push(command.input.QueryString ?? "");
      return { QueryExecutionId: String(this.asked.length - 1) };
    }
    if (command instanceof GetQueryExecutionCommand) {
      const fails = this.asked[Number(command.input.QueryExecutionId)]?.includes("'browser'");
      const Status = fails
        ? { State: "FAILED", StateChangeReason: "Query exhausted resources" }
        : { State: "SUCCEEDED" };
      return { QueryExecution: { Status } };
    }
    return { ResultSet: {} };
  }
}

describe("cli/commands/report", function () {
  this.timeout(60_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "report-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("writes no file if Athena refuses one of the queries, and asks each for the dates only", async () => {
    const athena = new FakeAthena();
    const source = {
      ...{ athena: athena as unknown as AthenaClient, database: "db", workgroup: "wg" },
      ...{ name: "dev", rawBucket: "raw" },
    };
    const file = join(folder, "report.html");
    await assert.rejects(
      makeReport(source, { from: "2026-11-01", to: "2026-11-02" }, file, 0),
      (error: unknown) =>
        error instanceof QueryFailed &&
        error.message === "Query exhausted resources" &&
        error.sql.includes("'browser'"),
    );
    assert.ok(!existsSync(file));
    assert.equal(athena.asked.length, 9);
    for (const sql of athena.asked) {
      assert.match(sql, /DATE '2026-11-01'[\s\S]*DATE '2026-11-02'/);
      assert.doesNotMatch(sql, /current_date|\{\{/);
    }
    assert.ok(athena.asked.some((sql) => sql.includes("arrival_day >= date_format(DATE '2026-11-01'")));
  });

  it("says which stack is not running, in words and as JSON", () => {
    const out = join(folder, "other.html");
    const { status, stdout, stderr } = report("--run", "nope", "--out", out, "--json");
    assert.equal(status, 1);
    assert.match(stderr, /nope/);
    assert.equal(JSON.parse(stdout).error, stderr.trim());
    assert.ok(!existsSync(out));
  });

  it("refuses dates in the wrong order before it opens a stack", () => {
    const { status, stderr } = report("--run", "nope", "--from", "2026-02-02", "--to", "2026-02-01");
    assert.equal(status, 1);
    assert.equal(
      stderr,
      "--from must not be after --to, got --from 2026-02-02, and the report ends with --to 2026-02-01.\n",
    );
  });
});
