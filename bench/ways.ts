// Benchmark: the same traffic through each way on the local stack: events a core-second, the time from an event to the
// query that finds it, and requests and bytes an event.

import { setTimeout as sleep } from "node:timers/promises";
import { AthenaClient } from "@aws-sdk/client-athena";
import { FirehoseClient, PutRecordCommand as PutFirehoseRecordCommand } from "@aws-sdk/client-firehose";
import { KinesisClient, PutRecordCommand } from "@aws-sdk/client-kinesis";
import { SFNClient } from "@aws-sdk/client-sfn";
import { WAYS, type Way } from "../infra/config/keys";
import { sumCalls } from "../local/requests";
import { checkedSettings } from "../local/settings";
import { type LocalStack, upStack } from "../local/stack";
import { runQuery } from "../stack/athena";
import { followExecution, startExecution } from "../stack/execution";
import { readOutput } from "../stack/run-report";
import type { Row } from "./measured";
import { percentile } from "./percentile";
import { treeCpuSeconds } from "./process-tree";

export interface WaysBenchOptions {
  /** Executions whose events a core-second are measured; the median counts. */
  rounds?: number;
  events?: number;
  /** Single events whose time to the query is measured. */
  probes?: number;
  everyMs?: number;
}

/** What shows in a minute that the benchmark runs to its end. */
export const SMALL: WaysBenchOptions = { rounds: 1, events: 200, probes: 3, everyMs: 500 };

/** The same for each way, so that only the way differs. */
const BUFFER_SECONDS = "5";
const BUFFER: Readonly<Record<Way, string>> = {
  stream: "batchWindowSeconds",
  firehose: "firehoseBufferSeconds",
  arrival: "firehoseBufferSeconds",
};
/** What `arrival` promises over its buffer. */
const MOST_SECONDS_OVER_BUFFER = 10;
const POLL_MS = 500;
const DEADLINE_MS = 300_000;
const SHARES = { duplicates: 0.01, malformed: 0.005, late: 0.02 };

interface Taken {
  eventsPerCoreSecond: number;
  executionSeconds: number;
  requests: number;
  bytes: number;
}

export async function run(options: WaysBenchOptions = {}): Promise<Row[]> {
  const { rounds = 3, events = 20_000, probes = 60, everyMs = 1000 } = options;
  const rows: Row[] = [];
  for (const way of WAYS) {
    const stack = await upStack({
      config: checkedSettings([
        ["way", way],
        [BUFFER[way], BUFFER_SECONDS],
      ]),
    });
    try {
      // Starts Trino, the Lambdas and what else the next ones find running.
      await executed(stack, 200, 0);
      const taken: Taken[] = [];
      for (let round = 1; round <= rounds; round += 1) taken.push(await executed(stack, events, round));
      const seconds = await queryable(stack, way, probes, everyMs);
      rows.push(...rowsOf(way, taken, seconds));
      console.error(`  ${way}: ${JSON.stringify({ taken, seconds })}`);
    } finally {
      await stack.stop({ keepState: false });
    }
  }
  return rows;
}

/** One execution that simulates traffic, from its first record to its mail. */
async function executed(stack: LocalStack, events: number, seed: number): Promise<Taken> {
  const sfn = new SFNClient(stack.clientConfig);
  const cpu = treeCpuSeconds();
  const began = new Date();
  const arn = await startExecution(sfn, stack.outputs.stateMachineArn, {
    simulate: { events, seed, ...SHARES },
  });
  const { status, seconds, cause, output } = await followExecution(arn, { sfn });
  const coreSeconds = treeCpuSeconds() - cpu;
  if (status !== "SUCCEEDED") throw new Error(`The execution ended as ${status}: ${cause}`);
  if (readOutput(output)?.sent !== events) throw new Error(`The execution did not send ${events} events.`);
  const calls = (await sumCalls(stack.stateDir, began, new Date())) ?? [];
  const sum = (of: (call: (typeof calls)[number]) => number) =>
    calls.reduce((all, call) => all + of(call), 0);
  return {
    eventsPerCoreSecond: events / coreSeconds,
    executionSeconds: seconds,
    requests: sum((call) => call.calls) / events,
    bytes: sum((call) => call.bytesIn + call.bytesOut) / events,
  };
}

