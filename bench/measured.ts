// Runs a task of a benchmark in a separate process, several times, and compares medians.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The result of one run of a task. The child prints it as its only line. */
export interface Measured {
  /** Units of work done. */
  units: number;
  cpuSeconds: number;
  wallSeconds: number;
  peakMemoryMb: number;
}

export interface Row {
  name: string;
  /** Units per core-second. */
  ours: number;
  peer: number;
  /** Our rate divided by the baseline's, by CPU time. */
  ratio: number;
  /** The same by wall-clock time. Missing in rows about memory only. */
  wallRatio?: number;
  cpuSeconds: number;
  wallSeconds: number;
  peakMemoryMb: number;
  target: string;
  reached: boolean;
  /** What a profile shows, printed if the target is missed. */
  profile?: string;
}

export interface Bundle {
  path: string;
  dispose(): void;
}

/** Bundled like the Lambdas, so that neither a TypeScript loader nor its memory is measured. */
export async function bundle(entry: string): Promise<Bundle> {
  const folder = mkdtempSync(join(tmpdir(), "clickstream-bench-"));
  const path = join(folder, "index.js");
  // Loaded here, because the bundled task has no esbuild to load.
  const { build } = await import("esbuild");
  await build({
    entryPoints: [entry],
    outfile: path,
    bundle: true,
    platform: "node",
    target: "node20",
    external: ["esbuild"],
    logLevel: "error",
  });
  return { path, dispose: () => rmSync(folder, { recursive: true, force: true }) };
}

export async function runTask(path: string, args: readonly string[]): Promise<Measured> {
  const child = spawn(process.execPath, [path, "--task", ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString("utf8");
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`The task ${args.join(" ")} ended with code ${code}.`);
  return JSON.parse(output) as Measured;
}

/** Tasks take turns, so that other load on the machine affects all of them. */
export async function runTasks(
  path: string,
  tasks: Record<string, readonly string[]>,
  rounds: number,
): Promise<Record<string, Measured>> {
  const runs: Record<string, Measured[]> = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, args] of Object.entries(tasks)) {
      runs[name] = [...(runs[name] ?? []), await runTask(path, args)];
    }
  }
  return Object.fromEntries(Object.entries(runs).map(([name, all]) => [name, medianOf(all)]));
}

/** In the child: measures `work`, which returns the units done. */
export async function measure(work: () => number | Promise<number>): Promise<void> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  const units = await work();
  const used = process.cpuUsage(cpu);
  const measured: Measured = {
    units,
    cpuSeconds: (used.user + used.system) / 1e6,
    wallSeconds: (performance.now() - started) / 1000,
    peakMemoryMb: process.resourceUsage().maxRSS / 1024,
  };
  process.stdout.write(JSON.stringify(measured));
}

export function compare(name: string, ours: Measured, peer: Measured, atLeast: number): Row {
  const ratio = rate(ours) / rate(peer);
  return {
    name,
    ours: Math.round(rate(ours)),
    peer: Math.round(rate(peer)),
    ratio: rounded(ratio),
    wallRatio: rounded(ours.units / ours.wallSeconds / (peer.units / peer.wallSeconds)),
    cpuSeconds: rounded(ours.cpuSeconds),
    wallSeconds: rounded(ours.wallSeconds),
    peakMemoryMb: Math.round(ours.peakMemoryMb),
    target: `at least ${atLeast}x`,
    reached: ratio >= atLeast,
  };
}

/** A row about memory only, compared with a limit. */
export function withinMemory(name: string, ours: Measured, limitMb: number): Row {
  return {
    name,
    ours: Math.round(rate(ours)),
    peer: 0,
    ratio: rounded(ours.peakMemoryMb / limitMb),
    cpuSeconds: rounded(ours.cpuSeconds),
    wallSeconds: rounded(ours.wallSeconds),
    peakMemoryMb: Math.round(ours.peakMemoryMb),
    target: `under ${limitMb} MB`,
    reached: ours.peakMemoryMb < limitMb,
  };
}

export function printRows(unit: string, rows: readonly Row[]): void {
  console.table(
    rows.map(
      ({ name, ours, peer, ratio, wallRatio, cpuSeconds, wallSeconds, peakMemoryMb, target, reached }) => ({
        what: name,
        [`${unit}/core-s`]: ours,
        peer,
        "ratio (CPU)": ratio,
        "ratio (wall)": wallRatio ?? "",
        "CPU s": cpuSeconds,
        "wall s": wallSeconds,
        "peak MB": peakMemoryMb,
        target,
        reached: reached ? "yes" : "NO",
      }),
    ),
  );
}

function rate({ units, cpuSeconds }: Measured): number {
  return units / cpuSeconds;
}

/** The median of each figure. */
export function medianOf(runs: readonly Measured[]): Measured {
  const middle = (of: (run: Measured) => number): number => {
    const sorted = runs.map(of).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] as number;
  };
  return {
    units: middle((run) => run.units),
    cpuSeconds: middle((run) => run.cpuSeconds),
    wallSeconds: middle((run) => run.wallSeconds),
    peakMemoryMb: middle((run) => run.peakMemoryMb),
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
