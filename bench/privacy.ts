// Runs bench/privacy.py, and gives its figures as the other benchmarks do.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compare, type Measured, type Row } from "./measured";
import { runPython } from "./python";

export interface PrivacyBenchOptions {
  rounds?: number;
  events?: number;
}

/** What shows in seconds that the benchmark runs to its end. */
export const SMALL: PrivacyBenchOptions = { rounds: 1, events: 500 };

interface Taken {
  label: string;
  cpu: number;
  wall: number;
  memory: number;
}

interface Summary {
  events: number;
  taken: [keep: Taken, ...others: Taken[]];
}

export async function run({ rounds = 5, events = 100_000 }: PrivacyBenchOptions = {}): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "clickstream-bench-"));
  const file = join(folder, "privacy.json");
  try {
    const code = await runPython("privacy.py", [
      ...["--events", String(events), "--runs", String(rounds), "--json", file],
    ]);
    if (code !== 0) throw new Error(`bench/privacy.py ended with code ${code}: see above.`);
    const { events: rows, taken } = JSON.parse(readFileSync(file, "utf8")) as Summary;
    const measured = ({ cpu, wall, memory }: Taken): Measured => ({
      units: rows,
      cpuSeconds: cpu,
      wallSeconds: wall,
      peakMemoryMb: memory,
    });
    const [keep, ...others] = taken;
    // Figures without a target: what a rule costs is told, not bounded.
    return others.map((one) =>
      compare(`${one.label}, against ${keep.label}`, measured(one), measured(keep), 0),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
