// docs/cost.md: the estimate for an idle stack and for four sizes, as the model computes it from the committed stacks.

import { HOUR_SECONDS } from "../../lambdas/shared/durations";
import { declaredBy, stackConfiguration } from "../../stack/configuration";
import { type Traffic, USUAL } from "../cost/assumptions";
import { flowOf } from "../cost/flow";
import { type Estimate, estimate } from "../cost/model";
import { readPlan } from "../cost/plan";
import { PRICE_DATE, PRICE_REGION, price, UNPRICED } from "../cost/prices";
import { type Saving, savings } from "../cost/savings";
import { HOURS_PER_MONTH } from "../cost/schedule";
import { assumptions, dollars, dominance, parts, quantity, savingText } from "../cost/wording";

const SIZES = [10_000, 1_000_000, 10_000_000, 100_000_000];
const SHOWN_SAVINGS = 5;

interface Sized {
  traffic: Traffic;
  /** Settings over those of the stack, so that it carries the traffic. */
  settings: Record<string, string>;
  found: Estimate;
  cheaper: Saving[];
}

export async function costDocument(): Promise<string> {
  const idle = await sized("dev", 0);
  const sizes: Sized[] = [];
  for (const events of SIZES) sizes.push(await sized("prod", events));
  return [
    "# Cost",
    "",
    "Written by `npm run docs` from the model in `cli/cost/`; a test fails if it is not current. For your own stack and traffic: `npm run cost -- --stack NAME --events-per-day N` (`--help` lists every assumption).",
    "",
    `List prices of ${PRICE_REGION}, ${PRICE_DATE}, without free allowances, taxes and support. \`cli/cost/prices.json\` has each price with its source. Not included:`,
    "",
    ...UNPRICED.map((gap) => `- ${gap}`),
    "",
    ...idleSection(idle),
    ...sizesSection(sizes),
    ...sizes.flatMap(sizeSection),
    ...assumed(),
  ].join("\n");
}

async function sized(stack: string, eventsPerDay: number): Promise<Sized> {
  const traffic = { ...USUAL, eventsPerDay };
  const plan = readPlan(await declaredBy(stackConfiguration(stack)));
  const settings: Record<string, string> = {};
  const { neededShards } = flowOf(plan, traffic);
  if (plan.streamMode === "PROVISIONED" && neededShards > plan.shards)
    settings.shardCount = String(neededShards);
  // Workers until a run takes half of the time between two.
  for (let workers = plan.workers; workers <= 64; workers *= 2) {
    const { jobSeconds, executions } = flowOf({ ...plan, workers }, traffic);
    if (workers > plan.workers) settings.glueWorkers = String(workers);
    if (jobSeconds * executions <= (HOURS_PER_MONTH * HOUR_SECONDS) / 2) break;
  }
  const configuration = stackConfiguration(stack, settings);
  const found = estimate(await declaredBy(configuration), traffic);
  return { traffic, settings, found, cheaper: await savings(configuration, found, traffic) };
}

function idleSection({ found }: Sized): string[] {
  return [
    "## An idle dev stack",
    "",
    `\`Pulumi.dev.yaml\`, with nothing sent: **${dollars(found.monthly)} a month**.`,
    "",
    ...table(found),
    "",
    `AWS bills the shard by the hour, even if nothing is sent. There is nothing smaller: a stream on demand has no shards and costs ${dollars(price("kinesis.onDemandStreamHour") * HOURS_PER_MONTH)}. All else costs only when something runs. If you do not need the stack for some days, destroy it: \`pulumi destroy\` and \`pulumi up\` take minutes.`,
    "",
  ];
}

function sizesSection(sizes: Sized[]): string[] {
  const rows = sizes.map(({ traffic, settings, found }) => {
    const set = Object.entries(settings).map(([key, value]) => `\`${key}\` ${value}`);
    return `| ${quantity(traffic.eventsPerDay)} | ${set.join(", ") || "none"} | ${dollars(found.monthly)} | ${dollars(found.perMillion ?? 0)} | ${dominance(found)} |`;
  });
  return [
    "## Four sizes",
    "",
    "`Pulumi.prod.yaml`, with the settings that the traffic needs:",
    "",
    "| events a day | settings | a month | per million events | largest part |",
    "| ---: | --- | ---: | ---: | --- |",
    ...rows,
    "",
  ];
}

function sizeSection({ traffic, found, cheaper }: Sized): string[] {
  return [
    `### ${quantity(traffic.eventsPerDay)} events a day: ${dollars(found.monthly)} a month`,
    "",
    `By part: ${parts(found.lines)
      .map(({ part, monthly }) => `${part} ${dollars(monthly)}`)
      .join(", ")}.`,
    "",
    ...table(found),
    "",
    ...found.warnings.map((warning) => `Warning: ${warning}\n`),
    ...(cheaper.length === 0
      ? ["No setting would save five cents or more."]
      : ["Settings that would cut it:", ""]),
    ...cheaper.slice(0, SHOWN_SAVINGS).map((saving) => `- ${savingText(saving)}`),
    "",
  ];
}

/** The lines of a cent or more, most expensive first. */
function table({ lines }: Estimate): string[] {
  const shown = lines.filter(({ monthly }) => monthly >= 0.01).sort((a, b) => b.monthly - a.monthly);
  const rest = lines.filter(({ monthly }) => monthly < 0.01).reduce((sum, { monthly }) => sum + monthly, 0);
  return [
    "| part | what | quantity | unit | a month |",
    "| --- | --- | ---: | --- | ---: |",
    ...shown.map(
      ({ part, item, quantity: amount, unit, monthly }) =>
        `| ${part} | ${item} | ${quantity(amount)} | ${unit} | ${dollars(monthly)} |`,
    ),
    ...(rest > 0 ? [`| | everything else | | | ${dollars(rest)} |`] : []),
  ];
}

function assumed(): string[] {
  return [
    "## What is assumed",
    "",
    `The sizes above differ only in the number of events. The rest is the same: events spread evenly, ${assumptions(USUAL, ["eventsPerDay"])}.`,
    "",
    "`cli/cost/assumptions.ts` has the work of an event and of a run. Measured on this program: bytes in raw and curated, core-seconds of ingest and of the Spark job. Assumed, until a run on AWS shows another value: 45 seconds of base time for the job, 0.05 seconds to open a file in Spark, 65 MB a second and core to read the identifiers of all curated events, and the log volume.",
    "",
    "Frequent runs are expensive on a large lake. Each run opens every curated file and reads its identifiers, so that no event is curated twice. Each run also writes at least one file for each day that it touches. A run once a day instead of each hour reduces both.",
    "",
  ];
}
