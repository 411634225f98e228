// Benchmark: an execution on lakes of different age, on the local stack. The same new events must cost the same.
//
// Each lake is made in the emulator's memory (bench/grown_lake.py). Then the whole pipeline runs, with 20,000 new
// events and with none, and after it the saved queries. Calls and bytes are those of requests.jsonl, CPU and memory those of the Glue job's processes.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AthenaClient, BatchGetNamedQueryCommand, ListNamedQueriesCommand } from "@aws-sdk/client-athena";
import { SFNClient } from "@aws-sdk/client-sfn";
import { type Call, readCalls } from "../local/requests";
import { type LocalStack, upStack } from "../local/stack";
import { runQuery } from "../stack/athena";
import { type Execution, followExecution, startExecution } from "../stack/execution";
import type { Row } from "./measured";
import { isBelow, treeCpuSeconds, treePeakMb } from "./process-tree";

export interface GrowthBenchOptions {
  rounds?: number;
  /** The ages of the lakes, from the youngest to the oldest. */
  days?: number[];
  events?: number;
  /** Rows of a date. */
  eventsADay?: number;
}

/** What shows in a minute that the benchmark runs to its end. */
export const SMALL: GrowthBenchOptions = { rounds: 1, days: [1, 2], events: 50, eventsADay: 240 };

const TARGET_RATIO = 1.15;
const UPGRADED_DAYS = 100;
const RETENTION_HOURS = 24;
const SAMPLE_MILLISECONDS = 150;
const WALL = "wall s";
const CPU = "job: CPU s";
const PEAK = "job: peak MB";
/** A job of half a second is sampled a few times only, so a smaller difference says nothing. */
const CPU_RESOLUTION_SECONDS = 0.3;
/** The emulator, with a path that makes a lake. */
const LAUNCHER = join(__dirname, "growth_emulator.py");
const LAKE_PATH = "/_ministack/grown-lake";

/** What one execution took, by the name of the figure. */
type Figures = Record<string, number>;

interface Lake {
  days: number;
  /** As the version without a head object leaves it. */
  legacy: boolean;
  eventsADay: number;
}

interface Taken {
  /** Of the execution that also starts what the others find running. */
  first: Figures;
  withEvents: Figures;
  withNone: Figures;
  queries: Figures;
}

export async function run(options: GrowthBenchOptions = {}): Promise<Row[]> {
  const { days = [10, 100, 1000], rounds = 3, events = 20_000, eventsADay = 24_000 } = options;
  const taken: Taken[] = [];
  for (const age of days)
    taken.push(await measureLake({ days: age, legacy: false, eventsADay }, rounds, events));
  const kinds = [
    { kind: `${events.toLocaleString("en-US")} events`, figures: taken.map(({ withEvents }) => withEvents) },
    { kind: "nothing new", figures: taken.map(({ withNone }) => withNone) },
    { kind: "saved queries", figures: taken.map(({ queries }) => queries) },
  ];
  for (const { kind, figures } of kinds) showTable(kind, days.map(ageText), figures);
  if (days.includes(UPGRADED_DAYS)) {
    // A lake of the version without a head. Its first execution reads all of it, later ones cost as everywhere.
    const legacy = await measureLake({ days: UPGRADED_DAYS, legacy: true, eventsADay }, 1, events);
    const names = ["first execution", "second execution"];
    showTable(`${ageText(UPGRADED_DAYS)} of the version before`, names, [legacy.first, legacy.withEvents]);
  }
  return kinds.flatMap(({ kind, figures }) => rowsOf(kind, figures));
}

const ageText = (days: number) => `${days.toLocaleString("en-US")} days`;

