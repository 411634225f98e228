// The requests of an execution to S3, the Glue catalog, Athena and Lambda, by operation, from what the execution meets.
// The names are those of requests.jsonl, so that an execution on the local stack can be compared with this.

import type { RunShape } from "./run-shape";

/** Calls by service and operation, such as `s3 GetObject`. */
export type Calls = Record<string, number>;

/** Keys in a page of ListObjectsV2. */
const PAGE = 1000;
/** Partitions in a call of BatchCreatePartition and BatchUpdatePartition, and in one of BatchGetPartition. */
const PARTITIONS_WRITTEN = 100;
const PARTITIONS_READ = 1000;

/** Of a file in which Spark looks for known ids. Counted: it asks for the length again and again. */
const GETS_PER_KNOWN_FILE = 3;
const HEADS_PER_KNOWN_FILE = 4;
/** Of a date that is searched. Counted: the job looks whether it has files, then Spark lists its folder. */
const LISTS_PER_DATE = 3;
const HEADS_PER_DATE = 1;
/** Assumed: compaction reads the footers to count the rows, and then the rows, each as Spark reads a known file. */
const READINGS_PER_COMPACTED_FILE = 2;
/** Of the check. Counted: a file of the run itself, whose ids are read, and another one, whose footer tells enough. */
const GETS_PER_CHECKED_FILE = 2;
const GETS_PER_SKIPPED_FILE = 1;
/** Assumed: GETs of a file in a person's query of a few columns. */
export const QUERY_GETS = 4;
/** Assumed: the length of the footer, then the footer. */
const GETS_PER_CRAWLED_FILE = 2;
/** Athena writes the result and its metadata. */
const WRITES_PER_QUERY = 2;
/** Assumed: calls of Athena to the catalog in an execution (two queries), and in a person's query. The local Athena: 17. */
const CATALOG_CALLS_OF_ATHENA = 20;

const pages = (objects: number) => Math.max(1, Math.ceil(objects / PAGE));

/** Where something is new, look-for-new stops at the first object that no run took. Else it lists all that can be new. */
export function lookForNewCalls(shape: RunShape, anythingNew: boolean): Calls {
  const attempts = 1;
  const givenUp = 1;
  // The hours since the last listing, then those before it: of raw/ and of quarantine/.
  const all = 2 + pages(shape.windowRawObjects) + pages(shape.windowQuarantineObjects);
  return {
    "lambda Invoke": 1,
    "s3 GetObject": 1 + shape.takenLists,
    "s3 ListObjectsV2": attempts + (anythingNew ? 1 : all + givenUp),
  };
}

/**
 * check-arrival: the cursor, the head and the markers of the objects since the last check. It lists raw objects, attempts and
 * what Firehose gave up, and replaces the cursor.
 */
export function checkArrivalCalls(rawObjects: number): Calls {
  return {
    "lambda Invoke": 1,
    "s3 GetObject": 2 + rawObjects,
    "s3 ListObjectsV2": 2 + pages(rawObjects),
    "s3 PutObject": 1,
  };
}

/** The Spark job: from the head to the removal of its note. */
export function jobCalls(shape: RunShape): Calls {
  const compacts = shape.compactedDates > 0 ? 1 : 0;
  return {
    // The script and its package, the head, the lists of taken objects, the note of what the last compaction retired;
    // then each new object once, and the files.
    "s3 GetObject":
      2 +
      1 +
      compacts +
      shape.takenLists +
      shape.rawObjects +
      shape.quarantineObjects +
      (shape.knownFiles + shape.compactedFiles * READINGS_PER_COMPACTED_FILE) * GETS_PER_KNOWN_FILE,
    "s3 HeadObject":
      shape.searchedDates * HEADS_PER_DATE +
      (shape.knownFiles + shape.compactedFiles * READINGS_PER_COMPACTED_FILE) * HEADS_PER_KNOWN_FILE,
    // Its report twice, batches that were given up, retired locations and attempts, which compaction asks for again. Then
    // raw/, quarantine/ and the dates; those to compact, and the folders that the last compaction retired.
    "s3 ListObjectsV2":
      5 +
      2 * compacts +
      pages(shape.windowRawObjects) +
      pages(shape.windowQuarantineObjects) +
      shape.searchedDates * LISTS_PER_DATE +
      2 * shape.compactedDates,
    // The note twice, the list of taken objects, the summary, the head and the report. The note of what a compaction
    // retires twice. Then the files.
    "s3 PutObject": 6 + 2 * compacts + shape.filesWritten + shape.compactionFiles,
    "s3 CopyObject": shape.copiedFiles,
    "s3 DeleteObjects": 1,
    "glue BatchGetPartition": Math.max(1, Math.ceil(shape.searchedDates / PARTITIONS_READ)) + 2 * compacts,
    "glue GetTable": compacts,
    "glue BatchUpdatePartition": Math.ceil(shape.compactedDates / PARTITIONS_WRITTEN),
  };
}

