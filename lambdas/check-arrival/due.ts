// Decides whether the Glue job is due: its interval has passed and something is new, or a run has left work behind.

import { PREFIX } from "../../schema/prefixes";
import type { Head } from "../look-for-new/head";
import { hasOpenAttempt, type LookForNewDependencies, lookForNew, type Reason } from "../look-for-new/look";
import { MINUTE_MS } from "../shared/durations";
import { arrivalHour } from "../shared/layout";
import { listKeys } from "../shared/objects";

export interface DueDependencies extends LookForNewDependencies {
  jobEveryMs: number;
}

export interface Due {
  jobDue: boolean;
  /** `interval`, or why the interval does not matter. Null if the job is not due. */
  why: "interval" | Reason | null;
  /** When the interval ends; null if the job is due, or if nothing has arrived yet. */
  nextJobAt: string | null;
}

/** A schedule never starts at the same second. So much before its time the job is due. */
const MOST_EARLY_MS = 10 * MINUTE_MS;

export async function jobDue(
  dependencies: DueDependencies,
  head: Head | "absent" | "unknown",
  nowMs: number,
): Promise<Due> {
  if (head === "unknown") return { jobDue: true, why: "unknown_head", nextJobAt: null };
  if (await hasOpenAttempt(dependencies)) return { jobDue: true, why: "open_attempt", nextJobAt: null };
  const startMs = await intervalStart(dependencies, head);
  if (startMs === undefined) return { jobDue: false, why: null, nextJobAt: null };
  const dueMs = startMs + dependencies.jobEveryMs;
  const early = Math.min(MOST_EARLY_MS, dependencies.jobEveryMs / 10);
  if (nowMs < dueMs - early) {
    return { jobDue: false, why: null, nextJobAt: new Date(dueMs).toISOString() };
  }
  const { result, reason } = await lookForNew(dependencies);
  if (!result.new) return { jobDue: false, why: null, nextJobAt: null };
  return {
    jobDue: true,
    why: reason === "new_object" ? "interval" : (reason ?? "interval"),
    nextJobAt: null,
  };
}

/** When the last run listed; before the first run, when the first object arrived; undefined without any object. */
async function intervalStart(
  { s3, rawBucket }: DueDependencies,
  head: Head | "absent",
): Promise<number | undefined> {
  if (head !== "absent" && head.listedAtMs !== undefined) return head.listedAtMs;
  const { objects } = await listKeys(s3, rawBucket, { prefix: PREFIX.raw, maxKeys: 1 });
  const first = objects[0];
  return first && (arrivalHour(first.key) ?? first.lastModifiedMs);
}
