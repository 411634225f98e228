// What the way `arrival` costs beside Firehose and the job: to-parquet for each raw object, the check of each execution, and
// the arrived files that queries read until the job has their rows.

import { type Traffic, WORK } from "./assumptions";
import { type Calls, checkArrivalCalls, QUERY_GETS, s3Reads, s3Writes, times } from "./calls";
import type { Flow } from "./flow";
import { type Line, line } from "./line";
import type { ArrivalPlan } from "./plan";
import { DAYS_PER_MONTH, HOURS_PER_MONTH } from "./schedule";

const LAMBDA = "aws:lambda/function:Function";
const BUCKET = "aws:s3/bucket:Bucket";
const WORKGROUP = "aws:athena/workgroup:Workgroup";
const MINIMUM_SCAN = 10e6;
/** The job removes files that the run before took: they stay for one to two of its intervals. */
const INTERVALS_KEPT = 1.5;
/** Assumed: a file of the dates that a check looks at. Of most of them only the ids are read. */
const CHECK_GETS = 3;

export function arrivalLines(arrival: ArrivalPlan, flow: Flow, traffic: Traffic): Line[] {
  return [
    ...parquetLines(arrival, flow, traffic),
    ...checkLines(arrival, flow),
    ...arrivedLines(arrival, flow, traffic),
  ];
}

function parquetLines({ memoryMb }: ArrivalPlan, flow: Flow, traffic: Traffic): Line[] {
  const { rawObjects } = flow;
  const cores = Math.min(1, memoryMb / WORK.mbPerCore);
  const seconds =
    rawObjects * WORK.parquetSecondsPerObject + (flow.events * WORK.parquetCoreSecondsPerEvent) / cores;
  const files = rawObjects * datesOfObject(flow, traffic);
  return [
    line("transform", "Lambda: to-parquet, requests", "lambda.request", rawObjects, "requests", LAMBDA),
    line(
      "transform",
      "Lambda: to-parquet, arm64",
      "lambda.armGbSecond",
      (seconds * memoryMb) / 1024,
      "GB-seconds",
      LAMBDA,
    ),
    line("transform", "S3: objects read by to-parquet", "s3.read", rawObjects, "requests", BUCKET),
    line(
      "transform",
      "S3: files and markers written by to-parquet",
      "s3.write",
      files + rawObjects,
      "requests",
      BUCKET,
    ),
  ];
}

/** The date of the object's arrival, and those of its late events, of which the newest `days` count. */
function datesOfObject(
  { events, rawObjects }: Flow,
  { latePercent, lateDays }: Traffic,
  days = Infinity,
): number {
  if (rawObjects === 0) return 0;
  const latePerDate = ((events / rawObjects) * latePercent) / 100 / lateDays;
  return 1 + Math.min(lateDays, days - 1) * (1 - Math.exp(-latePerDate));
}

/** Each execution checks, and one that found something calls the Lambda again to keep the position. */
function checkLines({ checkMemoryMb }: ArrivalPlan, { rawObjects, executions, checks }: Flow): Line[] {
  const requests = executions + checks;
  const gbSeconds = (requests * WORK.otherLambdaSeconds * checkMemoryMb) / 1024;
  const calls: Calls = times(checkArrivalCalls(rawObjects / Math.max(1, executions)), executions);
  return [
    line("transform", "Lambda: check-arrival, requests", "lambda.request", requests, "requests", LAMBDA),
    line("transform", "Lambda: check-arrival, arm64", "lambda.armGbSecond", gbSeconds, "GB-seconds", LAMBDA),
    line("transform", "S3: objects read by check-arrival", "s3.read", s3Reads(calls), "requests", BUCKET),
    line("transform", "S3: listings by check-arrival", "s3.write", s3Writes(calls), "requests", BUCKET),
  ];
}

function arrivedLines({ jobEveryHours }: ArrivalPlan, flow: Flow, traffic: Traffic): Line[] {
  const { eventsPerDay, queriesPerDay, daysPerQuery } = traffic;
  const keptDays = (INTERVALS_KEPT * jobEveryHours) / 24;
  const keptRows = keptDays * eventsPerDay;
  const keptObjects = (flow.rawObjects / HOURS_PER_MONTH) * 24 * keptDays;
  const queries = eventsPerDay === 0 ? 0 : queriesPerDay * DAYS_PER_MONTH;
  // A query reads its columns of the arrived rows, their ids, and the ids of their dates in the job's table.
  const perRow = WORK.arrivedBytesPerEvent * WORK.queriedShare + 2 * WORK.idBytesPerEvent;
  const scanned = queries * keptRows * perRow;
  // A check looks for copies: it reads the ids of the dates of the new events, in both tables.
  const ids = keptRows + flow.shape.touchedDates * eventsPerDay;
  const checked = flow.checks * Math.max(MINIMUM_SCAN, ids * WORK.idBytesPerEvent);
  const filesOfQuery = keptObjects * datesOfObject(flow, traffic, daysPerQuery);
  const gets =
    queries * filesOfQuery * QUERY_GETS +
    flow.checks * keptObjects * datesOfObject(flow, traffic) * CHECK_GETS;
  const storedGb = (keptRows * WORK.arrivedBytesPerEvent) / 1e9;
  return [
    line("catalog", "Athena: arrived events in your queries", "athena.tb", scanned / 1e12, "TB", WORKGROUP),
    line("catalog", "Athena: the check of arrived events", "athena.tb", checked / 1e12, "TB", WORKGROUP),
    line("catalog", "S3: arrived files read by Athena", "s3.read", gets, "requests", BUCKET),
    line("storage", "S3: arrived events, STANDARD", "s3.STANDARD", storedGb, "GB-months", BUCKET),
  ];
}
