// Benchmark: events per core-second of the simulator, against one Faker call for each field of an event.

import { lanesFor, RecordPacker } from "../lambdas/shared/records";
import { type Line, Traffic } from "../lambdas/simulator/traffic";
import { bundle, compare, measure, printRows, type Row, runTask, runTasks, withinMemory } from "./measured";
import { fieldByField } from "./peers/simulator";

export interface SimulatorBenchOptions {
  rounds?: number;
  events?: number;
  /** For the check that memory does not grow. */
  fewEvents?: number;
  manyEvents?: number;
}

/** What shows in seconds that the benchmark runs to its end. */
export const SMALL: SimulatorBenchOptions = { rounds: 1, events: 1_000, fewEvents: 100, manyEvents: 1_000 };

const TARGET_RATIO = 5;
/** Allowance for V8's young generation, which 10,000 events do not fill, and for garbage that is not collected yet. */
const FLAT_SLACK_MB = 64;
const WARM_UP_PART = 5;
const SEED = 7;
const START_MS = Date.UTC(2026, 10, 21, 9);

export async function run(options: SimulatorBenchOptions = {}): Promise<Row[]> {
  const { rounds = 5, events = 200_000, fewEvents = 10_000, manyEvents = 1_000_000 } = options;
  const fieldEvents = String(Math.ceil(events / 10));
  const { path, dispose } = await bundle(__filename);
  try {
    const tasks = {
      lines: ["lines", String(events)],
      fieldLines: ["fields-lines", fieldEvents],
      records: ["records", String(events)],
      fieldRecords: ["fields-records", fieldEvents],
    };
    const medians = await runTasks(path, tasks, rounds);
    const few = await runTask(path, ["records", String(fewEvents)]);
    const many = await runTask(path, ["records", String(manyEvents)]);
    const of = (name: keyof typeof tasks) => medians[name] as NonNullable<(typeof medians)[string]>;
    return [
      compare(
        "events made, against a Faker call for each field",
        of("lines"),
        of("fieldLines"),
        TARGET_RATIO,
      ),
      compare("the same, packed into records", of("records"), of("fieldRecords"), TARGET_RATIO),
      withinMemory(
        `memory flat from ${fewEvents} (${Math.round(few.peakMemoryMb)} MB) to ${manyEvents} events`,
        many,
        Math.round(few.peakMemoryMb) + FLAT_SLACK_MB,
      ),
    ];
  } finally {
    dispose();
  }
}

function linesOf(task: string, events: number): Iterable<Line> {
  if (task.startsWith("fields")) return fieldByField(events, SEED, START_MS);
  const shares = { duplicates: 0, malformed: 0, late: 0, pii: 0 };
  return new Traffic({ events, seed: SEED, startMs: START_MS, ...shares }).lines();
}

function makeLines(task: string, events: number): number {
  let count = 0;
  let characters = 0;
  for (const line of linesOf(task, events)) {
    characters += line.text.length;
    count += 1;
  }
  return characters > 0 ? count : 0;
}

function makeRecords(task: string, events: number): number {
  const packer = new RecordPacker(lanesFor(events));
  let count = 0;
  for (const line of linesOf(task, events)) {
    count += packer.add(packer.laneOf(line.sessionId), line.text)?.lines ?? 0;
  }
  for (const record of packer.drain()) count += record.lines;
  return count;
}

if (require.main === module) {
  const [flag, task = "", events = "0"] = process.argv.slice(2);
  if (flag === "--task") {
    const work = task.endsWith("lines") ? makeLines : makeRecords;
    // Excludes work that happens once, in the first second of a process.
    work(task, Number(events) / WARM_UP_PART);
    void measure(() => work(task, Number(events)));
  } else {
    void run().then((rows) => printRows("events", rows));
  }
}
