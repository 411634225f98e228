// What each stage needs of what it can have at most, for a traffic. So the docs can say what breaks first, and at which size.

import { HOUR_SECONDS } from "../../lambdas/shared/durations";
import { type Traffic, WORK } from "./assumptions";
import { jobCalls, s3Reads } from "./calls";
import { type Flow, flowOf, GB, WORKING_PATH } from "./flow";
import type { Plan, StreamPlan } from "./plan";
import { QUOTAS } from "./quotas";
import { HOURS_PER_MONTH } from "./schedule";

/** One need and its limit. Above the limit, the stage fails or falls behind. */
export interface Use {
  stage: "collect" | "ingest" | "transform" | "catalog" | "orchestrate";
  what: string;
  needed: number;
  limit: number;
  unit: string;
  /** What sets the limit: a configuration key, or AWS. */
  limitedBy: string;
  /** What to change. */
  remedy: string;
  source?: string;
}

/** Events that Step Functions records for a state, at most. */
const EVENTS_PER_STATE = 6;
/** Assumed: a page of a listing. The pages of a prefix are read one after the other. */
const SECONDS_PER_PAGE = 0.15;
const MONTH_SECONDS = HOURS_PER_MONTH * HOUR_SECONDS;

export function usesOf(plan: Plan, traffic: Traffic): Use[] {
  const flow = flowOf(plan, traffic);
  return [
    ...(plan.stream ? streamUses(plan.stream, flow, traffic) : deliveryUses(flow, traffic)),
    ...jobUses(plan, flow),
    ...queryUses(plan, flow, traffic),
    {
      stage: "orchestrate",
      what: "events in the history of an execution",
      needed: WORKING_PATH.length * EVENTS_PER_STATE,
      limit: QUOTAS.historyEvents.value,
      unit: "events",
      limitedBy: "AWS",
      remedy: "none needed: the number of states does not depend on the traffic",
      source: QUOTAS.historyEvents.source,
    },
  ];
}

function streamUses(plan: StreamPlan, flow: Flow, traffic: Traffic): Use[] {
  const perSecond = flow.invocations / MONTH_SECONDS;
  const objects = flow.invocations + flow.quarantineObjects;
  return [
    {
      stage: "collect",
      what: "shards for the busiest second",
      needed: flow.neededShards,
      limit: plan.shards,
      unit: "shards",
      limitedBy: "`shardCount`",
      remedy: "`shardCount`, at most to double at a time; above 500 `streamMode` ON_DEMAND",
    },
    {
      stage: "collect",
      what: "shards of the account",
      needed: flow.neededShards,
      limit: QUOTAS.shards.value,
      unit: "shards",
      limitedBy: "AWS",
      remedy: "a higher quota",
      source: QUOTAS.shards.source,
    },
    {
      stage: "ingest",
      what: "seconds of work that a shard's batches cause in a second, at the peak",
      needed: (perSecond * flow.batchSeconds * traffic.peakFactor) / plan.shards,
      limit: 1,
      unit: "seconds",
      limitedBy: "`ingestMemoryMb`",
      remedy: "`ingestMemoryMb`: up to 1,769 MB the processor grows with it",
    },
    {
      stage: "ingest",
      what: "Lambda calls at once: one for each shard, and two of the state machine",
      needed: plan.shards + 2,
      limit: QUOTAS.concurrentLambdas.value,
      unit: "calls",
      limitedBy: "AWS",
      remedy: "a higher quota",
      source: QUOTAS.concurrentLambdas.source,
    },
    {
      stage: "ingest",
      what: "objects written a second to the hour's prefix, at the peak",
      needed: (objects / MONTH_SECONDS) * traffic.peakFactor,
      limit: QUOTAS.s3Writes.value,
      unit: "PUT a second",
      limitedBy: "AWS",
      remedy: "`batchWindowSeconds` 300 makes fewer and larger objects",
      source: QUOTAS.s3Writes.source,
    },
  ];
}

function deliveryUses(flow: Flow, traffic: Traffic): Use[] {
  return [
    {
      stage: "collect",
      what: "MB that producers send to Firehose in the busiest second",
      needed: flow.peakBytesPerSecond / MB,
      limit: QUOTAS.firehoseMbPerSecond.value,
      unit: "MB",
      limitedBy: "AWS",
      remedy: "a higher quota",
      source: QUOTAS.firehoseMbPerSecond.source,
    },
    {
      stage: "ingest",
      what: "Lambda calls at once, at the peak",
      needed: (flow.invocations / MONTH_SECONDS) * flow.batchSeconds * traffic.peakFactor,
      limit: QUOTAS.concurrentLambdas.value,
      unit: "calls",
      limitedBy: "AWS",
      remedy: "a higher quota",
      source: QUOTAS.concurrentLambdas.source,
    },
  ];
}

const MB = 1024 * 1024;