/** What the state machine does after the job: the summary, the partitions, the check and the metrics. */
export function verificationCalls(shape: RunShape): Calls {
  return {
    // Of files of other runs only the footer is read: their processed_at is another one.
    "s3 GetObject":
      1 + shape.touchedFiles * GETS_PER_SKIPPED_FILE + shape.filesWritten * GETS_PER_CHECKED_FILE,
    "s3 ListObjectsV2": shape.touchedDates,
    "s3 PutObject": 2 * WRITES_PER_QUERY,
    "athena StartQueryExecution": 2,
    "glue catalog calls of Athena": CATALOG_CALLS_OF_ATHENA,
    "monitoring PutMetricData": 1,
  };
}

/** All calls of an execution that found something new. */
export function workingCalls(shape: RunShape): Calls {
  return added(lookForNewCalls(shape, true), jobCalls(shape), verificationCalls(shape));
}

/** All calls of an execution that found nothing new. */
export function idleCalls(shape: RunShape): Calls {
  return added(lookForNewCalls(shape, false), { "monitoring PutMetricData": 1 });
}

/** A crawl of a table with so many days and files. It lists all of them and reads each footer, whatever is new. */
export function crawlCalls(days: number, files: number): Calls {
  return {
    "s3 GetObject": files * GETS_PER_CRAWLED_FILE,
    "s3 ListObjectsV2": pages(files),
    "glue GetDatabase": 1,
    "glue GetTable": 1,
    "glue GetPartitions": pages(days),
  };
}

/** A query by a person over some days, with so many files. */
export function queryCalls(days: number, files: number): Calls {
  return {
    "s3 GetObject": files * QUERY_GETS,
    "s3 ListObjectsV2": days,
    "s3 PutObject": WRITES_PER_QUERY,
    "glue catalog calls of Athena": CATALOG_CALLS_OF_ATHENA,
  };
}

/**
 * A batch of the ingest: a PUT for each object. For each quarantine object, which holds the lines of one hour, it lists
 * what the shard has in the quarantine of that hour.
 */
export function batchCalls(quarantineObjects: number, quarantineObjectsOfShardHour: number): Calls {
  const listings = quarantineObjects * pages(quarantineObjectsOfShardHour);
  return { "s3 PutObject": 1 + quarantineObjects, "s3 ListObjectsV2": listings };
}

function added(...all: Calls[]): Calls {
  const sum: Calls = {};
  for (const calls of all)
    for (const [name, count] of Object.entries(calls)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

export function times(calls: Calls, factor: number): Calls {
  return Object.fromEntries(Object.entries(calls).map(([name, count]) => [name, count * factor]));
}

/** GET and HEAD have one price, PUT, COPY, POST and LIST another. DELETE is free. */
export const s3Reads = (calls: Calls) => sumOf(calls, /^s3 (Get|Head)Object$/);
export const s3Writes = (calls: Calls) => sumOf(calls, /^s3 (Put|Copy|List)/);
export const catalogCalls = (calls: Calls) => sumOf(calls, /^glue /);

function sumOf(calls: Calls, names: RegExp): number {
  return Object.entries(calls).reduce((sum, [name, count]) => sum + (names.test(name) ? count : 0), 0);
}
