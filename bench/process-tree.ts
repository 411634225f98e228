// Reads the CPU time of this process and its descendants from Linux.

import { readdirSync, readFileSync } from "node:fs";

/** Linux reports in hundredths of a second on every platform that Node runs on. */
const TICKS_PER_SECOND = 100;

interface ProcessTimes {
  parent: number;
  /** User and system time, including ended children. */
  seconds: number;
}

export function treeCpuSeconds(root = process.pid): number {
  const all = new Map<number, ProcessTimes>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const times = readTimes(Number(name));
    if (times) all.set(Number(name), times);
  }
  let sum = 0;
  for (const [pid, { seconds }] of all) if (isBelow(all, pid, root)) sum += seconds;
  return sum;
}

function readTimes(pid: number): ProcessTimes | undefined {
  try {
    // The name, in parentheses, can contain spaces, so the fields are counted after it.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    const ticks = fields.slice(11, 15).reduce((total, value) => total + Number(value), 0);
    return { parent: Number(fields[1]), seconds: ticks / TICKS_PER_SECOND };
  } catch {
    return undefined; // it has ended; its time is included in its parent's
  }
}

function isBelow(all: ReadonlyMap<number, ProcessTimes>, pid: number, root: number): boolean {
  for (let at: number | undefined = pid; at; at = all.get(at)?.parent) if (at === root) return true;
  return false;
}
