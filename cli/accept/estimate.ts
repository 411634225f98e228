// Estimates what a run costs and how long it takes, from the cost model and the steps.

import { readConfiguration } from "../../stack/configuration-files";
import { declaredResources } from "../../stack/declared";
import { PROJECT_ROOT } from "../../stack/runs";
import { type Traffic, USUAL } from "../cost/assumptions";
import type { Line } from "../cost/line";
import { estimate } from "../cost/model";
import { PRICE_DATE, PRICE_REGION } from "../cost/prices";
import { DAYS_PER_MONTH, HOURS_PER_MONTH } from "../cost/schedule";
import { dollars } from "../cost/wording";
import { settings } from "./run-settings";
import { SIMULATED, STEPS } from "./steps";

export interface Cost {
  minutes: number;
  dollars: number;
  /** The most expensive parts, one line each. */
  parts: string[];
  /** What the estimate assumes. */
  assumptions: string[];
  /** What the stack costs per hour if it is kept. */
  hourly: number;
}

/** Queries of the checks. Athena bills at least 10 MB for each. */
const QUERIES = 20;
/** The other executions have few events. */
const EVENTS = SIMULATED.events + 100;
/** Time for deploying and destroying. */
const SPARE_HOURS = 0.25;

export async function costOfRun(region: string): Promise<Cost> {
  const { project, values } = readConfiguration(PROJECT_ROOT, "dev", { ...settings(), "aws:region": region });
  const declared = await declaredResources(project, "accept", values);
  const minutes = STEPS.reduce((sum, step) => sum + step.minutes, 0);
  const runs = STEPS.reduce((sum, step) => sum + step.jobRuns, 0);
  const idle = estimate(declared, {
    ...USUAL,
    eventsPerDay: 0,
    executionsPerDay: 0,
    queriesPerDay: 0,
    months: 1,
  });
  const hours = minutes / 60 + SPARE_HOURS;
  const hourly = idle.monthly / HOURS_PER_MONTH;
  const busy = estimate(declared, { ...oneDay(), executionsPerDay: runs });
  const work = share(busy.lines, idle.lines);
  const parts = [{ item: `the stack itself, ${hours.toFixed(1)} hours`, usd: hourly * hours }, ...work].sort(
    (one, other) => other.usd - one.usd,
  );
  const total = parts.reduce((sum, { usd }) => sum + usd, 0);
  return {
    minutes: Math.ceil(minutes),
    dollars: total,
    parts: parts.filter(({ usd }) => usd >= 0.001).map(({ item, usd }) => `${item}: ${dollars(usd)}`),
    assumptions: [
      `list prices of ${PRICE_REGION}, ${PRICE_DATE}, without free tiers and taxes`,
      `${runs} runs of the Glue job with ${busy.plan.workers} workers, ${Math.round(Math.max(60, busy.flow.jobSeconds))} s each`,
      "monthly prices (key, secret, alarms, dashboard) counted per hour",
      "the stack exists 15 minutes longer than the steps take",
    ],
    hourly,
  };
}

/** A day with this run only, in an empty lake. */
function oneDay(): Traffic {
  return {
    ...USUAL,
    eventsPerDay: EVENTS,
    eventsPerRecord: 1,
    months: 1 / DAYS_PER_MONTH,
    queriesPerDay: QUERIES,
    daysPerQuery: 1,
  };
}

/** What a day of work costs on top of the idle stack, one line per item. */
function share(busy: readonly Line[], idle: readonly Line[]): { item: string; usd: number }[] {
  return busy.map(({ item, monthly }) => {
    const base = idle.find((line) => line.item === item)?.monthly ?? 0;
    return { item, usd: Math.max(0, monthly - base) / DAYS_PER_MONTH };
  });
}