function jobUses(plan: Plan, flow: Flow): Use[] {
  const { shape } = flow;
  const pages = (shape.windowRawObjects + shape.windowQuarantineObjects) / 1000;
  const inDriver = shape.windowRawObjects + shape.windowQuarantineObjects + shape.knownFiles;
  return [
    {
      stage: "transform",
      what: "minutes of a run, of those between two",
      needed: flow.jobSeconds / 60,
      limit: flow.hoursBetweenRuns * 60,
      unit: "minutes",
      limitedBy: "`scheduleExpression`",
      remedy: "`glueWorkers`; a smaller `dedupeDays` reads fewer known ids",
    },
    {
      stage: "transform",
      what: "DPUs at once",
      needed: plan.workers * plan.dpus,
      limit: plan.executionClass === "FLEX" ? QUOTAS.spareDpus.value : QUOTAS.dpus.value,
      unit: "DPUs",
      limitedBy: "AWS",
      remedy:
        plan.executionClass === "FLEX"
          ? "`glueExecutionClass` STANDARD, or a higher quota"
          : "a higher quota",
      source: QUOTAS.dpus.source,
    },
    {
      stage: "transform",
      what: "workers of the job",
      needed: plan.workers,
      limit: QUOTAS.workersOfJob.value,
      unit: "workers",
      limitedBy: "AWS",
      remedy: "`glueWorkerType` G.2X or larger",
      source: QUOTAS.workersOfJob.source,
    },
    {
      stage: "transform",
      what: "seconds that a run lists raw and quarantine objects, of half of the time between two runs",
      needed: pages * SECONDS_PER_PAGE,
      limit: (flow.hoursBetweenRuns * HOUR_SECONDS) / 2,
      unit: "seconds",
      limitedBy: "`scheduleExpression`",
      remedy: "larger objects (`batchWindowSeconds`, records near 1 MB), a shorter `streamRetentionHours`",
    },
    {
      stage: "transform",
      what: "memory of the driver for the names of objects and files",
      needed: (inDriver * WORK.driverBytesPerObject) / 1e6,
      limit: WORK.driverMb * plan.dpus,
      unit: "MB",
      limitedBy: "`glueWorkerType`",
      remedy: "`glueWorkerType` G.2X or larger",
    },
    {
      stage: "transform",
      what: "objects and files read a second",
      needed: s3Reads(jobCalls(shape)) / Math.max(1, flow.jobSeconds),
      limit: QUOTAS.s3Reads.value,
      unit: "GET a second",
      limitedBy: "AWS",
      remedy: "`targetFileMb`; the limit is for one prefix, and a run reads many",
      source: QUOTAS.s3Reads.source,
    },
    ...compactionUses(plan, flow),
  ];
}

function compactionUses({ compaction }: Plan, { shape }: Flow): Use[] {
  if (!compaction) return [];
  const common = { stage: "transform", unit: "MB" } as const;
  return [
    {
      ...common,
      what: "bytes that a run compacts",
      needed: shape.compactionNeed.mb,
      limit: compaction.mb,
      limitedBy: "`compactionMb`",
      remedy: "`compactionMb`",
    },
    {
      ...common,
      what: "seconds that a run compacts",
      needed: shape.compactionNeed.seconds,
      limit: compaction.seconds,
      unit: "seconds",
      limitedBy: "`compactionSeconds`",
      remedy: "`compactionSeconds`, or `glueWorkers`",
    },
  ] as Use[];
}

function queryUses({ scanLimitGb }: Plan, flow: Flow, traffic: Traffic): Use[] {
  const perQuery =
    traffic.daysPerQuery * traffic.eventsPerDay * WORK.curatedBytesPerEvent * WORK.queriedShare;
  return [
    {
      stage: "catalog",
      what: `GB that a query over ${traffic.daysPerQuery} days reads`,
      needed: perQuery / GB,
      limit: scanLimitGb,
      unit: "GB",
      limitedBy: "`athenaScanLimitGb`",
      remedy: "`athenaScanLimitGb`, or queries over fewer days",
    },
    {
      stage: "catalog",
      what: "GB that the check of a run reads",
      needed: (flow.shape.events * WORK.idBytesPerEvent) / GB,
      limit: scanLimitGb,
      unit: "GB",
      limitedBy: "`athenaScanLimitGb`",
      remedy: "`athenaScanLimitGb`, or a faster `scheduleExpression`",
    },
    {
      stage: "catalog",
      what: "partitions of the table after ten years",
      needed: traffic.eventsPerDay === 0 ? 0 : 3653,
      limit: QUOTAS.partitionsOfTable.value,
      unit: "partitions",
      limitedBy: "AWS",
      remedy: "none needed: a date has one partition at any size",
      source: QUOTAS.partitionsOfTable.source,
    },
  ];
}

/** The smallest events a day, to 1 %, from which on the use is above its limit; undefined if it never is. */
export function breaksAt(plan: Plan, traffic: Traffic, what: string, most = 1e11): number | undefined {
  const isOver = (eventsPerDay: number) => {
    const use = usesOf(plan, { ...traffic, eventsPerDay }).find((one) => one.what === what);
    return use !== undefined && use.needed > use.limit;
  };
  if (!isOver(most)) return undefined;
  let low = 1;
  let high = most;
  while (high / low > 1.01) {
    const middle = Math.sqrt(low * high);
    if (isOver(middle)) high = middle;
    else low = middle;
  }
  return high;
}
