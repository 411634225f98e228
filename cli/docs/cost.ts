// docs/cost.md: the estimate for idle stacks and for four sizes, as the model computes it from the committed stacks.

import { USUAL, WORK } from "../cost/assumptions";
import { collectorPerMillion } from "../cost/collector";
import type { Estimate } from "../cost/model";
import { PRICE_DATE, PRICE_REGION, price, UNPRICED } from "../cost/prices";
import { type Saving, savings } from "../cost/savings";
import { HOURS_PER_MONTH } from "../cost/schedule";
import { type Sized, sized } from "../cost/sized";
import { assumptions, dollars, dominance, parts, quantity, savingText } from "../cost/wording";

const SIZES = [10_000, 1_000_000, 10_000_000, 100_000_000];
const SHOWN_SAVINGS = 5;

interface Shown extends Sized {
  cheaper: Saving[];
}

export async function costDocument(): Promise<string> {
  const idleDev = await sized("dev", 0);
  const idleProd = await sized("prod", 0);
  const sizes: Shown[] = [];
  for (const events of SIZES) {
    const one = await sized("prod", events);
    sizes.push({ ...one, cheaper: await savings(one.configuration, one.found, one.traffic) });
  }
  return [
    "# Cost",
    "",
    "Written by `npm run docs` from the model in `cli/cost/`; a test fails if it is not current. For your own stack and traffic: `npm run cost -- --stack NAME --events-per-day N` (`--help` lists every assumption).",
    "",
    "[sizes.md](sizes.md) says what to choose at which size, [scale.md](scale.md) what larger sizes need.",
    "",
    `List prices of ${PRICE_REGION}, ${PRICE_DATE}, without free allowances, taxes and support. \`cli/cost/prices.json\` has each price with its source. Not included:`,
    "",
    ...UNPRICED.map((gap) => `- ${gap}`),
    "",
    ...idleSection(idleDev),
    ...sizesSection(idleProd, sizes),
    ...sizes.flatMap(sizeSection),
    ...(await collectorSection()),
    ...assumed(),
  ].join("\n");
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

function sizesSection(idle: Sized, sizes: Shown[]): string[] {
  const rows = [idle, ...sizes].map(({ traffic, settings, found }) => {
    const set = Object.entries(settings).map(([key, value]) => `\`${key}\` ${value}`);
    const perMillion = found.perMillion === undefined ? "none" : dollars(found.perMillion);
    const events = traffic.eventsPerDay === 0 ? "0 (idle)" : quantity(traffic.eventsPerDay);
    return `| ${events} | ${set.join(", ") || "none"} | ${dollars(found.monthly)} | ${perMillion} | ${dominance(found)} |`;
  });
  return [
    "## Five sizes",
    "",
    "`Pulumi.prod.yaml`, with the settings that the traffic needs:",
    "",
    "| events a day | settings | a month | per million events | largest part |",
    "| ---: | --- | ---: | ---: | --- |",
    ...rows,
    "",
    `If nothing is sent, the schedule still starts ${quantity(idle.found.flow.executions)} executions a month. Each asks a Lambda whether there is a new object, and ends without a run of the Spark job and without a mail. All of them together cost ${dollars(idleExecutions(idle.found))} a month.`,
    "",
  ];
}

/** What the executions of an idle stack cost: their states, the Lambda with its requests, the log and the metric. */
function idleExecutions({ lines }: Estimate): number {
  const ofExecutions =
    /^(Step Functions|EventBridge|Lambda: look-for-new|CloudWatch Logs|CloudWatch: metrics recorded)|by look-for-new$/;
  return lines.filter(({ item }) => ofExecutions.test(item)).reduce((sum, { monthly }) => sum + monthly, 0);
}

function sizeSection({ traffic, found, cheaper }: Shown): string[] {
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

/** A page view alone, and what a tracker that gathers events sends. */
const EVENTS_PER_REQUEST = [1, 10];

/** What a million events cost through the collector, beside what the stack costs anyway. */
async function collectorSection(): Promise<string[]> {
  const columns = await collectorPerMillion(EVENTS_PER_REQUEST);
  const rows = Object.keys(columns[0] ?? {}).map(
    (item) => `| ${item} | ${columns.map((column) => dollars(column[item] ?? 0)).join(" | ")} |`,
  );
  const totals = columns.map((column) => dollars(Object.values(column).reduce((sum, usd) => sum + usd, 0)));
  return [
    "## The collector",
    "",
    "None of the figures above has a collector (`collector`), which is off by default. It has no price by the hour. A million events through it cost, in dollars:",
    "",
    `| what | ${EVENTS_PER_REQUEST.map((events) => `${events === 1 ? "one event" : `${events} events`} a request`).join(" | ")} |`,
    `| --- | ${EVENTS_PER_REQUEST.map(() => "---:").join(" | ")} |`,
    ...rows,
    `| **sum** | ${totals.map((total) => `**${total}**`).join(" | ")} |`,
    "",
    `The time of a request, ${WORK.collectorSecondsPerRequest} seconds, is assumed. Each request of up to 512 KB counts as one, so a tracker that gathers events is cheaper. By the month there are ${dollars(price("secrets.secret"))} for the write key if there is one, and with \`alarms\` ${dollars(5 * price("cloudwatch.alarmMetric"))} for three more alarms, which watch five metrics, and ${dollars(price("cloudwatch.metric"))} for the count of throttled requests. \`collectorRequestsPerSecond\` limits what a flood of requests can cost: each request that API Gateway throttles is still a line in the access log.`,
    "",
  ];
}

/** The lines of a cent or more, most expensive first. */
function table({ lines, flow }: Estimate): string[] {
  const shown = lines.filter(({ monthly }) => monthly >= 0.01).sort((a, b) => b.monthly - a.monthly);
  const rest = lines.filter(({ monthly }) => monthly < 0.01).reduce((sum, { monthly }) => sum + monthly, 0);
  return [
    "| part | what | quantity | unit | a month | rests on |",
    "| --- | --- | ---: | --- | ---: | --- |",
    ...shown.map(
      ({ part, item, quantity: amount, unit, monthly, basis }) =>
        `| ${part} | ${item} | ${quantity(amount)} | ${unit} | ${dollars(monthly)} | ${counted(basis, amount, flow.executions)} |`,
    ),
    ...(rest > 0 ? [`| | everything else | | | ${dollars(rest)} | |`] : []),
  ];
}

/** A line of calls says how many of them an execution makes. */
function counted(basis: string, amount: number, executions: number): string {
  const calls = "calls of one execution";
  return basis.startsWith(calls)
    ? basis
        .replace(calls, `${quantity(amount / executions)} ${calls}`)
        .replace("executions", quantity(executions))
    : basis;
}

function assumed(): string[] {
  return [
    "## What is assumed",
    "",
    `The sizes above differ only in the number of events. The rest is the same: events spread evenly, ${assumptions(USUAL, ["eventsPerDay"])}.`,
    "",
    `\`cli/cost/assumptions.ts\` has the work of an event and of a run, and \`cli/cost/calls.ts\` the requests of an execution. Measured on this program: bytes in raw and curated, core-seconds of ingest and of the Spark job. Assumed, until a run on AWS shows another value: ${WORK.sparkBaseSeconds} seconds of base time for the job, ${WORK.sparkSecondsPerFile} seconds to open a file in Spark, 65 MB a second and core to read ids, ${WORK.compactionCoreSecondsPerEvent * 1e6} core-seconds to compact a million rows, and the log volume.`,
    "",
    "What a run costs depends on what arrived and on the dates of those events, not on the age of the lake:",
    "",
    "- It reads the new raw objects, and lists only the hours in which one can be: the stream's retention, and an hour before and after it.",
    `- It looks for known ids in the dates of the new events and in the dates written within \`dedupeDays\`. ${USUAL.latePercent} % late events over ${USUAL.lateDays} dates make that ${USUAL.lateDays + 8} dates with the default of 7 days, from some thousand events an hour on.`,
    "- It writes one file for each date that it touches. Compaction keeps the files of a date that has settled at what its bytes need. A date of less than a file is written anew with each late file, which is most of the cost at a million events a day.",
    "- Where nothing is new, no run starts.",
    "",
    "With more than two workers, Glue scales: it adds workers while there is work for them (`--enable-auto-scaling`). The model assumes that a run has only the driver and one executor in its base time. The default has these two workers, and nothing to scale.",
    "",
  ];
}
