// Reads the CPU time and the memory of a process and its descendants from Linux.

import { readdirSync, readFileSync } from "node:fs";

/** Linux reports in hundredths of a second on every platform that Node runs on. */
const TICKS_PER_SECOND = 100;

interface ProcessTimes {
  parent: number;
  /** User and system time, including ended children. */
  seconds: number;
}

export function treeCpuSeconds(root = process.pid): number {
  const all = processes();
  return tree(all, root).reduce((sum, pid) => sum + (all.get(pid)?.seconds ?? 0), 0);
}

/** What each process held at most, added up: no less than the peak of all of them. */
export function treePeakMb(root: number): number {
  return tree(processes(), root).reduce((sum, pid) => sum + peakMb(pid), 0);
}

/** Whether a process is this one or a descendant. */
export function isBelow(pid: number, root: number): boolean {
  return tree(processes(), root).includes(pid);
}

function processes(): Map<number, ProcessTimes> {
  const all = new Map<number, ProcessTimes>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const times = readTimes(Number(name));
    if (times) all.set(Number(name), times);
  }
  return all;
}

function tree(all: ReadonlyMap<number, ProcessTimes>, root: number): number[] {
  return [...all.keys()].filter((pid) => {
    for (let at: number | undefined = pid; at; at = all.get(at)?.parent) if (at === root) return true;
    return false;
  });
}

function peakMb(pid: number): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kilobytes ?? 0) / 1024;
  } catch {
    return 0; // it has ended
  }
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
