// Takes one raw object: writes its Parquet files, registers their dates, and writes its marker last.

import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { Log } from "../shared/log";
import { type Clock, errorName } from "../shared/runtime";
import type { Row } from "./convert/columns";
import { type Converted, convert, type RawObject } from "./convert/convert";
import { fileKey, markerKey, unreadableKey } from "./keys";
import { checkSize } from "./memory";
import type { Partitions } from "./partitions";

export interface ToParquetDependencies {
  s3: Pick<S3Client, "send">;
  rawBucket: string;
  curatedBucket: string;
  partitions: Partitions;
  protect: (row: Row) => void;
  /** Memory of the function. */
  memoryMb: number;
  clock: Clock;
  log: Log;
}

/** What the marker of a raw object says. The state machine waits for it, and compares its counts with the table. */
export interface Marker {
  version: 1;
  raw: string;
  etag: string;
  lines: number;
  rows: number;
  /** Lines with the event id of an earlier line of the object. */
  duplicates: number;
  unreadable: number;
  /** Rows by date. */
  dates: Record<string, number>;
  written_at: string;
}

/**
 * All keys and bytes but the marker's time depend on the raw object only, so S3 may announce it several times, and at
 * the same time. The marker comes last: what is without one is not complete.
 */
export async function takeObject(key: string, dependencies: ToParquetDependencies): Promise<Marker> {
  const { clock, log, partitions } = dependencies;
  const startedMs = clock.now();
  const { etag, ...object } = await fetchObject(key, dependencies);
  const converted = await convert(object, dependencies.protect);
  await putUnreadable(key, converted, dependencies);
  for (const [date, { body }] of converted.files) {
    await put(dependencies, dependencies.curatedBucket, fileKey(key, date), body);
  }
  await partitions.register([...converted.files.keys()]);
  const marker = markerOf(key, etag, converted, clock.now());
  await put(
    dependencies,
    dependencies.curatedBucket,
    markerKey(key),
    JSON.stringify(marker),
    "application/json",
  );
  log({
    level: "INFO",
    message: "Raw object converted",
    ...marker,
    bytes: object.body.length,
    milliseconds: clock.now() - startedMs,
  });
  return marker;
}

async function fetchObject(
  key: string,
  { s3, rawBucket, memoryMb }: ToParquetDependencies,
): Promise<RawObject & { etag: string }> {
  try {
    const answer = await s3.send(new GetObjectCommand({ Bucket: rawBucket, Key: key }));
    checkSize(key, answer.ContentLength ?? 0, memoryMb);
    const { LastModified, ETag, Body } = answer;
    if (LastModified === undefined || ETag === undefined || Body === undefined) {
      throw new Error(`S3 answered without LastModified, ETag or body for s3://${rawBucket}/${key}.`);
    }
    return { key, body: await Body.transformToByteArray(), modified: LastModified, etag: ETag };
  } catch (error) {
    if (errorName(error) !== "NoSuchKey") throw error;
    // Fails, so that the message reaches the queue: rows that nobody converted must not be lost in silence.
    throw new Error(
      `s3://${rawBucket}/${key} does not exist any more. If it was deleted on purpose, delete its message in the queue.`,
      { cause: error },
    );
  }
}

async function putUnreadable(
  key: string,
  { unreadable }: Converted,
  dependencies: ToParquetDependencies,
): Promise<void> {
  if (unreadable.lines === 0) return;
  await put(
    dependencies,
    dependencies.rawBucket,
    unreadableKey(key),
    unreadable.finish(),
    "application/gzip",
  );
}

async function put(
  { s3 }: ToParquetDependencies,
  bucket: string,
  key: string,
  body: Uint8Array | string,
  type?: string,
): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: type }));
}

function markerOf(
  raw: string,
  etag: string,
  { lines, duplicates, unreadable, files }: Converted,
  nowMs: number,
): Marker {
  const dates = Object.fromEntries([...files].map(([date, { rows }]) => [date, rows]));
  return {
    version: 1,
    raw,
    etag,
    lines,
    rows: Object.values(dates).reduce((sum, rows) => sum + rows, 0),
    duplicates,
    unreadable: unreadable.lines,
    dates,
    written_at: new Date(nowMs).toISOString(),
  };
}
