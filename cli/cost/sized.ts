// A committed stack with the settings that a traffic needs, and its estimate. The generated docs compare such stacks.

import { MOST_WORKERS } from "../../infra/transform/worker-types";
import { HOUR_SECONDS } from "../../lambdas/shared/durations";
import { declaredBy, type StackConfiguration, stackConfiguration } from "../../stack/configuration";
import { type Traffic, USUAL } from "./assumptions";
import { type Flow, flowOf } from "./flow";
import { type Estimate, estimate } from "./model";
import { type Plan, readPlan } from "./plan";

export interface Sized {
  traffic: Traffic;
  /** Settings over those of the stack, so that it carries the traffic. */
  settings: Record<string, string>;
  configuration: StackConfiguration;
  found: Estimate;
}

/** `chosen` are settings that the stack is to have in any case. */
export async function sized(
  stack: string,
  eventsPerDay: number,
  chosen: Record<string, string | undefined> = {},
): Promise<Sized> {
  const traffic = { ...USUAL, eventsPerDay };
  const base = readPlan(await declaredBy(stackConfiguration(stack, chosen)));
  const settings = neededSettings(base, traffic);
  const configuration = stackConfiguration(stack, { ...chosen, ...settings });
  return { traffic, settings, configuration, found: estimate(await declaredBy(configuration), traffic) };
}

/** Shards for the busiest second, workers until a run takes half of the time between two, and what compaction needs. */
export function neededSettings(base: Plan, traffic: Traffic): Record<string, string> {
  const settings: Record<string, string> = {};
  const plan = { ...base };
  const { neededShards } = flowOf(plan, traffic);
  if (plan.stream?.mode === "PROVISIONED" && neededShards > plan.stream.shards) {
    settings.shardCount = String(neededShards);
    plan.stream = { ...plan.stream, shards: neededShards };
  }
  for (;;) {
    allowCompaction(plan, flowOf(plan, traffic), settings);
    if (isInTime(flowOf(plan, traffic)) || plan.workers >= MOST_WORKERS) return settings;
    plan.workers = Math.min(MOST_WORKERS, plan.workers * 2);
    settings.glueWorkers = String(plan.workers);
  }
}

/** Rounded up to GB and minutes, so that the limits read like ones that a person sets. */
function allowCompaction(plan: Plan, { shape }: Flow, settings: Record<string, string>): void {
  if (!plan.compaction || shape.compactionShare >= 1) return;
  const { mb, seconds } = shape.compactionNeed;
  plan.compaction = { ...plan.compaction };
  if (mb > plan.compaction.mb) {
    plan.compaction.mb = Math.ceil(mb / 1024) * 1024;
    settings.compactionMb = String(plan.compaction.mb);
  }
  if (seconds > plan.compaction.seconds) {
    plan.compaction.seconds = Math.ceil(seconds / 60) * 60;
    settings.compactionSeconds = String(plan.compaction.seconds);
  }
}

function isInTime({ jobSeconds, hoursBetweenRuns, runs }: Flow): boolean {
  if (runs === 0) return true;
  return jobSeconds <= (hoursBetweenRuns * HOUR_SECONDS) / 2;
}
