// Checks the results of the executions: counts, quarantine, failures, reprocess, partitions.
import { paginateGetPartitions } from "@aws-sdk/client-glue";
import { runQuery, type Value } from "../../../stack/athena";
import { imbalance } from "../../../stack/run-report";
import { BROKEN_RULE } from "../breakage";
import { countEvents } from "../executions";
import { seen, unexpected, type Verdict } from "../verdict";
import type { ExecutionFact, World } from "../world";

/** "FAILED at TransformEvents: Glue.X: message". */
export function ending({ status, failedState, error, cause }: ExecutionFact): string {
  const where = failedState ? ` at ${failedState}` : "";
  const why = [error, cause].filter(Boolean).join(": ");
  return `${status}${where}${why ? `: ${why}` : ""}`;
}

/** The fact that a step returned. If it is missing, the table of rows has a defect. */
export function given<T>(fact: T | undefined, step: string): T {
  if (fact === undefined) throw new Error(`the step ${step} returned nothing to check`);
  return fact;
}

export async function simulated(world: World): Promise<Verdict> {
  const fact = given(world.facts.simulate, "simulate");
  const { status, report, sent, seconds } = fact;
  if (status !== "SUCCEEDED") return unexpected(`the execution ended ${ending(fact)}`);
  if (!report || sent === undefined) return unexpected("the execution's output has no run report");
  const { curated, quarantined, duplicates } = report;
  const problem = imbalance({ sent, curated, quarantined, duplicates });
  if (problem) return unexpected(problem);
  const rows = (await countEvents(world)) - fact.rowsBefore;
  if (rows !== curated) return unexpected(`${curated} rows were curated, but Athena counts ${rows} more`);
  return seen(
    `${sent} sent = ${curated} curated + ${quarantined} quarantined + ${duplicates} duplicates, in ${seconds} s`,
  );
}

/** Athena must project the days of the quarantine, and compare them with a text of the same form. */
const SINCE_YESTERDAY =
  "arrival_day >= date_format(current_date - INTERVAL '1' DAY, 'year=%Y/month=%m/day=%d')";

export async function poisoned(world: World): Promise<Verdict> {
  const fact = given(world.facts.poison, "poison");
  if (fact.status !== "SUCCEEDED") return unexpected(`the execution ended ${ending(fact)}`);
  const { eventsTable, quarantineTable } = world.outputs;
  const { marker } = fact;
  const events = await query(
    world,
    `SELECT event_id FROM ${eventsTable} WHERE event_id LIKE '${marker}-good-%' ORDER BY event_id`,
  );
  const found = events.map(([id]) => String(id));
  const lines = await query(
    world,
    `SELECT payload, reason FROM ${quarantineTable} WHERE payload LIKE '%${marker}-bad%' AND ${SINCE_YESTERDAY}`,
  );
  const payloads = lines.map(([payload]) => String(payload));
  const missing = fact.bad.filter((line) => !payloads.includes(line));
  if (missing.length > 0) return unexpected(`not in the quarantine: ${missing.join(" | ")}`);
  if (lines.length !== fact.bad.length)
    return unexpected(`${fact.bad.length} bad lines were sent, but ${lines.length} are in the quarantine`);
  if (found.join() !== fact.good.join())
    return unexpected(
      `of the good events ${fact.good.join(", ")} only these are curated: ${found.join(", ") || "none"}`,
    );
  const reasons = [...new Set(lines.map(([, reason]) => String(reason)))].sort();
  return seen(
    `${lines.length} lines in the quarantine (${reasons.join("; ")}), ${found.length} good events curated`,
  );
}

export async function givenUp(world: World): Promise<Verdict> {
  const { id, key } = given(world.facts.givenUp, "give-up");
  if (key === undefined)
    return unexpected(`no object under aws/lambda/ in ${world.outputs.rawBucket} holds the event ${id}`);
  return seen(`${key} holds the event`);
}

export async function refused(world: World): Promise<Verdict> {
  const fact = given(world.facts.refuse, "refuse");
  if (fact.status !== "FAILED") return unexpected(`the execution ended ${ending(fact)}`);
  if (!fact.cause?.includes("simulat"))
    return unexpected(`the cause does not name the key simulat: ${fact.cause}`);
  return seen(fact.cause);
}

export async function raised(world: World): Promise<Verdict> {
  const fact = given(world.facts.raise, "raise");
  if (fact.status !== "FAILED" || fact.failedState !== "TransformEvents")
    return unexpected(`the execution ended ${ending(fact)}`);
  if (!fact.cause?.includes(BROKEN_RULE))
    return unexpected(`the cause does not contain the script's error (${BROKEN_RULE}): ${fact.cause}`);
  return seen(fact.cause.split("\n")[0] ?? "");
}

export async function recovered(world: World): Promise<Verdict> {
  // The execution with the bad lines is the first one after the failed one.
  const fact = given(world.facts.poison, "poison");
  if (fact.status !== "SUCCEEDED") return unexpected(`the execution after it ended ${ending(fact)}`);
  const id = `${world.facts.marker}-raised`;
  const rows = await countEvents(world, `event_id = '${id}'`);
  return rows === 1
    ? seen("the next execution curated the event, once")
    : unexpected(`the events table has the event ${id} ${rows} times`);
}

export async function quiet(world: World): Promise<Verdict> {
  const fact = given(world.facts.quiet, "quiet");
  const { status, report, left, seconds } = fact;
  if (status !== "SUCCEEDED") return unexpected(`the execution ended ${ending(fact)}`);
  if (left.includes("TransformEvents"))
    return unexpected("a Glue run was started, although nothing was sent");
  if (report?.outcome !== "nothing_new") return unexpected(`the report's outcome is ${report?.outcome}`);
  return seen(`nothing new, in ${seconds} s and without a Glue run`);
}

export async function reprocessed(world: World): Promise<Verdict> {
  const fact = given(world.facts.reprocess, "reprocess");
  const { status, day, before, after } = fact;
  if (status !== "SUCCEEDED") return unexpected(`the execution ended ${ending(fact)}`);
  if (before.rows === 0) return unexpected(`${day} had no row before`);
  if (after.rows !== before.rows || after.ids !== before.ids || after.ids !== after.rows) {
    return unexpected(
      `${day} had ${before.rows} rows with ${before.ids} event_id before, and ${after.rows} with ${after.ids} after`,
    );
  }
  if (after.location === before.location)
    return unexpected(`the partition ${day} is still at ${after.location}`);
  return seen(`${day}: ${after.rows} rows before and after, the partition moved to ${after.location}`);
}

export async function partitions(world: World): Promise<Verdict> {
  const { database, eventsTable } = world.outputs;
  const registered: string[] = [];
  for await (const { Partitions = [] } of paginateGetPartitions(
    { client: world.clients.glue },
    { DatabaseName: database, TableName: eventsTable },
  )) {
    registered.push(...Partitions.map(({ Values = [] }) => Values.join("/")));
  }
  const wanted = given(world.facts.simulate?.report, "simulate").partitions;
  const missing = wanted.filter((day) => !registered.includes(day));
  if (missing.length > 0)
    return unexpected(`the run wrote to ${missing.join(", ")}, which the catalog does not have`);
  return seen(`${registered.length} partitions: ${registered.sort().join(", ")}`);
}

async function query({ clients, outputs }: World, sql: string): Promise<Value[][]> {
  const { database, workgroup } = outputs;
  return (await runQuery({ athena: clients.athena, database, workgroup }, sql)).rows;
}
