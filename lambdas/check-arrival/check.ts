// Finds the raw and quarantine objects that arrived since the last check, and what to-parquet made of the raw ones. What it
// lists and reads depends on these objects, not on what the lake holds.

import { PREFIX } from "../../schema/prefixes";
import { type Head, readHead } from "../look-for-new/head";
import { countGivenUp, hasArrived, LISTING_MARGIN_MS, MOST_PAGES } from "../look-for-new/look";
import { TakenObjects } from "../look-for-new/taken";
import { MINUTE_MS } from "../shared/durations";
import { arrivalHour, hourPrefix, type Zone } from "../shared/layout";
import { type Listed, listPages } from "../shared/objects";
import type { Clock } from "../shared/runtime";
import { announcement } from "./announcement";
import { type Cursor, readCursor, writeCursor } from "./cursor";
import { type Due, type DueDependencies, jobDue } from "./due";
import { type Arrived, addUp, readMarkers, shortName, type Written } from "./markers";
import { countQuarantined } from "./quarantined";

export interface CheckArrivalDependencies extends DueDependencies {
  clock: Clock;
  /** Calls to-parquet asynchronously with an S3 event. */
  announce: (event: unknown) => Promise<void>;
}

export interface CheckArrivalResult extends Due {
  /** Objects without a marker that are so young that to-parquet may be at work on them. */
  pending: number;
  /** Older ones. to-parquet was called for them again, for MOST_ANNOUNCED at most. */
  missing: number;
  /** Objects that this check left to the next one. */
  more: number;
  arrived: Arrived;
  givenUpBatches: number;
  /** When the job's last run was committed, and its execution; null if none was. */
  since: string | null;
  lastExecution: string | null;
  /** Input for this function once the check is verified. */
  keep: { keep: string; etag: string };
}

/** S3 announces an object within seconds, and to-parquet needs some more. */
const PENDING_MS = 2 * MINUTE_MS;
/** So many objects are checked at once. What is known of each goes through the state machine: at most 256 KiB. */
const MOST_OBJECTS = 1000;
/** So much of the quarantine is read at once, compressed. */
const MOST_QUARANTINE_BYTES = 64 * 1024 * 1024;
const MOST_RECENT = 2000;
const MOST_OPEN = 300;
const MOST_ANNOUNCED = 100;

export async function checkArrival(dependencies: CheckArrivalDependencies): Promise<CheckArrivalResult> {
  const { s3, curatedBucket, clock } = dependencies;
  const now = clock.now();
  const [head, { cursor, etag }] = await Promise.all([
    readHead(s3, curatedBucket),
    readCursor(s3, curatedBucket),
  ]);
  const found = await newObjects(dependencies, typeof head === "object" ? head : undefined, cursor);
  const checked = asManyAsFit(found);
  const raw = checked.filter((object) => !isQuarantine(object));
  const markers = await readMarkers(s3, curatedBucket, raw);
  const written: Written[] = [];
  const unwritten: Listed[] = [];
  for (const [index, object] of raw.entries()) {
    const marker = markers[index];
    if (marker) written.push({ object, marker });
    else unwritten.push(object);
  }
  const missing = unwritten.filter(({ lastModifiedMs }) => now - lastModifiedMs >= PENDING_MS);
  await announceAgain(dependencies, missing);
  const due = await jobDue(dependencies, head, now);
  const last = typeof head === "object" ? head : undefined;
  // If the job is due, it counts them.
  const quarantine = due.jobDue ? [] : checked.filter(isQuarantine);
  return {
    pending: unwritten.length - missing.length,
    missing: missing.length,
    more: found.length - checked.length,
    ...due,
    arrived: addUp(written, await countQuarantined(s3, dependencies.rawBucket, quarantine)),
    givenUpBatches: due.jobDue ? 0 : await countGivenUp(dependencies),
    since: last?.committedAt ?? null,
    lastExecution: last?.execution ?? null,
    keep: {
      keep: writeCursor(nextCursor(cursor, checked, found.length > checked.length, unwritten, now)),
      etag,
    },
  };
}

