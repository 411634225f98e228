// Benchmark: events per core-second of the ingest handler, against bare base64 + JSON.parse + gzip.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { S3Client } from "@aws-sdk/client-s3";
import type { KinesisStreamEvent } from "aws-lambda";
import { ingestBatch } from "../lambdas/ingest/batch";
import { GZIP_LEVEL } from "../lambdas/ingest/gzip-object";
import { DAY_MS } from "../lambdas/shared/durations";
import { lanesFor, RecordPacker } from "../lambdas/shared/records";
import { systemClock } from "../lambdas/shared/runtime";
import { Traffic } from "../lambdas/simulator/traffic";
import { bundle, compare, measure, printRows, type Row, runTask, runTasks, withinMemory } from "./measured";
import { bareIngest } from "./peers/ingest";

export interface IngestBenchOptions {
  rounds?: number;
  /** How often a task processes its batch. */
  repeats?: number;
}

/** What shows in seconds that the benchmark runs to its end. */
export const SMALL: IngestBenchOptions = { rounds: 1, repeats: 1 };

/** The ingest writes every line anew. The baseline neither checks nor writes JSON. */
const TARGET_RATIO = 0.5;
const WARM_UP_TURNS = 4;
/** Of usual events; test/lambdas/ingest/memory.slow.test.ts has the batches that take most. */
const MEMORY_LIMIT_MB = 256;
/** Lambda passes at most 6 MB of JSON and 10,000 records. */
const MAX_EVENT_BYTES = 6 * 1024 * 1024;
const MAX_RECORDS = 10_000;
const ARRIVAL_MS = Date.UTC(2026, 10, 21, 9);
const SHARD = "shardId-000000000000";

export async function run(options: IngestBenchOptions = {}): Promise<Row[]> {
  const { rounds = 5, repeats = 10 } = options;
  const { path, dispose } = await bundle(__filename);
  const batches = {
    packed: packedBatch(),
    single: singleBatch(),
    flat: flatBatch(),
  };
  try {
    const file = (name: string): string => join(path, "..", `${name}.json`);
    for (const [name, batch] of Object.entries(batches)) writeFileSync(file(name), JSON.stringify(batch));
    const tasks: Record<string, string[]> = {};
    for (const name of ["packed", "single", "flat"]) {
      tasks[name] = ["ours", file(name), String(repeats)];
      tasks[`${name}Peer`] = ["bare", file(name), String(repeats)];
    }
    const medians = await runTasks(path, tasks, rounds);
    const row = (title: string, name: string): Row => {
      const [ours, peer] = [medians[name], medians[`${name}Peer`]];
      if (ours === undefined || peer === undefined) throw new Error(`The task ${name} did not run.`);
      return compare(title, ours, peer, TARGET_RATIO);
    };
    return [
      row("largest batch, several events a record", "packed"),
      row("largest batch, one event a record", "single"),
      row("the flat producer's events, every one rewritten", "flat"),
      withinMemory("largest batch", await runTask(path, ["ours", file("packed"), "1"]), MEMORY_LIMIT_MB),
    ];
  } finally {
    dispose();
  }
}

function batchOf(payloads: Iterable<Buffer>): KinesisStreamEvent {
  const event: KinesisStreamEvent = { Records: [] };
  let bytes = 0;
  for (const data of payloads) {
    const sequenceNumber = `4959033827149025660855969253836157109592157598913658${String(event.Records.length).padStart(4, "0")}`;
    const record = {
      kinesis: {
        kinesisSchemaVersion: "1.0",
        partitionKey: "lane-1",
        sequenceNumber,
        data: data.toString("base64"),
        approximateArrivalTimestamp: ARRIVAL_MS / 1000,
      },
      eventSource: "aws:kinesis",
      eventVersion: "1.0",
      eventID: `${SHARD}:${sequenceNumber}`,
      eventName: "aws:kinesis:record",
      invokeIdentityArn: "arn:aws:iam::000000000000:role/ingest",
      awsRegion: "us-east-1",
      eventSourceARN: "arn:aws:kinesis:us-east-1:000000000000:stream/events",
    };
    bytes += JSON.stringify(record).length + 1;
    if (bytes > MAX_EVENT_BYTES || event.Records.length === MAX_RECORDS) break;
    event.Records.push(record);
  }
  return event;
}

function* simulated(): Generator<string> {
  const shares = { duplicates: 0, malformed: 0, late: 0, pii: 0.1 };
  for (const line of new Traffic({ events: 20_000, seed: 7, startMs: ARRIVAL_MS, ...shares }).lines()) {
    yield line.text;
  }
}

function* packed(lines: Iterable<string>): Generator<Buffer> {
  const packer = new RecordPacker(lanesFor(1));
  let lane = 0;
  for (const line of lines) {
    const record = packer.add(lane++ % lanesFor(1), line);
    if (record !== undefined) yield record.data;
  }
}

function packedBatch(): KinesisStreamEvent {
  return batchOf(packed(simulated()));
}

function* single(): Generator<Buffer> {
  for (const line of simulated()) yield Buffer.from(line);
}

function singleBatch(): KinesisStreamEvent {
  return batchOf(single());
}

function* flat(): Generator<string> {
  for (const line of simulated()) {
    const { event_time, geo, properties, ...rest } = JSON.parse(line);
    yield JSON.stringify({
      ...rest,
      ...properties,
      timestamp: event_time,
      country: geo.country,
      city: geo.city,
      ip_address: geo.ip,
    });
  }
}

function flatBatch(): KinesisStreamEvent {
  return batchOf(packed(flat()));
}

async function ours(event: KinesisStreamEvent): Promise<number> {
  let lines = 0;
  // Accepts the objects as S3 would. Neither side is measured with a network.
  const s3 = { send: async () => ({}) } as unknown as S3Client;
  const failures = await ingestBatch(event.Records, {
    s3,
    bucket: "raw",
    stack: "clickstream-bench",
    window: { earliestTime: "2000-01-01T00:00:00.000Z", latestLeadMs: DAY_MS },
    clock: systemClock,
    log: (entry) => {
      lines = Number(entry.EventsAccepted) + Number(entry.LinesQuarantined);
    },
  });
  if (failures.length > 0) throw new Error("The batch failed.");
  return lines;
}

async function task(kind: string, event: KinesisStreamEvent, repeats: number): Promise<number> {
  let events = 0;
  for (let turn = 0; turn < repeats; turn += 1) {
    events += kind === "ours" ? await ours(event) : bareIngest(event, GZIP_LEVEL).events;
  }
  return events;
}

/** A Lambda function runs for many batches, so repeated tasks are measured warm. */
async function measureTask(kind: string, file: string, repeats: number): Promise<void> {
  const event = JSON.parse(readFileSync(file, "utf8")) as KinesisStreamEvent;
  if (repeats > 1) await task(kind, event, WARM_UP_TURNS);
  await measure(() => task(kind, event, repeats));
}

if (require.main === module) {
  const [flag, kind = "", file = "", repeats = "1"] = process.argv.slice(2);
  if (flag === "--task") void measureTask(kind, file, Number(repeats));
  else void run().then((rows) => printRows("events", rows));
}
