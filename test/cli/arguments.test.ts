// The command line: what is accepted, and the one clear error for everything else.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { COMMANDS } from "../../cli/arguments/commands.mjs";
import { noteOnBanner, readArguments } from "../../cli/arguments/read.mjs";
import { UsageError } from "../../cli/arguments/usage-error.mjs";

const ROOT = join(__dirname, "..", "..");

function refusal(...argv: string[]): string {
  try {
    readArguments(argv);
  } catch (error) {
    assert(error instanceof UsageError);
    assert.equal(error.exitCode, 2);
    return error.message.split("\n")[0] ?? "";
  }
  assert.fail(`accepted ${argv.join(" ")}`);
}

function options(...argv: string[]): Record<string, unknown> {
  const request = readArguments(argv);
  assert(request.help === undefined);
  return request.options;
}

describe("cli/arguments", () => {
  it("takes every option of npm start", () => {
    const path = join(ROOT, "package.json");
    assert.deepEqual(
      options("start", "--file", path, "--query", "SELECT 1", "--query=SELECT 2", "--json", "--keep"),
      {
        file: path,
        query: ["SELECT 1", "SELECT 2"],
        json: true,
        keep: true,
      },
    );
    assert.deepEqual(options("start", "--events", "300", "--seed", "0"), { events: 300, seed: 0 });
    assert.deepEqual(options("start"), {});
  });

  it("names the argument, what was given and what is allowed", () => {
    assert.equal(
      refusal("start", "--events", "0"),
      '--events must be a whole number from 1 to 100000000, got "0".',
    );
    assert.equal(
      refusal("start", "--events", "-1"),
      '--events must be a whole number from 1 to 100000000, got "-1".',
    );
    assert.equal(
      refusal("start", "--events", "abc"),
      '--events must be a whole number from 1 to 100000000, got "abc".',
    );
    assert.equal(
      refusal("start", "--seed", "1.5"),
      '--seed must be a whole number from 0 to 2147483647, got "1.5".',
    );
    assert.equal(refusal("start", "--query", " "), '--query must be a SQL statement, got " ".');
    assert.match(
      refusal("start", "--file", "/no/such.log"),
      /^--file .* got "\/no\/such\.log", which does not exist\.$/,
    );
    assert.match(refusal("start", "--file", ROOT), /^--file .*, which is a directory\.$/);
  });

  it("rejects unknown options, missing values and options that exclude each other", () => {
    assert.match(
      refusal("start", "--evnts", "4"),
      /^Unknown option --evnts\. Did you mean --events\? Allowed are --events, .*--help\.$/,
    );
    assert.equal(refusal("start", "--file", "--json"), "--file needs a value: --file PATH.");
    assert.equal(refusal("start", "--events"), "--events needs a value: --events N.");
    assert.equal(
      refusal("start", "--events", "1", "--events", "2"),
      "--events was given twice: give it once.",
    );
    assert.match(refusal("start", "200"), /^Unexpected argument "200": options go after a separate --/);
    const path = join(ROOT, "package.json");
    assert.match(
      refusal("start", "--file", path, "--events", "5"),
      /^--file and --events exclude each other/,
    );
    assert.match(refusal("query"), /^SQL is missing\.$/);
    assert.match(
      refusal("query", "SELECT", "1"),
      /^Unexpected argument "1": put the whole SQL between quotes\.$/,
    );
  });

  it("says which command or option was probably meant, of every command", () => {
    assert.match(
      refusal("strat"),
      /^Unknown command strat\. Did you mean start\? Allowed are start, .*bench\.$/,
    );
    assert.match(refusal("zzzzzzzzzz"), /^Unknown command zzzzzzzzzz\. Allowed are start, /);
    assert.match(refusal(), /^No command was given\. Allowed are start, /);
    for (const command of Object.keys(COMMANDS)) {
      assert.match(
        refusal(command, "--hel"),
        /^Unknown option --hel\. Did you mean --help\? Allowed are .*--help\.$/,
        command,
      );
    }
  });

  it("takes the dates and the file of a report", () => {
    assert.deepEqual(options("report"), {});
    const out = join(ROOT, "report-of-january.html");
    assert.deepEqual(
      options("report", "--stack", "dev", "--from", "2024-02-29", "--to=2024-03-01", "--out", out, "--json"),
      { stack: "dev", from: "2024-02-29", to: "2024-03-01", out, json: true },
    );
    for (const wrong of [
      "2026-02-29",
      "2026-13-01",
      "2026-1-1",
      "yesterday",
      "2026-01-01T00:00:00Z",
      "20260101",
    ]) {
      assert.equal(
        refusal("report", "--from", wrong),
        `--from must be a date such as 2026-01-31, got "${wrong}".`,
      );
    }
    assert.equal(
      refusal("report", "--to", ""),
      "--to must be a date such as 2026-01-31, got an empty string.",
    );
    assert.match(
      refusal("report", "--out", "/no/such/report.html"),
      /^--out must be a file in a folder that exists, got "\/no\/such\/report.html"\. To create the folder: mkdir -p \/no\/such$/,
    );
    assert.match(refusal("report", "--out", ROOT), /^--out must be a file, got .*, which is a folder\.$/);
    assert.match(refusal("report", "--stack", "a", "--run", "b"), /^--run and --stack exclude each other/);
  });

  it("takes the days of a simulated history", () => {
    assert.deepEqual(options("start", "--days", "30"), { days: 30 });
    assert.equal(
      refusal("start", "--days", "367"),
      '--days must be a whole number from 1 to 366, got "367".',
    );
    const path = join(ROOT, "package.json");
    assert.match(refusal("start", "--file", path, "--days", "3"), /^--file and --days exclude each other/);
  });

  it("accepts only the names of benchmarks", () => {
    assert.deepEqual(options("bench"), { names: [] });
    assert.deepEqual(options("bench", "spark", "ingest", "--rounds", "2", "--small"), {
      names: ["spark", "ingest"],
      rounds: 2,
      small: true,
    });
    assert.equal(
      refusal("bench", "sparc"),
      'NAME must be one of simulator, ingest, pipeline, spark, objects, privacy, growth, collector, ways, got "sparc". Did you mean spark?',
    );
  });

  it("accepts SQL that begins with a comment", () => {
    for (const sql of ["-- all of it\nSELECT 1", "--x\nSELECT 1", "--x=1\nSELECT 1", "--json\nSELECT 1"]) {
      assert.deepEqual(options("query", sql), { sql }, sql);
      assert.deepEqual(options("query", sql, "--json"), { sql, json: true }, sql);
      assert.deepEqual(options("start", "--query", sql), { query: [sql] }, sql);
      assert.deepEqual(options("start", `--query=${sql}`), { query: [sql] }, sql);
    }
    assert.equal(refusal("start", "--query", "--json"), "--query needs a value: --query SQL.");
    assert.match(refusal("query", "--jsn"), /^Unknown option --jsn/);
    assert.match(refusal("start", "-- a comment\nSELECT 1"), /^Unexpected argument "-- a comment/);
  });

  it("takes standard input and pipes for a file, and a log's format with a file only", () => {
    assert.deepEqual(options("start", "--file", "-"), { file: "-" });
    assert.deepEqual(options("start", "--file", "/dev/null"), { file: "/dev/null" });
    assert.deepEqual(options("start", "--file", "-", "--log-format", "$remote_addr"), {
      file: "-",
      "log-format": "$remote_addr",
    });
    assert.equal(refusal("start", "--log-format", "combined"), "--log-format requires --file.");
  });

  it("reads the input of an execution as a JSON object", () => {
    assert.deepEqual(options("execute", '{"fullRepair": true}'), { input: { fullRepair: true } });
    assert.deepEqual(options("execute"), { input: {} });
    assert.match(refusal("execute", "{x"), /^INPUT JSON must be a JSON object, got "\{x": /);
    assert.match(refusal("execute", "[1]"), /^INPUT JSON must be a JSON object such as/);
  });

  it("detects options that npm used itself because the separate -- is missing", () => {
    const env = { npm_lifecycle_event: "start", npm_config_events: "true" };
    assert.throws(
      () => readArguments(["start"], env),
      /npm used --events itself: write a separate -- before it/,
    );
  });

  it("accepts npm's own options in a person's .npmrc", () => {
    const env = { npm_lifecycle_event: "empty-buckets", npm_config_yes: "", npm_config_json: "true" };
    assert.doesNotThrow(() => readArguments(["empty-buckets", "--stack", "dev"], env));
  });

  it("answers a wrong argument with exit code 2, on stderr, before anything is set up or started", () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(ROOT, "cli", "main.mjs"), "start", "--events", "0"],
      { encoding: "utf8", env: { PATH: "/nowhere" } },
    );
    assert.equal(status, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /^--events must be/);
  });

  it("has a help text with all options for every command", () => {
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(ROOT, "cli", "main.mjs"), "start", "--help"],
      {
        encoding: "utf8",
        env: { PATH: "/nowhere" },
      },
    );
    assert.equal(status, 0);
    for (const option of [
      "--events N",
      "--seed S",
      "--file PATH",
      "--log-format FORMAT",
      "--query SQL",
      "--json",
      "--keep",
    ]) {
      assert(stdout.includes(option), option);
    }
  });

  it("says how to get JSON without npm's banner, where npm printed one", () => {
    const started = (npm: Record<string, string>, ...argv: string[]) => {
      const request = readArguments(argv);
      assert(request.help === undefined);
      return noteOnBanner(request, npm);
    };
    const byNpm = { npm_lifecycle_event: "start" };
    assert.equal(
      started(byNpm, "start", "--json"),
      "npm prints a banner before the JSON. For the JSON alone: npm start --silent -- --json …",
    );
    assert.equal(started(byNpm, "start"), undefined);
    assert.equal(started({ ...byNpm, npm_config_loglevel: "silent" }, "start", "--json"), undefined);
    assert.equal(started({}, "start", "--json"), undefined);
    assert.equal(
      started({ npm_lifecycle_event: "query" }, "query", "SELECT 1", "--json"),
      "npm prints a banner before the JSON. For the JSON alone: npm run --silent query -- --json …",
    );
  });

  it("lets npm name a script that does not exist, and prints only JSON with --silent", () => {
    const npm = (...args: string[]) => spawnSync("npm", args, { cwd: ROOT, encoding: "utf8" });
    const mistyped = npm("run", "checks");
    assert.equal(mistyped.status, 1);
    assert.match(mistyped.stderr, /Missing script: "checks"/);
    const { stdout, stderr } = npm("run", "--silent", "cost", "--", "--events-per-day", "1000", "--json");
    assert.equal(typeof JSON.parse(stdout), "object", stderr);
    assert.equal(stderr, "");
  });
});