/** The oldest objects. At least one, so that the checks go on. */
function asManyAsFit(found: readonly Listed[]): Listed[] {
  let bytes = 0;
  const end = found.slice(0, MOST_OBJECTS).findIndex((object, index) => {
    bytes += isQuarantine(object) ? object.size : 0;
    return index > 0 && bytes > MOST_QUARANTINE_BYTES;
  });
  return found.slice(0, end === -1 ? MOST_OBJECTS : end);
}

const isQuarantine = ({ key }: Listed) => key.startsWith(PREFIX.quarantine);

/** Objects that no check has seen and no committed run has taken, the oldest first. */
async function newObjects(
  dependencies: CheckArrivalDependencies,
  head: Head | undefined,
  cursor: Cursor | undefined,
): Promise<Listed[]> {
  const { s3, rawBucket, curatedBucket } = dependencies;
  const checkedMs = Math.max(cursor?.untilMs ?? 0, head?.listedAtMs ?? 0);
  const sinceMs = checkedMs - LISTING_MARGIN_MS;
  const seen = new Set(cursor?.recent);
  const from = checkedMs === 0 ? undefined : sinceMs;
  const listed = [
    ...(await list(dependencies, "raw", from)),
    ...(await list(dependencies, "quarantine", from)),
  ];
  // Not what an earlier check saw, but what it left open.
  const candidates = listed.filter(
    ({ key, lastModifiedMs }) => lastModifiedMs >= sinceMs && !seen.has(shortName(key)),
  );
  const known = new Set(candidates.map(({ key }) => key));
  const runMs = (head?.listedAtMs ?? 0) - LISTING_MARGIN_MS;
  const open = (cursor?.open ?? []).filter(
    ({ key, lastModifiedMs }) => !known.has(key) && lastModifiedMs >= runMs,
  );
  const all: Listed[] = [...candidates, ...open];
  const taken = new TakenObjects(s3, curatedBucket, rawBucket, head?.taken ?? []);
  const hours = all.map(({ key }) => arrivalHour(key) ?? sinceMs);
  if (all.length > 0) await taken.load(Math.min(sinceMs, ...hours));
  return all
    .filter(({ key }) => !taken.has(key))
    .sort((a, b) => a.lastModifiedMs - b.lastModifiedMs || (a.key < b.key ? -1 : 1));
}

/** The objects of the hours that can have a new one. Firehose names the hour in which the first event arrived. */
async function list(
  { s3, rawBucket, retentionMs }: CheckArrivalDependencies,
  zone: Zone,
  sinceMs?: number,
): Promise<Listed[]> {
  const startAfter = sinceMs === undefined ? undefined : hourPrefix(zone, sinceMs - retentionMs);
  const found: Listed[] = [];
  let pages = 0;
  for await (const { objects } of listPages(s3, rawBucket, { prefix: PREFIX[zone], startAfter })) {
    // to-parquet and the job count their own quarantine objects.
    found.push(...objects.filter(({ key }) => hasArrived(key)));
    // The next check goes on, or the job takes what is older.
    if (++pages >= MOST_PAGES) break;
  }
  return found;
}

async function announceAgain(
  { announce, rawBucket }: CheckArrivalDependencies,
  missing: readonly Listed[],
): Promise<void> {
  for (const object of missing.slice(0, MOST_ANNOUNCED)) await announce(announcement(rawBucket, object));
}

/** The cursor after this check. If objects are left, it stays at the last one that was checked. */
function nextCursor(
  before: Cursor | undefined,
  checked: readonly Listed[],
  someLeft: boolean,
  unwritten: readonly Listed[],
  now: number,
): Cursor {
  const untilMs = someLeft ? (checked.at(-1)?.lastModifiedMs ?? now) : now;
  const fresh = checked
    .filter(({ lastModifiedMs }) => lastModifiedMs >= untilMs - LISTING_MARGIN_MS)
    .map(({ key }) => shortName(key));
  return {
    untilMs: Math.max(untilMs, before?.untilMs ?? 0),
    recent: [...new Set([...fresh, ...(before?.recent ?? [])])].slice(0, MOST_RECENT),
    open: unwritten.slice(-MOST_OPEN).map(({ key, size, lastModifiedMs }) => ({ key, size, lastModifiedMs })),
  };
}
