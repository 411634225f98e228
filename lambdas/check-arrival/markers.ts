// The markers that to-parquet writes last for each raw object, and what they say together.

import { createHash } from "node:crypto";
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { PREFIX } from "../../schema/prefixes";
import type { Listed } from "../shared/objects";
import { errorName } from "../shared/runtime";
import type { Quarantined } from "./quarantined";

export interface Marker {
  lines: number;
  rows: number;
  duplicates: number;
  unreadable: number;
  /** Rows by date. */
  dates: Record<string, number>;
  writtenAtMs: number;
}

export interface Written {
  object: Listed;
  marker: Marker;
}

/** What arrived, added up. Bounded: it goes through the state machine. */
export interface Arrived {
  objects: number;
  bytes: number;
  lines: number;
  rows: number;
  duplicates: number;
  unreadable: number;
  /** What the ingest quarantined. */
  quarantined: Quarantined;
  /** Files of Parquet: one for each object and date. */
  files: number;
  dates: { count: number; first: string | null; last: string | null };
  /** The dates, or the newest ones of very many. */
  partitions: string[];
  /** When the first and the last of the objects was written. */
  first: string | null;
  last: string | null;
  /** From the raw object to its Parquet files. */
  seconds: { p50: number; p99: number };
  /** Short names of the objects: the verification finds their files by them. */
  names: string[];
}

/** The dates of one statement that registers partitions, as in rules/add-partitions. */
const MOST_DATES = 500;
/** Digits of a short name: 64 bits. */
const SHORT = 16;
const PARALLEL = 16;

/** Hash of a raw object's key. to-parquet names its files and the marker after it. */
function nameOf(rawKey: string): string {
  return createHash("sha256").update(rawKey).digest("hex").slice(0, 32);
}

export const shortName = (rawKey: string) => nameOf(rawKey).slice(0, SHORT);

/** The marker of each object, undefined where there is none yet. */
export async function readMarkers(
  s3: S3Client,
  bucket: string,
  objects: readonly Listed[],
): Promise<(Marker | undefined)[]> {
  const markers: (Marker | undefined)[] = new Array(objects.length);
  let next = 0;
  const work = async () => {
    while (next < objects.length) {
      const index = next++;
      markers[index] = await readMarker(s3, bucket, (objects[index] as Listed).key);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, objects.length) }, work));
  return markers;
}

async function readMarker(s3: S3Client, bucket: string, rawKey: string): Promise<Marker | undefined> {
  const key = `${PREFIX.runs}arrived/${nameOf(rawKey)}.json`;
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return parseMarker(key, (await Body?.transformToString()) ?? "");
  } catch (error) {
    if (errorName(error) === "NoSuchKey") return undefined;
    throw error;
  }
}

function parseMarker(key: string, text: string): Marker {
  const { version, lines, rows, duplicates, unreadable, dates, written_at } = JSON.parse(text);
  const writtenAtMs = Date.parse(written_at);
  const counts = [lines, rows, duplicates, unreadable, writtenAtMs];
  if (version !== 1 || !counts.every(Number.isFinite) || typeof dates !== "object" || dates === null) {
    throw new Error(
      `${key} is not of the form that this version of to-parquet writes. Deploy check-arrival and to-parquet together.`,
    );
  }
  return { lines, rows, duplicates, unreadable, dates, writtenAtMs };
}

export function addUp(written: readonly Written[], quarantined: Quarantined): Arrived {
  const sum = (of: (one: Written) => number) => written.reduce((total, one) => total + of(one), 0);
  const dates = [...new Set(written.flatMap(({ marker }) => Object.keys(marker.dates)))].sort();
  const modified = written.map(({ object }) => object.lastModifiedMs);
  const time = (ms: number) => (written.length === 0 ? null : new Date(ms).toISOString());
  const seconds = written
    .map(({ object, marker }) => Math.max(0, (marker.writtenAtMs - object.lastModifiedMs) / 1000))
    .sort((a, b) => a - b);
  return {
    objects: written.length,
    bytes: sum(({ object }) => object.size),
    lines: sum(({ marker }) => marker.lines),
    rows: sum(({ marker }) => marker.rows),
    duplicates: sum(({ marker }) => marker.duplicates),
    unreadable: sum(({ marker }) => marker.unreadable),
    quarantined,
    files: sum(({ marker }) => Object.keys(marker.dates).length),
    dates: { count: dates.length, first: dates[0] ?? null, last: dates.at(-1) ?? null },
    partitions: dates.slice(-MOST_DATES),
    first: time(Math.min(...modified)),
    last: time(Math.max(...modified)),
    seconds: { p50: percentile(seconds, 0.5), p99: percentile(seconds, 0.99) },
    names: written.map(({ object }) => shortName(object.key)),
  };
}

/** The nearest rank, with one decimal place. 0 without values. */
function percentile(sorted: readonly number[], share: number): number {
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return Math.round(value * 10) / 10;
}