/** Seconds from the put of each probe to the answer of the first query that has it. Executions run back to back. */
async function queryable(stack: LocalStack, way: Way, probes: number, everyMs: number): Promise<number[]> {
  const sentMs = new Map<string, number>();
  const found = new Map<string, number>();
  const end = new AbortController();
  const executions = runExecutions(stack, end.signal);
  const queries = queryUntil(stack, found, () => sentMs.size === probes && found.size === probes);
  const put = sender(stack, way);
  for (let number = 0; number < probes; number += 1) {
    const id = `probe-${number}`;
    sentMs.set(id, performance.now());
    await put(JSON.stringify(probe(id)));
    await sleep(everyMs);
  }
  await Promise.race([queries, executions.then(() => queries)]);
  end.abort();
  await executions;
  return [...sentMs].map(([id, ms]) => ((found.get(id) ?? Number.NaN) - ms) / 1000);
}

const probe = (id: string) => ({
  event_id: id,
  event_type: "probe",
  event_time: new Date().toISOString(),
  session_id: "bench",
});

function sender({ clientConfig, outputs }: LocalStack, way: Way): (line: string) => Promise<unknown> {
  const data = (line: string) => Buffer.from(`${line}\n`);
  if (way !== "stream") {
    const client = new FirehoseClient(clientConfig);
    const DeliveryStreamName = outputs.deliveryStreamName;
    return (line) =>
      client.send(new PutFirehoseRecordCommand({ DeliveryStreamName, Record: { Data: data(line) } }));
  }
  const client = new KinesisClient(clientConfig);
  const StreamName = outputs.streamName;
  return (line) => client.send(new PutRecordCommand({ StreamName, PartitionKey: "bench", Data: data(line) }));
}

async function runExecutions(stack: LocalStack, signal: AbortSignal): Promise<void> {
  const sfn = new SFNClient(stack.clientConfig);
  while (!signal.aborted) {
    const arn = await startExecution(sfn, stack.outputs.stateMachineArn, {});
    const { status, cause } = await followExecution(arn, { sfn });
    if (status !== "SUCCEEDED") throw new Error(`An execution ended as ${status}: ${cause}`);
  }
}

async function queryUntil(
  stack: LocalStack,
  found: Map<string, number>,
  isDone: () => boolean,
): Promise<void> {
  const { database, workgroup, eventsTable } = stack.outputs;
  const target = { athena: new AthenaClient(stack.clientConfig), database, workgroup };
  const sql = `SELECT event_id FROM ${eventsTable} WHERE event_date >= current_date - INTERVAL '1' DAY AND event_type = 'probe'`;
  const until = Date.now() + DEADLINE_MS;
  while (!isDone()) {
    if (Date.now() > until) throw new Error("Not all events were found in time.");
    const { rows } = await runQuery(target, sql);
    for (const [id] of rows) if (!found.has(String(id))) found.set(String(id), performance.now());
    await sleep(POLL_MS);
  }
}

function rowsOf(way: Way, taken: readonly Taken[], seconds: readonly number[]): Row[] {
  const median = (of: (one: Taken) => number) => percentile(taken.map(of), 50);
  const p99 = percentile(seconds, 99);
  const most = Number(BUFFER_SECONDS) + MOST_SECONDS_OVER_BUFFER;
  return [
    figure(
      `${way}: events a core-second`,
      median((one) => one.eventsPerCoreSecond),
    ),
    figure(
      `${way}: seconds of an execution`,
      median((one) => one.executionSeconds),
    ),
    figure(
      `${way}: requests an event`,
      median((one) => one.requests),
    ),
    figure(
      `${way}: bytes an event, in and out`,
      median((one) => one.bytes),
    ),
    figure(`${way}: seconds from an event to its query, p50`, percentile(seconds, 50)),
    {
      ...figure(`${way}: seconds from an event to its query, p99`, p99),
      ...(way === "arrival" && { target: `at most ${most}`, reached: p99 <= most }),
    },
  ];
}

/** A row without a baseline. */
function figure(name: string, ours: number): Row {
  const nothing = { peer: 0, ratio: 0, cpuSeconds: 0, wallSeconds: 0, peakMemoryMb: 0 };
  return { name, ours: Number(ours.toPrecision(3)), ...nothing, target: "", reached: true };
}

export function print(rows: readonly Row[]): void {
  console.table(
    rows.map(({ name, ours, target, reached }) => ({
      what: name,
      figure: ours,
      target,
      reached: target === "" ? "" : reached ? "yes" : "NO",
    })),
  );
}

if (require.main === module) void run().then(print);
