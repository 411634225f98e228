// Checks whether everything up to the given sequence numbers is ingested, by listing the keys in S3.

import type { S3Client } from "@aws-sdk/client-s3";
import { PREFIX } from "../../schema/prefixes";
import { DAY_MS, HOUR_MS } from "../shared/durations";
import { InputReader } from "../shared/input";
import { arrivalHour, compareSequence, hourPrefix, parseObjectKey, type Zone } from "../shared/layout";
import { listKeys } from "../shared/objects";
import type { Clock } from "../shared/runtime";
import { parseEventTime } from "../shared/time";

export interface AwaitIngestInput {
  sinceMs: number;
  /** Maps each shard to the last sequence number that was put into it. */
  shards: Record<string, string>;
}

export interface AwaitIngestResult {
  ingested: boolean;
  pending: string[];
  failedBatches: number;
}

export interface AwaitIngestDependencies {
  s3: S3Client;
  bucket: string;
  clock: Clock;
}

/** A batch is stored under its first record's arrival time. That can be before `since` when ingest lags. */
const LOOK_BACK_MS = DAY_MS;

export function readInput(input: unknown): AwaitIngestInput {
  const reader = new InputReader(input, ["since", "shards"]);
  const isTime = (value: string) => parseEventTime(value) !== undefined;
  const since = reader.text("since", "an ISO 8601 date and time such as 2026-11-21T09:00:00Z", isTime);
  const allowedShards = "an object of shard ids, each with its last sequence number as text";
  const shards = reader.textMap("shards", allowedShards, (value) => /^\d+$/.test(value));
  reader.required("since", "an ISO 8601 date and time");
  reader.required("shards", allowedShards);
  reader.finish();
  return { sinceMs: parseEventTime(since as string)?.epochMs as number, shards: shards ?? {} };
}

export async function awaitIngest(
  input: AwaitIngestInput,
  dependencies: AwaitIngestDependencies,
): Promise<AwaitIngestResult> {
  const shardIds = Object.keys(input.shards).sort();
  const fromMs = await earliestHour(input.sinceMs - LOOK_BACK_MS, dependencies);
  const reached = await Promise.all(
    shardIds.map((shardId) => isReached(shardId, input.shards[shardId] as string, fromMs, dependencies)),
  );
  const pending = shardIds.filter((_, index) => !reached[index]);
  return {
    ingested: pending.length === 0,
    pending,
    failedBatches: await countFailedBatches(shardIds, input.sinceMs, dependencies),
  };
}

/** The first hour since `fromMs` with any object. A new stack then needs no listing of a whole day. */
async function earliestHour(fromMs: number, { s3, bucket, clock }: AwaitIngestDependencies): Promise<number> {
  const firsts = await Promise.all(
    (["raw", "quarantine"] as const).map(async (zone) => {
      const startAfter = hourPrefix(zone, fromMs);
      const page = await listKeys(s3, bucket, { prefix: `${zone}/`, startAfter, maxKeys: 1 });
      return page.objects[0] === undefined
        ? Number.POSITIVE_INFINITY
        : (arrivalHour(page.objects[0].key) ?? 0);
    }),
  );
  const earliest = Math.min(...firsts);
  return Number.isFinite(earliest) ? Math.max(earliest, fromMs) : clock.now();
}

/**
 * Searches back from the newest hour. A shard's batches are written in the order of their sequence numbers.
 * The newest hour with objects of the shard is therefore enough to decide.
 */
async function isReached(
  shardId: string,
  lastSequence: string,
  fromMs: number,
  dependencies: AwaitIngestDependencies,
): Promise<boolean> {
  const fromHour = Math.floor(fromMs / HOUR_MS);
  for (let hour = Math.floor(dependencies.clock.now() / HOUR_MS); hour >= fromHour; hour -= 1) {
    const lasts = await Promise.all(
      (["raw", "quarantine"] as const).map((zone) =>
        lastSequences(zone, shardId, hour * HOUR_MS, dependencies),
      ),
    );
    const found = lasts.flat();
    if (found.some((last) => compareSequence(last, lastSequence) >= 0)) return true;
    if (found.length > 0) return false;
  }
  return false;
}

async function lastSequences(
  zone: Zone,
  shardId: string,
  hourMs: number,
  { s3, bucket }: AwaitIngestDependencies,
): Promise<string[]> {
  const { objects } = await listKeys(s3, bucket, { prefix: `${hourPrefix(zone, hourMs)}${shardId}-` });
  return objects.flatMap(({ key }) => parseObjectKey(key)?.last ?? []);
}

/** Counts the objects that Lambda's on-failure destination wrote for these shards: batches out of retries. */
async function countFailedBatches(
  shardIds: readonly string[],
  sinceMs: number,
  { s3, bucket, clock }: AwaitIngestDependencies,
): Promise<number> {
  const { prefixes } = await listKeys(s3, bucket, { prefix: PREFIX.givenUp, delimiter: "/" });
  const days: string[] = [];
  for (let day = Math.floor(sinceMs / DAY_MS); day <= Math.floor(clock.now() / DAY_MS); day += 1) {
    days.push(new Date(day * DAY_MS).toISOString().slice(0, 10).replaceAll("-", "/"));
  }
  const places = prefixes.flatMap((mapping) =>
    shardIds.flatMap((shardId) => days.map((day) => `${mapping}${shardId}/${day}/`)),
  );
  // S3 returns LastModified in whole seconds.
  const sinceSecondMs = Math.floor(sinceMs / 1000) * 1000;
  const counts = await Promise.all(
    places.map(async (prefix) => {
      const { objects } = await listKeys(s3, bucket, { prefix });
      return objects.filter((object) => object.lastModifiedMs >= sinceSecondMs).length;
    }),
  );
  return counts.reduce((total, count) => total + count, 0);
}
