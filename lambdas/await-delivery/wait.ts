// Checks whether all records of a batch lie in S3: as raw lines, in the quarantine, or among what Firehose gave up.

import type { Readable } from "node:stream";
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { PREFIX } from "../../schema/prefixes";
import { HOUR_MS, MINUTE_MS } from "../shared/durations";
import { InputReader } from "../shared/input";
import { hourPrefix } from "../shared/layout";
import { isBatch } from "../shared/marker";
import { type Listed, listPages } from "../shared/objects";
import { parseEventTime } from "../shared/time";
import { findInErrors, findInLines } from "./find";
import { RecordsSeen } from "./records-seen";

export interface AwaitDeliveryInput {
  sinceMs: number;
  batch: string;
  /** Records sent, numbered from 0. */
  records: number;
  /** What the last call answered. Without it, all objects since `since` are read. */
  counted?: Counted;
}

/** What was found so far. */
interface Counted {
  /** ISO 8601. Objects that S3 changed before it are read. */
  through: string;
  seen: string;
  failedBatches: number;
}

export interface AwaitDeliveryResult {
  ingested: boolean;
  pending: string[];
  /** Objects of given-up records that have records of this batch. */
  failedBatches: number;
  counted?: Counted;
}

export interface AwaitDeliveryDependencies {
  s3: S3Client;
  bucket: string;
  bufferSeconds: number;
}

const MAX_RECORDS = 100_000_000;
/**
 * Firehose names a folder by the arrival of the first record in the object, and that record can be of another sender
 * and 15 minutes older. The sender's clock can be wrong by 5 minutes, or AWS refuses its requests.
 */
const LOOK_BACK_MS = HOUR_MS;
const CLOCK_TOLERANCE_MS = 15 * MINUTE_MS;
/** An object can appear in a listing this long after the time that S3 gives it. */
const APPEARS_WITHIN_MS = 2 * MINUTE_MS;
const READ_AT_A_TIME = 8;

export function readInput(input: unknown): AwaitDeliveryInput {
  const reader = new InputReader(input, ["since", "batch", "records", "counted"]);
  const isTime = (value: string) => parseEventTime(value) !== undefined;
  const since = reader.text("since", "an ISO 8601 date and time such as 2026-11-21T09:00:00Z", isTime);
  const allowedBatch = "8 to 64 letters, digits and hyphens";
  const batch = reader.text("batch", allowedBatch, isBatch);
  const records = reader.integer("records", 0, MAX_RECORDS);
  reader.required("since", "an ISO 8601 date and time");
  reader.required("batch", allowedBatch);
  reader.required("records", `a whole number from 0 to ${MAX_RECORDS}`);
  reader.finish();
  const sinceMs = parseEventTime(since as string)?.epochMs as number;
  const counted = readCounted((input as { counted?: unknown }).counted);
  return { sinceMs, batch: batch as string, records: records as number, counted };
}

function readCounted(counted: unknown): Counted | undefined {
  if (counted === undefined) return undefined;
  const reader = new InputReader(counted, ["through", "seen", "failedBatches"]);
  const through = reader.text(
    "through",
    "an ISO 8601 date and time",
    (value) => !Number.isNaN(Date.parse(value)),
  );
  const seen = reader.text("seen", "the text of an earlier answer", () => true);
  const failedBatches = reader.integer("failedBatches", 0, Number.MAX_SAFE_INTEGER);
  for (const key of ["through", "seen", "failedBatches"]) reader.required(key, "as in an earlier answer");
  reader.finish();
  return { through: through as string, seen: seen as string, failedBatches: failedBatches as number };
}

export async function awaitDelivery(
  input: AwaitDeliveryInput,
  dependencies: AwaitDeliveryDependencies,
): Promise<AwaitDeliveryResult> {
  const { sinceMs, batch, records, counted } = input;
  const seen = counted === undefined ? new RecordsSeen(records) : RecordsSeen.fromText(counted.seen, records);
  const fromMs =
    counted === undefined ? sinceMs - CLOCK_TOLERANCE_MS : Date.parse(counted.through) - APPEARS_WITHIN_MS;
  const pass = new Pass(batch, seen, fromMs, dependencies);
  for (const zone of ["raw", "quarantine"] as const) {
    const startAfter = hourPrefix(zone, sinceMs - LOOK_BACK_MS);
    await pass.read({ prefix: PREFIX[zone], startAfter }, findInLines);
  }
  const withErrors = await pass.read({ prefix: PREFIX.firehoseErrors }, findInErrors);
  // Objects of the last minutes are read, and counted, again.
  const failedBatches = Math.max(counted?.failedBatches ?? 0, withErrors);
  const text = seen.toText();
  return {
    ingested: seen.count >= records,
    pending: pendingOf(seen, records, dependencies.bufferSeconds),
    failedBatches,
    ...(text !== undefined && {
      counted: { through: new Date(pass.newestMs).toISOString(), seen: text, failedBatches },
    }),
  };
}

function pendingOf({ count }: RecordsSeen, records: number, bufferSeconds: number): string[] {
  if (count >= records) return [];
  const left = `${records - count} of ${records} records`;
  return [bufferSeconds > 0 ? `${left}; Firehose buffers records for up to ${bufferSeconds} seconds` : left];
}

type Find = (body: Readable, batch: string, found: (record: number) => void) => Promise<void>;

/** One pass over the objects that changed since a time. It holds a page of a listing, and reads a few objects at once. */
class Pass {
  newestMs: number;

  constructor(
    private readonly batch: string,
    private readonly seen: RecordsSeen,
    private readonly fromMs: number,
    private readonly dependencies: AwaitDeliveryDependencies,
  ) {
    this.newestMs = fromMs;
  }

  /** Returns how many objects had records of the batch. */
  async read(options: { prefix: string; startAfter?: string }, find: Find): Promise<number> {
    const { s3, bucket } = this.dependencies;
    // S3 gives times in whole seconds.
    const fromSecondMs = Math.floor(this.fromMs / 1000) * 1000;
    let having = 0;
    for await (const { objects } of listPages(s3, bucket, options)) {
      const fresh = objects.filter(({ lastModifiedMs }) => lastModifiedMs >= fromSecondMs);
      const readers = Array.from({ length: READ_AT_A_TIME }, async () => {
        for (let next = fresh.pop(); next !== undefined; next = fresh.pop()) {
          if (await this.readOne(next, find)) having += 1;
        }
      });
      await Promise.all(readers);
    }
    return having;
  }

  private async readOne({ key, lastModifiedMs }: Listed, find: Find): Promise<boolean> {
    const { s3, bucket } = this.dependencies;
    let hasRecords = false;
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    await find(Body as Readable, this.batch, (record) => {
      hasRecords = true;
      this.seen.add(record);
    });
    this.newestMs = Math.max(this.newestMs, lastModifiedMs);
    return hasRecords;
  }
}
