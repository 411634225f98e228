// docs/sizes.md: which settings pay at which size, as the cost model computes it from Pulumi.prod.yaml.

import { type Sized, sized } from "../cost/sized";
import { dollars, quantity } from "../cost/wording";

const SIZES = [0, 10_000, 1_000_000, 10_000_000, 100_000_000];

interface Choice {
  title: string;
  settings: Record<string, string>;
  /** What one gives up for it, or gets for more money. */
  means: string;
}

const CHOICES: Choice[] = [
  {
    title: "FLEX",
    settings: { glueExecutionClass: "FLEX" },
    means:
      "Runs use spare capacity of AWS. A run may wait until there is some, and AWS may take workers away while it runs. It then takes longer or fails, and the next run does its work. An account may use 50 DPUs of it at once",
  },
  {
    title: "every 6 hours",
    settings: { scheduleExpression: "rate(6 hours)", alarmNoSuccessHours: "13" },
    means: "Tables are up to 6 hours behind",
  },
  {
    title: "once a day",
    settings: { scheduleExpression: "rate(1 day)", alarmNoSuccessHours: "49" },
    means: "Tables are up to a day behind",
  },
  {
    title: "no dashboard",
    settings: { dashboard: "false" },
    means:
      "No graphs. The first three dashboards of an account are free, so most accounts save only the metrics that no alarm uses",
  },
  {
    title: "no alarms",
    settings: { alarms: "false" },
    means:
      "No mail if the stream, the ingest or the schedule fails silently. Failed executions still send one. Not advised in production",
  },
  {
    title: "on demand",
    settings: { streamMode: "ON_DEMAND" },
    means: "AWS sets the shards. Right for traffic that cannot be foreseen",
  },
];

/** From this saving a month on, FLEX is named as a choice. Less is not worth a run that may fail. */
const WORTH_FLEX_USD = 10;

export async function sizesDocument(): Promise<string> {
  const rows: { base: Sized; others: Sized[] }[] = [];
  for (const events of SIZES) {
    const others: Sized[] = [];
    for (const { settings } of CHOICES) others.push(await sized("prod", events, settings));
    rows.push({ base: await sized("prod", events), others });
  }
  return [
    "# What to choose at which size",
    "",
    "Written by `npm run docs` from the model in `cli/cost/`; a test fails if it is not current. [cost.md](cost.md) has the lines behind these sums and what they assume, [scale.md](scale.md) has larger sizes.",
    "",
    "## The prices",
    "",
    "Dollars a month for `Pulumi.prod.yaml`: hourly runs, STANDARD, with alarms and dashboard. Each further column changes one thing.",
    "",
    `| events a day | settings it needs | as it is | ${CHOICES.map(({ title }) => title).join(" | ")} |`,
    `| ---: | --- | ---: | ${CHOICES.map(() => "---:").join(" | ")} |`,
    ...rows.map(
      ({ base, others }) =>
        `| ${sizeText(base)} | ${settingsText(base)} | ${dollars(base.found.monthly)} | ${others.map(({ found }) => dollars(found.monthly)).join(" | ")} |`,
    ),
    "",
    ...CHOICES.map(({ title, settings, means }) => `- **${title}** (${codes(settings)}): ${means}.`),
    "",
    "## What to choose",
    "",
    "| events a day | tables are behind by at most | Glue: a run takes | choose |",
    "| ---: | --- | --- | --- |",
    ...rows.map(({ base, others }) => adviceRow(base, others)),
    "",
    "The default execution class is STANDARD, also in `Pulumi.prod.yaml`. An hourly run of a small stack is billed for one minute of two workers, so FLEX saves little there, and a run that waits or fails costs a person more than that.",
    "",
    "`batchWindowSeconds` 300, as in `Pulumi.prod.yaml`, makes fewer and larger raw objects than the default of 60. Events are then in S3 up to four minutes later, which an hourly run does not notice.",
    "",
    "`glueWorkers` 2 is enough as long as a run takes less than half of the time between two. With more workers Glue scales: it keeps them only while there is work for them. Two workers are the fewest that Glue allows: the driver and one executor.",
    "",
  ].join("\n");
}

const sizeText = ({ traffic }: Sized) =>
  traffic.eventsPerDay === 0 ? "0 (idle)" : quantity(traffic.eventsPerDay);

const codes = (settings: Record<string, string>) =>
  Object.entries(settings)
    .map(([key, value]) => `\`${key}\` ${value}`)
    .join(", ");

const settingsText = ({ settings }: Sized) => codes(settings) || "none";

function adviceRow(base: Sized, others: Sized[]): string {
  const { flow, plan } = base.found;
  const { jobSeconds } = flow;
  const behind = flow.hoursBetweenRuns * 60 + plan.windowSeconds / 60 + jobSeconds / 60;
  const run =
    flow.runs === 0
      ? "no run"
      : `${quantity(jobSeconds)} s, billed ${quantity(billedSeconds(base))} s of ${plan.workers} workers`;
  const late = flow.runs === 0 ? "nothing arrives" : `${quantity(behind)} minutes`;
  return `| ${sizeText(base)} | ${late} | ${run} | ${advice(base, others)} |`;
}

const billedSeconds = ({ found: { flow, plan } }: Sized) => flow.billedWorkerSeconds / plan.workers;

function advice(base: Sized, others: Sized[]): string {
  const saved = (title: string) =>
    base.found.monthly -
    (others[CHOICES.findIndex((choice) => choice.title === title)] as Sized).found.monthly;
  const flex = saved("FLEX");
  const daily = saved("once a day");
  const parts = [
    flex >= WORTH_FLEX_USD
      ? `FLEX, if a table may be late now and then: it saves ${dollars(flex)}`
      : `STANDARD: FLEX would save ${dollars(flex)}`,
  ];
  if (daily >= 1) parts.push(`one run a day saves ${dollars(daily)}, if yesterday's tables are enough`);
  return parts.join("; ");
}
