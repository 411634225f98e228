// Benchmark: the collector. Its CPU an event for each wire format against parsing the bodies alone, and on the local
// stack events a second, the time from a request to the live view and to S3, and the model's price of a million events.

import { collectorPerMillion } from "../cli/cost/collector";
import { upStack } from "../local/stack";
import { stackConfiguration } from "../stack/configuration";
import { type CpuResult, measureCpu } from "./collector-cpu";
import { type Delays, delays, eventsPerSecond } from "./collector-delay";
import type { Measured, Row } from "./measured";
import { percentile } from "./percentile";

export interface CollectorBenchOptions {
  rounds?: number;
  /** Of each task that measures CPU. */
  cpuRequests?: number;
  /** Through the local stack, for each number of events a request. */
  requests?: number;
  /** Whose time to the live view and to S3 is measured. */
  timed?: number;
  everyMs?: number;
}

/** What shows in seconds that the benchmark runs to its end. */
export const SMALL: CollectorBenchOptions = {
  rounds: 1,
  cpuRequests: 50,
  requests: 10,
  timed: 5,
  everyMs: 50,
};

const EVENTS_PER_REQUEST = [1, 10];
/** A thirtieth of the time of a request that cli/cost assumes: the rest of it is waiting for Kinesis. */
const MOST_MICROSECONDS = 1_000;
/** The live view shows a click within a second (docs/live.md). */
const MOST_LIVE_MS = 1_000;

export async function run(options: CollectorBenchOptions = {}): Promise<Row[]> {
  const { rounds = 5, cpuRequests = 2_000, requests = 1_000, timed = 300, everyMs = 100 } = options;
  const cpu = (await measureCpu(rounds, cpuRequests)).map(cpuRow);
  const stack = await upStack({
    config: {
      collector: true,
      collectorOrigins: ["https://www.example.com"],
      // The limits are not what is measured.
      collectorRequestsPerSecond: 10_000,
      collectorBurst: 5_000,
    },
  });
  try {
    await eventsPerSecond(stack, 1, Math.min(requests, 20)); // starts the function's environments
    const throughput: Row[] = [];
    for (const events of EVENTS_PER_REQUEST)
      throughput.push(
        figure(
          `${each(events)}: events a second, HTTP to Kinesis`,
          await eventsPerSecond(stack, events, requests),
        ),
      );
    const delay = await delays(stack, timed, everyMs);
    return [...cpu, ...throughput, ...delayRows(delay), ...(await priceRows())];
  } finally {
    await stack.stop({ keepState: false });
  }
}

/** `ours` and `peer` are microseconds of CPU an event, so that less is better. */
function cpuRow({ format, eventsPerRequest, ours, parsing }: CpuResult): Row {
  const [mine, bare] = [microseconds(ours), microseconds(parsing)];
  return {
    ...figure(`${format}, ${each(eventsPerRequest)}: µs of CPU an event`, mine),
    peer: rounded(bare),
    ratio: rounded(mine / bare),
    cpuSeconds: rounded(ours.cpuSeconds),
    wallSeconds: rounded(ours.wallSeconds),
    peakMemoryMb: Math.round(ours.peakMemoryMb),
    target: `at most ${MOST_MICROSECONDS}`,
    reached: mine <= MOST_MICROSECONDS,
  };
}

function delayRows({ answer, live, s3 }: Delays): Row[] {
  const window = stackConfiguration("dev").values["clickstream:batchWindowSeconds"];
  const rows = [
    ["to the answer", answer],
    ["to the live view's reader", live],
    [`to S3, with a batch window of ${window} s`, s3],
  ] as const;
  return rows.flatMap(([where, took]) =>
    [50, 99].map((percent) => {
      const milliseconds = percentile(took, percent);
      const isLimited = took === live && percent === 50;
      return {
        ...figure(`request ${where}: ms, p${percent}`, milliseconds),
        ...(isLimited && { target: `at most ${MOST_LIVE_MS}`, reached: milliseconds <= MOST_LIVE_MS }),
      };
    }),
  );
}

async function priceRows(): Promise<Row[]> {
  const costs = await collectorPerMillion(EVENTS_PER_REQUEST);
  return costs.map((items, index) => {
    const usd = Object.values(items).reduce((sum, item) => sum + item, 0);
    return figure(`${each(EVENTS_PER_REQUEST[index] ?? 1)}: dollars for a million events`, usd);
  });
}

/** A row that has neither a baseline nor a target. */
function figure(name: string, ours: number): Row {
  const nothing = { peer: 0, ratio: 0, cpuSeconds: 0, wallSeconds: 0, peakMemoryMb: 0 };
  return { name, ours: rounded(ours), ...nothing, target: "", reached: true };
}

function each(events: number): string {
  return events === 1 ? "one event a request" : `${events} events a request`;
}

function microseconds({ cpuSeconds, units }: Measured): number {
  return (cpuSeconds / units) * 1e6;
}

function rounded(value: number): number {
  return value >= 10 ? Math.round(value) : Math.round(value * 100) / 100;
}

export function print(rows: readonly Row[]): void {
  console.table(
    rows.map(({ name, ours, peer, ratio, target, reached }) => ({
      what: name,
      figure: ours,
      "parsing alone": peer || "",
      ratio: ratio || "",
      target,
      reached: target === "" ? "" : reached ? "yes" : "NO",
    })),
  );
}

if (require.main === module) void run().then(print);
