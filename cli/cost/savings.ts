// Finds the settings that would cut the cost, and by how much: it repeats the whole estimate with one setting changed.
import { CONFIG_KEYS, type ConfigKey } from "../../infra/config/keys";
import { declaredBy, InvalidConfiguration, type StackConfiguration } from "../../stack/configuration";
import type { Traffic } from "./assumptions";
import { type Estimate, estimate } from "./model";
import { runsPerMonth } from "./schedule";

export interface Saving {
  key: string;
  from: string;
  to: string;
  /** Dollars a month. */
  saves: number;
  /** What you give up for it. */
  price: string;
}

type Change = { key: string; to: string; price: string; also?: Record<string, string | undefined> };

/** Smaller savings are not listed. */
const LEAST = 0.05;

/** The savings of at least five cents a month, largest first. */
export async function savings(
  configuration: StackConfiguration,
  now: Estimate,
  traffic: Traffic,
): Promise<Saving[]> {
  const found: Saving[] = [];
  const way = configuration.values[`${configuration.project}:way`] ?? CONFIG_KEYS.way.default;
  for (const { key, to, price, also } of changes(configuration, now)) {
    const { only } = CONFIG_KEYS[key as keyof typeof CONFIG_KEYS] as ConfigKey;
    if (only && !only.some((one) => one === way)) continue;
    const full = `${configuration.project}:${key}`;
    const from = configuration.values[full] ?? "";
    if (from === to) continue;
    const values: Record<string, string> = { ...configuration.values, [full]: to };
    for (const [name, value] of Object.entries(also ?? {})) {
      if (value === undefined) delete values[`${configuration.project}:${name}`];
      else values[`${configuration.project}:${name}`] = value;
    }
    const then = await tried({ ...configuration, values }, traffic);
    // A configuration that does not handle the traffic is no saving.
    if (!then || then.warnings.length > now.warnings.length) continue;
    if (now.monthly - then.monthly >= LEAST)
      found.push({ key, from, to, saves: now.monthly - then.monthly, price });
  }
  return found.sort((a, b) => b.saves - a.saves);
}

async function tried(configuration: StackConfiguration, traffic: Traffic): Promise<Estimate | undefined> {
  try {
    return estimate(await declaredBy(configuration), traffic);
  } catch (error) {
    if (error instanceof InvalidConfiguration) return undefined;
    throw error;
  }
}

function changes({ project, values }: StackConfiguration, { flow }: Estimate): Change[] {
  const provisioned = values[`${project}:streamMode`] !== "ON_DEMAND";
  const found: Change[] = [
    provisioned
      ? {
          key: "streamMode",
          to: "ON_DEMAND",
          price: "nothing; AWS sets the shards",
          also: { shardCount: undefined },
        }
      : {
          key: "streamMode",
          to: "PROVISIONED",
          price: `you set the shards yourself: ${flow.neededShards} for this traffic`,
          also: { shardCount: String(flow.neededShards) },
        },
    { key: "shardCount", to: String(flow.neededShards), price: "no spare capacity above the busiest second" },
    {
      key: "streamRetentionHours",
      to: "24",
      price: "only one day to repair a broken ingest",
      also: { ingestRecordAgeHours: "12" },
    },
    { key: "batchWindowSeconds", to: "300", price: "events reach S3 after up to five minutes" },
    { key: "firehoseBufferSeconds", to: "900", price: "events reach S3 after up to 15 minutes" },
    { key: "jobEveryHours", to: "48", price: "queries read the files of more days until the job has them" },
    { key: "toParquetMemoryMb", to: "512", price: "raw objects take up to twice as long" },
    { key: "ingestMemoryMb", to: "256", price: "batches take up to twice as long" },
    { key: "glueWorkers", to: "2", price: "runs take longer" },
    { key: "glueWorkerType", to: "G.1X", price: "runs take longer" },
    {
      key: "glueExecutionClass",
      to: "FLEX",
      price: "a run may wait for spare capacity, or lose workers and fail",
    },
    { key: "targetFileMb", to: "256", price: "queries read fewer files in parallel" },
    { key: "rawRetentionDays", to: "90", price: "older days cannot be reprocessed from raw" },
    { key: "rawInfrequentAccessDays", to: "30", price: "reading older raw events is billed per gigabyte" },
    { key: "logRetentionDays", to: "7", price: "no logs older than a week" },
    { key: "dashboard", to: "false", price: "no graphs. The first three dashboards of an account are free" },
    { key: "alarms", to: "false", price: "no mail if the stream, the ingest or the schedule fails silently" },
    {
      key: "scheduleEnabled",
      to: "false",
      price: "nothing runs automatically; the estimate counts the assumed executions by hand",
    },
    ...slower(values[`${project}:scheduleExpression`] ?? "rate(1 hour)"),
  ];
  const taken = new Set(found.map(({ key }) => key));
  for (const [key, { check }] of Object.entries<ConfigKey>(CONFIG_KEYS)) {
    if (check.type !== "boolean" || taken.has(key) || values[`${project}:${key}`] !== "true") continue;
    found.push({ key, to: "false", price: "what the setting provides" });
  }
  return found;
}

/** Slower schedules to try. */
function slower(expression: string): Change[] {
  const now = runsPerMonth(expression);
  return ["rate(6 hours)", "rate(1 day)"]
    .filter((to) => runsPerMonth(to) < now)
    .map((to) => ({ key: "scheduleExpression", to, price: `tables are up to ${to.slice(5, -1)} behind` }));
}
