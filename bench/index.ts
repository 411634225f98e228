// npm run bench: all benchmarks, or those that are named, each beside a plainly written peer; a table and a JSON file.

import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { run as ingest } from "./ingest";
import { printRows, type Row } from "./measured";
import { run as pipeline } from "./pipeline";
import { run as simulator } from "./simulator";
import { run as spark } from "./spark";

const FILE = join(resolve(__dirname, ".."), ".local", "bench.json");

interface Benchmark {
  unit: string;
  run: (options: { rounds?: number }) => Promise<Row[]>;
}

const BENCHMARKS: Record<string, Benchmark> = {
  simulator: { unit: "events", run: simulator },
  ingest: { unit: "events", run: ingest },
  pipeline: { unit: "events", run: pipeline },
  spark: { unit: "events", run: spark },
};

const HELP = `npm run bench -- [${Object.keys(BENCHMARKS).join(" | ")} ...] [--rounds N]

Without names all are run, for some twenty minutes on two cores. Each figure is the median of N rounds (default 5), in
which ours and the peer take turns; of Spark each has a process, and a cold round first. The result is printed, and written to .local/bench.json.`;

function readArguments(): { names: string[]; rounds: number | undefined } | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { rounds: { type: "string" }, help: { type: "boolean", short: "h" } },
  });
  if (values.help) return undefined;
  const unknown = positionals.filter((name) => !(name in BENCHMARKS));
  if (unknown.length > 0) {
    throw new Error(
      `There is no benchmark ${unknown.join(", ")}: there are ${Object.keys(BENCHMARKS).join(", ")}.`,
    );
  }
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
    throw new Error(`--rounds must be a whole number from 1, got ${values.rounds}.`);
  }
  return { names: positionals.length > 0 ? positionals : Object.keys(BENCHMARKS), rounds };
}

async function main(): Promise<number> {
  const asked = readArguments();
  if (!asked) {
    console.log(HELP);
    return 0;
  }
  const results: Record<string, Row[]> = {};
  for (const name of asked.names) {
    const { unit, run } = BENCHMARKS[name] as Benchmark;
    console.error(`Running ${name} …`);
    const rows = await run(asked.rounds === undefined ? {} : { rounds: asked.rounds });
    results[name] = rows;
    console.log(`\n${name}`);
    printRows(unit, rows);
  }
  mkdirSync(join(FILE, ".."), { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(results, null, 2)}\n`);
  const missed = Object.values(results).flatMap((rows) => rows.filter(({ reached }) => !reached));
  console.log(`\nWritten to .local/bench.json. ${missed.length === 0 ? "All targets reached." : "Missed:"}`);
  for (const { name, ratio, target, profile } of missed) {
    console.log(`  ${name}: ${ratio}, target ${target}${profile ? `\n    ${profile}` : ""}`);
  }
  return missed.length === 0 ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    console.error(error.message);
    process.exitCode = 2;
  },
);
