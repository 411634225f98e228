// Decides whether there is anything for the Spark job to do. If it cannot be sure, it says so, and the job looks itself.

import type { S3Client } from "@aws-sdk/client-s3";
import { PREFIX } from "../../schema/prefixes";
import { HOUR_MS } from "../shared/durations";
import { arrivalHour, hourPrefix, type Zone } from "../shared/layout";
import { type Listed, listPages } from "../shared/objects";
import { type Head, readHead } from "./head";
import { TakenObjects } from "./taken";

export interface LookForNewDependencies {
  s3: S3Client;
  rawBucket: string;
  givenUpPrefix: string;
  curatedBucket: string;
  retentionMs: number;
}

/** Why the job has to run. */
export type Reason =
  /** An object that no committed run took. */
  | "new_object"
  /** A run has not ended, or was killed: the job has to remove or publish what it left. */
  | "open_attempt"
  /** The head has a form that this code does not know. */
  | "unknown_head"
  /** Looking on would cost more than it saves. */
  | "too_many_objects";

export interface LookForNewResult {
  new: boolean;
  /** When the last run was committed, and its execution; null if none was. */
  since: string | null;
  lastExecution: string | null;
  /** Objects of batches that were given up, up to MOST_GIVEN_UP. Only counted if nothing is new: else the job counts them. */
  givenUpBatches: number;
}

export interface Found {
  result: LookForNewResult;
  reason?: Reason;
  /** The first new object. */
  key?: string;
}

/** Same as in the job (head.py): an object can have an earlier LastModified than a listing that missed it. */
export const LISTING_MARGIN_MS = HOUR_MS;
/** Suffixes of the quarantine objects that the job writes itself (keys.py). */
const WRITTEN_BY_JOB = ["-unreadable.jsonl.gz", "-conflicts.jsonl.gz"];
/** Whether it is an object of raw lines or quarantined lines that arrived. */
export const hasArrived = (key: string) =>
  key.endsWith(".jsonl.gz") && !WRITTEN_BY_JOB.some((suffix) => key.endsWith(suffix));
/** A Glue run of one minute costs as much as 2,900 of these pages. */
export const MOST_PAGES = 500;
/** As many as the job counts at most. */
const MOST_GIVEN_UP = 10_000;

export async function lookForNew(dependencies: LookForNewDependencies): Promise<Found> {
  const { s3, curatedBucket } = dependencies;
  const [head, isOpen] = await Promise.all([readHead(s3, curatedBucket), hasOpenAttempt(dependencies)]);
  const last = typeof head === "object" ? head : undefined;
  const answer = (isNew: boolean, givenUpBatches: number): LookForNewResult => ({
    new: isNew,
    since: last?.committedAt ?? null,
    lastExecution: last?.execution ?? null,
    givenUpBatches,
  });
  const found: Omit<Found, "result"> | undefined =
    head === "unknown"
      ? { reason: "unknown_head" }
      : isOpen
        ? { reason: "open_attempt" }
        : await new Search(dependencies, last).run();
  if (found) return { result: answer(true, 0), ...found };
  return { result: answer(false, await countGivenUp(dependencies)) };
}

export async function hasOpenAttempt({
  s3,
  curatedBucket,
}: Pick<LookForNewDependencies, "s3" | "curatedBucket">): Promise<boolean> {
  const options = { prefix: `${PREFIX.runs}attempts/`, maxKeys: 1 };
  for await (const { objects } of listPages(s3, curatedBucket, options)) return objects.length > 0;
  return false;
}

/** The mail warns about them, and a batch that was given up is no new object. */
export async function countGivenUp({
  s3,
  rawBucket,
  givenUpPrefix,
}: LookForNewDependencies): Promise<number> {
  let count = 0;
  for await (const { objects } of listPages(s3, rawBucket, { prefix: givenUpPrefix })) {
    count += objects.length;
    if (count >= MOST_GIVEN_UP) break;
  }
  return Math.min(count, MOST_GIVEN_UP);
}

/** Searches for the first object that no committed run took. Holds one page of a listing at a time. */
class Search {
  private pages = 0;
  private readonly taken: TakenObjects;
  private readonly sinceMs: number;

  constructor(
    private readonly dependencies: LookForNewDependencies,
    private readonly head: Head | undefined,
  ) {
    const { s3, rawBucket, curatedBucket } = dependencies;
    this.taken = new TakenObjects(s3, curatedBucket, rawBucket, head?.taken ?? []);
    const listedAtMs = head?.listedAtMs;
    this.sinceMs = listedAtMs === undefined ? Number.NEGATIVE_INFINITY : listedAtMs - LISTING_MARGIN_MS;
  }

  async run(): Promise<Omit<Found, "result"> | undefined> {
    const { listedAtMs, retentionMs = 0 } = this.head ?? {};
    if (listedAtMs === undefined) return (await this.list("raw")) ?? (await this.list("quarantine"));
    // New objects are mostly in the newest hours. Objects of earlier hours come from an ingest that was late.
    const earliestMs = this.sinceMs - Math.max(this.dependencies.retentionMs, retentionMs);
    return (
      (await this.list("raw", listedAtMs)) ??
      (await this.list("quarantine", listedAtMs)) ??
      (await this.list("raw", earliestMs, listedAtMs)) ??
      (await this.list("quarantine", earliestMs, listedAtMs))
    );
  }

  /** Looks at the hours from that of `fromMs` to the one before `toMs`. */
  private async list(zone: Zone, fromMs?: number, toMs?: number): Promise<Omit<Found, "result"> | undefined> {
    const { s3, rawBucket } = this.dependencies;
    const startAfter = fromMs === undefined ? undefined : hourPrefix(zone, fromMs);
    const end = toMs === undefined ? undefined : hourPrefix(zone, toMs);
    for await (const { objects } of listPages(s3, rawBucket, { prefix: PREFIX[zone], startAfter })) {
      this.pages += 1;
      const inRange = end === undefined ? objects : objects.filter(({ key }) => key < end);
      const found = await this.newAmong(inRange.filter((object) => this.counts(object)));
      if (found) return found;
      if (inRange.length < objects.length) return undefined;
      if (this.pages >= MOST_PAGES) return { reason: "too_many_objects" };
    }
    return undefined;
  }

  private counts({ key, lastModifiedMs }: Listed): boolean {
    return hasArrived(key) && lastModifiedMs >= this.sinceMs;
  }

  private async newAmong(recent: Listed[]): Promise<Omit<Found, "result"> | undefined> {
    if (recent.length === 0) return undefined;
    // A redelivery overwrites an old object, which then looks new. It was first taken after the hour in its key.
    const hours = recent.map(({ key }) => arrivalHour(key) ?? Number.NEGATIVE_INFINITY);
    if (!(await this.taken.load(Math.min(this.sinceMs, ...hours)))) return { reason: "too_many_objects" };
    const untaken = recent.find(({ key }) => !this.taken.has(key));
    return untaken && { reason: "new_object", key: untaken.key };
  }
}
