// Runs bench/objects.py and returns its figures in the form of the other benchmarks.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compare, type Measured, type Row } from "./measured";
import { runPython } from "./python";

export interface ObjectsBenchOptions {
  rounds?: number;
  events?: number;
}

/** What shows in seconds that the benchmark runs to its end. */
export const SMALL: ObjectsBenchOptions = { rounds: 1, events: 1000 };

const MOST_WALL = 1.15;

interface Taken {
  cpu: number;
  wall: number;
  memory: number;
}

export async function run({ rounds = 5, events = 500_000 }: ObjectsBenchOptions = {}): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "clickstream-bench-"));
  const file = join(folder, "objects.json");
  try {
    const code = await runPython("objects.py", [
      ...["--events", String(events), "--runs", String(rounds), "--json", file],
    ]);
    if (code !== 0) throw new Error(`bench/objects.py ended with code ${code}: see above.`);
    const { few, many } = JSON.parse(readFileSync(file, "utf8")) as { few: Taken; many: Taken };
    const measured = ({ cpu, wall, memory }: Taken): Measured => ({
      units: events,
      cpuSeconds: cpu,
      wallSeconds: wall,
      peakMemoryMb: memory,
    });
    const name = `${events.toLocaleString("en-US")} events in 1,000 raw objects, against 10`;
    return [
      {
        ...compare(name, measured(many), measured(few), 0),
        target: `at most ${MOST_WALL}x the wall time`,
        reached: many.wall <= MOST_WALL * few.wall,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
