// Runs bench/spark.py and returns its figures in the form of the other benchmarks.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compare, type Measured, type Row, withinMemory } from "./measured";
import { runPython } from "./python";

export interface SparkBenchOptions {
  rounds?: number;
  events?: number;
  /** For the row about memory. */
  large?: number;
}

/** What shows in seconds that the benchmark runs to its end. */
export const SMALL: SparkBenchOptions = { rounds: 1, events: 500, large: 1000 };

interface Taken {
  cpu: number;
  wall: number;
  memory: number;
}

interface Summary {
  events: number;
  large: Taken & { events: number };
  median: Record<"job" | "plain" | "duckdb", Taken>;
  target: { ratio: number; memory_mb: number };
}

const PROFILE =
  "docs/performance.md says where the time goes and what was tried. Measure it again with bench/spark_profile.py.";

export async function run(options: SparkBenchOptions = {}): Promise<Row[]> {
  const { rounds = 5, events = 1_000_000, large = 5_000_000 } = options;
  const folder = mkdtempSync(join(tmpdir(), "clickstream-bench-"));
  const file = join(folder, "spark.json");
  try {
    await runPython("spark.py", [
      ...["--events", String(events), "--large", String(large), "--runs", String(rounds), "--json", file],
    ]);
    // The script ends with 1 where a target was missed, too: it is the figures that say whether it came to its end.
    if (!existsSync(file)) throw new Error("bench/spark.py ended without figures: see above.");
    const summary = JSON.parse(readFileSync(file, "utf8")) as Summary;
    const of = (task: keyof Summary["median"]) => asMeasured(summary.median[task], summary.events);
    const what = (count: number) => `Spark job on ${count.toLocaleString("en-US")} events`;
    return [
      {
        ...compare(`${what(events)}, against a plain script`, of("job"), of("plain"), summary.target.ratio),
        profile: PROFILE,
      },
      withinMemory(what(large), asMeasured(summary.large, summary.large.events), summary.target.memory_mb),
      // For comparison: one process without the overhead of a cluster, on the same rows.
      compare(`DuckDB making the same rows, against the plain script`, of("duckdb"), of("plain"), 0),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function asMeasured({ cpu, wall, memory }: Taken, units: number): Measured {
  return { units, cpuSeconds: cpu, wallSeconds: wall, peakMemoryMb: memory };
}