async function measureLake(lake: Lake, rounds: number, events: number): Promise<Taken> {
  const stack = await upStack({ config: { "clickstream:batchWindowSeconds": 1 }, launcher: LAUNCHER });
  try {
    console.error(`  ${ageText(lake.days)}${lake.legacy ? ", legacy" : ""}: ${await makeLake(stack, lake)}`);
    const execute = async (seed?: number) => {
      const figures = await measureExecution(
        stack,
        seed === undefined ? {} : { simulate: traffic(events, seed) },
      );
      console.error(`    ${seed === undefined ? "nothing new" : `seed ${seed}`}: ${JSON.stringify(figures)}`);
      return figures;
    };
    // The first one starts Trino and the Lambdas.
    const first = await execute(0);
    const withEvents: Figures[] = [];
    const withNone: Figures[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      withEvents.push(await execute(round));
      withNone.push(await execute());
    }
    const queries = await measureQueries(stack);
    console.error(`    saved queries: ${JSON.stringify(queries)}`);
    return { first, withEvents: medianOf(withEvents), withNone: medianOf(withNone), queries };
  } finally {
    await stack.stop({ keepState: false });
  }
}

async function makeLake({ endpoint, outputs }: LocalStack, lake: Lake): Promise<string> {
  const plan = {
    days: lake.days,
    legacy: lake.legacy,
    events_a_day: lake.eventsADay,
    retention_hours: RETENTION_HOURS,
    raw_bucket: outputs.rawBucket,
    curated_bucket: outputs.curatedBucket,
    database: outputs.database,
    table: outputs.eventsTable,
  };
  const answer = await fetch(`${endpoint}${LAKE_PATH}`, { method: "POST", body: JSON.stringify(plan) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`The lake could not be made: ${text}`);
  return text;
}

/** As on a real site: some events come late, up to 30 days. */
function traffic(events: number, seed: number) {
  return { events, seed, late: 0.02, duplicates: 0.01, malformed: 0.005 };
}

async function measureExecution(stack: LocalStack, input: unknown): Promise<Figures> {
  const sfn = new SFNClient(stack.clientConfig);
  const meter = new JobMeter();
  const began = new Date();
  let execution: Execution;
  try {
    execution = await followExecution(await startExecution(sfn, stack.outputs.stateMachineArn, input), {
      sfn,
    });
  } finally {
    meter.stop();
  }
  if (execution.status !== "SUCCEEDED") throw new Error(`An execution failed: ${execution.cause}`);
  const counts = await countsSince(stack, began);
  return { [CPU]: meter.cpuSeconds, [PEAK]: meter.peakMb, ...counts, [WALL]: execution.seconds };
}

/** Runs each query that is saved in the workgroup, once. These are the ones that people run daily. */
async function measureQueries({ clientConfig, outputs, stateDir }: LocalStack): Promise<Figures> {
  const athena = new AthenaClient(clientConfig);
  const { database, workgroup } = outputs;
  const { NamedQueryIds } = await athena.send(new ListNamedQueriesCommand({ WorkGroup: workgroup }));
  const { NamedQueries = [] } = await athena.send(new BatchGetNamedQueryCommand({ NamedQueryIds }));
  if (NamedQueries.length === 0) throw new Error(`The workgroup ${workgroup} has no saved query.`);
  const began = new Date();
  const lists: Figures = {};
  for (const { Name, QueryString = "" } of NamedQueries) {
    const before = new Date();
    await runQuery({ athena, database, workgroup }, QueryString);
    lists[`LIST of ${Name}`] = (await countsSince({ stateDir }, before))["Athena: LIST"] ?? 0;
  }
  const seconds = (Date.now() - began.getTime()) / 1000;
  return { ...(await countsSince({ stateDir }, began)), ...lists, [WALL]: Math.round(seconds * 10) / 10 };
}

async function countsSince({ stateDir }: Pick<LocalStack, "stateDir">, began: Date): Promise<Figures> {
  const counts: Figures = {};
  for await (const call of readCalls(stateDir, began, new Date())) count(counts, call);
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Adds a call to the figures of the part of the stack that made it. */
function count(counts: Figures, call: Call): void {
  const part = partOf(call.principal);
  const add = (figure: string, value: number) => {
    counts[`${part}: ${figure}`] = (counts[`${part}: ${figure}`] ?? 0) + value;
  };
  if (call.service === "glue") add("catalog calls", 1);
  if (call.service !== "s3") return;
  if (call.operation.startsWith("ListObject")) add("LIST", 1);
  if (["GetObject", "HeadObject"].includes(call.operation)) add("GET", 1);
  if (call.operation === "GetObject") add("bytes read", call.bytes_out);
  if (["PutObject", "CopyObject", "UploadPart"].includes(call.operation)) add("PUT", 1);
}

function partOf(principal: string): string {
  if (principal.endsWith("/GlueJobRunnerSession")) return "job";
  return principal === "athena.amazonaws.com" ? "Athena" : "Lambda and Step Functions";
}

/** Samples the processes of the Glue job while an execution runs. */
class JobMeter {
  cpuSeconds = 0;
  peakMb = 0;
  private root: number | undefined;
  private readonly timer = setInterval(() => this.sample(), SAMPLE_MILLISECONDS);

  stop(): void {
    clearInterval(this.timer);
  }

  private sample(): void {
    this.root ??= readdirSync("/proc")
      .map(Number)
      .find((pid) => isOurJob(pid));
    if (this.root === undefined) return;
    this.cpuSeconds = Math.max(this.cpuSeconds, treeCpuSeconds(this.root));
    this.peakMb = Math.max(this.peakMb, treePeakMb(this.root));
  }
}

/** Other stacks can run on the machine, too. */
function isOurJob(pid: number): boolean {
  if (!Number.isInteger(pid)) return false;
  try {
    return (
      readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("spark_runner.py") && isBelow(pid, process.pid)
    );
  } catch {
    return false; // it has ended
  }
}

/** The median of each figure. */
function medianOf(all: readonly Figures[]): Figures {
  const names = [...new Set(all.flatMap((one) => Object.keys(one)))];
  return Object.fromEntries(
    names.map((name) => {
      const sorted = all.map((one) => one[name] ?? 0).sort((a, b) => a - b);
      return [name, sorted[Math.floor(sorted.length / 2)] as number];
    }),
  );
}

function rounded(value: number): number {
  return value >= 100 ? Math.round(value) : Math.round(value * 100) / 100;
}

/** The oldest lake's figure divided by the youngest's. What neither does is the same. */
function growthOf(youngest: number, oldest: number): number {
  return youngest === oldest ? 1 : oldest / youngest;
}

function showTable(kind: string, names: readonly string[], figures: readonly Figures[]): void {
  console.log(`\n${kind}`);
  const rows = Object.keys(figures.at(-1) ?? {}).map((name) => {
    const values = figures.map((one) => one[name] ?? 0);
    const growth = growthOf(values[0] as number, values.at(-1) as number);
    const shown = Object.fromEntries(names.map((of, index) => [of, rounded(values[index] as number)]));
    return { figure: name, ...shown, ratio: rounded(growth) };
  });
  console.table(rows);
}

/** `ours` is the oldest lake, `peer` the youngest. Wall time is shown, and has no target: it is this machine's. */
function rowsOf(kind: string, figures: readonly Figures[]): Row[] {
  const [youngest, oldest] = [figures[0] as Figures, figures.at(-1) as Figures];
  const names = [...new Set([...Object.keys(youngest), ...Object.keys(oldest)])].filter(
    (name) => name !== WALL,
  );
  return names
    .map((name) => ({ name, young: youngest[name] ?? 0, old: oldest[name] ?? 0 }))
    .filter(({ young, old }) => young > 0 || old > 0)
    .map(({ name, young, old }) => ({
      name: `${kind}, ${name}`,
      ours: rounded(old),
      peer: rounded(young),
      ratio: rounded(growthOf(young, old)),
      cpuSeconds: rounded(oldest[CPU] ?? 0),
      wallSeconds: oldest[WALL] ?? 0,
      peakMemoryMb: Math.round(oldest[PEAK] ?? 0),
      target: `at most ${TARGET_RATIO}`,
      reached:
        growthOf(young, old) <= TARGET_RATIO || (name === CPU && old - young <= CPU_RESOLUTION_SECONDS),
    }));
}

/** The first two columns are those of every benchmark; the rest of a row says nothing here. */
export function print(rows: readonly Row[]): void {
  console.table(
    rows.map(({ name, ours, peer, ratio, target, reached }) => ({
      what: name,
      oldest: ours,
      youngest: peer,
      ratio,
      target,
      reached: reached ? "yes" : "NO",
    })),
  );
}

if (require.main === module) void run().then(print);
