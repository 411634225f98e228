// The part of the collector benchmark on the local stack: events a second, and how long an event takes from the request
// to the reader of the live view and to its object in S3.

import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { KinesisClient } from "@aws-sdk/client-kinesis";
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { StreamReader } from "../cli/live/stream-reader";
import type { LocalStack } from "../local/stack";
import { PREFIX } from "../schema/prefixes";
import { type BenchRequest, requestOf } from "./collector-requests";

/** Requests that are under way at the same time, as of several visitors. */
const SENDERS = 4;
const POLL_MS = 100;
const DEADLINE_MS = 120_000;

let lastNumber = 0;

async function send(stack: LocalStack, request: BenchRequest): Promise<void> {
  const answer = await fetch(`${stack.outputs.collectorUrl}${request.path}`, {
    method: "POST",
    headers: { "content-type": "text/plain" },
    body: request.body,
  });
  if (answer.status !== 200)
    throw new Error(`The collector answered ${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
}

/** Returns events a second of wall time: HTTP, the Lambda and the stream. */
export async function eventsPerSecond(
  stack: LocalStack,
  eventsPerRequest: number,
  requests: number,
): Promise<number> {
  let left = requests;
  const began = performance.now();
  const sender = async () => {
    while (left > 0) {
      left -= 1;
      await send(stack, requestOf("own", eventsPerRequest, ++lastNumber));
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
  return (requests * eventsPerRequest * 1000) / (performance.now() - began);
}

export interface Delays {
  /** Milliseconds from the begin of each request. */
  answer: number[];
  live: number[];
  s3: number[];
}

/** Sends one event every `everyMs`, and sees when each is read from the stream and when it is in an object. */
export async function delays(stack: LocalStack, requests: number, everyMs: number): Promise<Delays> {
  const sent = new Map<string, number>();
  const found: Delays = { answer: [], live: [], s3: [] };
  const end = new AbortController();
  const live = await watchStream(stack, sent, found.live, end.signal);
  const raw = new RawZone(stack);
  await raw.newLines(); // what was there before
  const ids = new Set<string>();
  const look = async () => {
    for (const id of await raw.newLines()) {
      const began = sent.get(id);
      if (began === undefined || ids.has(id)) continue;
      ids.add(id);
      found.s3.push(performance.now() - began);
    }
  };
  const looking = lookUntil(look, () => found.s3.length >= requests);
  const answers: Promise<void>[] = [];
  for (let number = 0; number < requests; number += 1) {
    answers.push(timed(stack, sent, found.answer));
    await sleep(everyMs);
  }
  await Promise.all([...answers, looking]);
  end.abort();
  await live;
  if (found.live.length < requests) throw new Error("The stream's reader has not seen all events.");
  return found;
}

async function timed(stack: LocalStack, sent: Map<string, number>, took: number[]): Promise<void> {
  const number = ++lastNumber;
  const request = requestOf("own", 1, number);
  const began = performance.now();
  sent.set(`bench-${number}`, began);
  await send(stack, request);
  took.push(performance.now() - began);
}

async function watchStream(
  stack: LocalStack,
  sent: ReadonlyMap<string, number>,
  took: number[],
  signal: AbortSignal,
): Promise<void> {
  const reader = new StreamReader({
    client: new KinesisClient({ ...stack.clientConfig, maxAttempts: 1 }),
    streamName: stack.outputs.streamName,
    clock: { now: Date.now, sleep: (ms, abort) => sleep(ms, undefined, { signal: abort }) },
    random: Math.random,
    signal,
    onRecords: (records) => {
      for (const id of records.flatMap(({ data }) => idsOf(data))) {
        const began = sent.get(id);
        if (began !== undefined) took.push(performance.now() - began);
      }
    },
  });
  const { ended } = await reader.start();
  ended.catch(() => undefined); // it ends by the signal
}

async function lookUntil(look: () => Promise<void>, isDone: () => boolean): Promise<void> {
  const until = Date.now() + DEADLINE_MS;
  while (!isDone()) {
    if (Date.now() > until) throw new Error("Not all events came to S3 in time.");
    await look();
    await sleep(POLL_MS);
  }
}

/** Reads each raw object once. */
class RawZone {
  private readonly read = new Set<string>();
  private readonly s3: S3Client;

  constructor(private readonly stack: LocalStack) {
    this.s3 = new S3Client(stack.clientConfig);
  }

  async newLines(): Promise<string[]> {
    const Bucket = this.stack.outputs.rawBucket;
    const ids: string[] = [];
    let token: string | undefined;
    do {
      const page = await this.s3.send(
        new ListObjectsV2Command({ Bucket, Prefix: PREFIX.raw, ContinuationToken: token }),
      );
      for (const { Key = "" } of page.Contents ?? []) {
        if (this.read.has(Key)) continue;
        this.read.add(Key);
        const { Body } = await this.s3.send(new GetObjectCommand({ Bucket, Key }));
        ids.push(...idsOf(gunzipSync((await Body?.transformToByteArray()) ?? new Uint8Array())));
      }
      token = page.NextContinuationToken;
    } while (token);
    return ids;
  }
}

function idsOf(lines: Buffer): string[] {
  const texts = lines.toString("utf8").split("\n").filter(Boolean);
  return texts.map((text) => String((JSON.parse(text) as { event_id?: string }).event_id));
}
