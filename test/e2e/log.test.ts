import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { expectFromLog } from "./oracle";

const ROOT = resolve(__dirname, "../..");
/** 10,000 real requests, where they are at hand; a few made-up ones always. */
const REAL_LOG = process.env.CLICKSTREAM_ACCESS_LOG ?? resolve(ROOT, "../shared/data/access.log");
const LOGS = [join(ROOT, "test/fixtures/access.log"), ...(existsSync(REAL_LOG) ? [REAL_LOG] : [])];

interface RunDocument {
  execution: { name: string; status: string; seconds: number };
  sent: number;
  curated: number;
  quarantined: number;
  duplicates: number;
  partitions: string[];
  mails: { to: string; subject: string; body: string }[];
  queries: { sql: string; columns: string[]; rows: unknown[][] }[];
}

async function npmStart(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn("npm", ["start", "--silent", "--", ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const code = await new Promise<number | null>((done) => child.on("close", done));
  return { code, stdout, stderr };
}

const QUERIES = [
  "SELECT CAST(event_date AS varchar), count(*) FROM events GROUP BY 1 ORDER BY 1",
  "SELECT properties['status'], count(*) FROM events GROUP BY 1 ORDER BY 1",
  "SELECT DISTINCT ip FROM events ORDER BY 1",
  "SELECT payload FROM quarantine ORDER BY 1",
  "SELECT DISTINCT event_type FROM events",
];

for (const log of LOGS) {
  describe(`e2e: npm start --silent -- --json --file ${log === REAL_LOG ? "(10,000 real requests)" : "test/fixtures/access.log"}`, function () {
    this.timeout(180_000);
    let document: RunDocument;
    const expected = expectFromLog(log);

    before(async () => {
      const { code, stdout, stderr } = await npmStart(
        "--file",
        log,
        "--json",
        ...QUERIES.flatMap((sql) => ["--query", sql]),
      );
      assert.equal(code, 0, stderr.slice(-4000));
      document = JSON.parse(stdout);
    });

    it("curates each request once, on its UTC day, and quarantines each other line unchanged", () => {
      const rows = document.queries.map(({ rows }) => rows);
      const lines = expected.requests + expected.others.length;
      assert.deepEqual(rows[0], [...expected.byDay].sort());
      assert.deepEqual(rows[1], [...expected.byStatus].sort());
      assert.deepEqual(
        rows[2],
        [...expected.networks].sort().map((network) => [network]),
      );
      assert.deepEqual(
        rows[3],
        expected.others.sort().map((line) => [line]),
      );
      assert.deepEqual(rows[4], [["page_view"]]);
      assert.deepEqual(
        [document.sent, document.curated, document.quarantined, document.duplicates],
        [lines, expected.requests, expected.others.length, 0],
      );
      assert.deepEqual(document.partitions, [...expected.byDay.keys()].sort());
    });

    it("ends SUCCEEDED, and its mail is in the document", () => {
      assert.equal(document.execution.status, "SUCCEEDED");
      assert.ok(document.execution.seconds > 0);
      assert.equal(document.mails.length, 1);
      assert.match(document.mails[0]?.subject ?? "", new RegExp(expected.requests.toLocaleString("en-US")));
    });
  });
}
