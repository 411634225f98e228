// npm run bench: runs all or the named benchmarks, each against a naive baseline, and writes a table and a JSON file.

import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { BenchOptions } from "../cli/arguments/types";
import * as collector from "./collector";
import * as growth from "./growth";
import * as ingest from "./ingest";
import { printRows, type Row } from "./measured";
import * as objects from "./objects";
import * as pipeline from "./pipeline";
import * as privacy from "./privacy";
import * as simulator from "./simulator";
import * as spark from "./spark";
import * as ways from "./ways";

interface Benchmark {
  run: (options: { rounds?: number }) => Promise<Row[]>;
  /** The options of the small form. */
  SMALL: { rounds?: number };
  /** Where the rows are not events a core-second against a naive baseline. */
  print?: (rows: readonly Row[]) => void;
}

const BENCHMARKS: Record<string, Benchmark> = {
  simulator,
  ingest,
  pipeline,
  spark,
  objects,
  privacy,
  growth,
  collector,
  ways,
};

async function main({ names, rounds, small }: BenchOptions): Promise<number> {
  const results: Record<string, Row[]> = {};
  for (const name of names.length > 0 ? names : Object.keys(BENCHMARKS)) {
    const benchmark = BENCHMARKS[name];
    if (!benchmark) throw new Error(`There is no benchmark ${name}.`);
    console.error(`Running ${name} …`);
    results[name] = await benchmark.run({ ...(small && benchmark.SMALL), ...(rounds && { rounds }) });
    console.log(`\n${name}`);
    const print = benchmark.print ?? ((rows) => printRows("events", rows));
    print(results[name]);
  }
  // The small form's figures say nothing: neither kept nor compared with a target.
  return small ? 0 : report(results);
}

function report(results: Record<string, Row[]>): number {
  const file = join(resolve(__dirname, ".."), ".local", "bench.json");
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  const missed = Object.values(results).flatMap((rows) => rows.filter(({ reached }) => !reached));
  console.log(`\nWritten to .local/bench.json. ${missed.length === 0 ? "All targets reached." : "Missed:"}`);
  for (const { name, ratio, target, profile } of missed) {
    console.log(`  ${name}: ${ratio}, target ${target}${profile ? `\n    ${profile}` : ""}`);
  }
  return missed.length === 0 ? 0 : 1;
}

main(JSON.parse(process.argv[2] ?? '{"names":[]}') as BenchOptions).then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    console.error(error.message);
    process.exitCode = 2;
  },
);
