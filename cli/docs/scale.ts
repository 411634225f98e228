// docs/scale.md: what each stage needs at large sizes, what breaks first and which key moves it, as the cost model computes it.

import { declaredBy, stackConfiguration } from "../../stack/configuration";
import { USUAL, WORK } from "../cost/assumptions";
import { jobCalls, s3Reads, s3Writes } from "../cost/calls";
import { readPlan } from "../cost/plan";
import { QUOTAS } from "../cost/quotas";
import { breaksAt, type Use, usesOf } from "../cost/scale";
import { type Sized, sized } from "../cost/sized";
import { assumptions, dollars, quantity } from "../cost/wording";

const SIZES = [10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000];
const MOST = 1e11;

export async function scaleDocument(): Promise<string> {
  const sizes: Sized[] = [];
  for (const events of SIZES) sizes.push(await sized("prod", events));
  return [
    "# Scale",
    "",
    "Written by `npm run docs` from the model in `cli/cost/`; a test fails if it is not current. Nothing here was run on AWS: it is computed from figures measured on this program and from AWS's quotas, the same way as [cost.md](cost.md).",
    "",
    ...(await breaking()),
    ...needs(sizes),
    ...nearness(sizes),
    ...quotas(),
    ...basis(),
  ].join("\n");
}

async function breaking(): Promise<string[]> {
  const plan = readPlan(await declaredBy(stackConfiguration("prod")));
  const uses = usesOf(plan, USUAL).map((use) => ({ use, at: breaksAt(plan, USUAL, use.what, MOST) }));
  const broken = uses.flatMap(({ use, at }) => (at === undefined ? [] : [{ use, at }]));
  const held = uses.filter(({ at }) => at === undefined).map(({ use }) => use.what);
  return [
    "## What breaks first",
    "",
    "`Pulumi.prod.yaml` unchanged, with ever more events. From the size in the first column on, a stage needs more than it has:",
    "",
    "| from events a day | stage | what | limit | set by | what to change |",
    "| ---: | --- | --- | ---: | --- | --- |",
    ...broken
      .sort((a, b) => a.at - b.at)
      .map(
        ({ use, at }) =>
          `| ${rounded(at)} | ${use.stage} | ${use.what} | ${quantity(use.limit)} ${use.unit} | ${use.limitedBy} | ${use.remedy} |`,
      ),
    "",
    `Not reached below ${quantity(MOST)} events a day: ${held.join("; ")}.`,
    "",
    "`npm run cost -- --stack NAME --events-per-day N` warns about the shards, the length of a run and the compaction of your own stack, and `npm run doctor -- --stack NAME` compares it with the quotas of your account.",
    "",
  ];
}

/** Two digits: the size at which something breaks is no more exact than what it rests on. */
const rounded = (events: number) => quantity(Number(events.toPrecision(2)));

function needs(sizes: Sized[]): string[] {
  const row = (name: string, value: (one: Sized) => string) =>
    `| ${name} | ${sizes.map(value).join(" | ")} |`;
  const number = (name: string, value: (one: Sized) => number) => row(name, (one) => quantity(value(one)));
  return [
    "## What each size needs",
    "",
    "With hourly runs. The settings are those that the model finds: shards for the busiest second, workers of type G.1X until a run takes half of the time between two.",
    "",
    `| | ${SIZES.map((events) => `${quantity(events)} a day`).join(" | ")} |`,
    `| --- | ${SIZES.map(() => "---:").join(" | ")} |`,
    row(
      "settings over `Pulumi.prod.yaml`",
      ({ settings }) =>
        Object.entries(settings)
          .map(([key, value]) => `\`${key}\` ${value}`)
          .join(", ") || "none",
    ),
    number("collect: shards", ({ found }) => found.plan.stream?.shards ?? 0),
    number(
      "collect: events in the busiest second",
      ({ traffic }) => (traffic.eventsPerDay / 86_400) * traffic.peakFactor,
    ),
    number("ingest: Lambda calls at once, at most", ({ found }) => found.plan.stream?.shards ?? 0),
    number("ingest: milliseconds of a call", ({ found }) => found.flow.batchSeconds * 1000),
    number("ingest: raw objects an hour", ({ found }) => found.flow.shape.rawObjects),
    row("ingest: size of a raw object", ({ found }) => `${quantity(found.flow.rawObjectBytes / 1e6)} MB`),
    number("transform: events a run", ({ found }) => found.flow.shape.events),
    number("transform: workers", ({ found }) => found.plan.workers),
    number("transform: minutes a run", ({ found }) => found.flow.jobSeconds / 60),
    number("transform: dates with new events", ({ found }) => found.flow.shape.touchedDates),
    number("transform: dates searched for known ids", ({ found }) => found.flow.shape.searchedDates),
    number("transform: their files", ({ found }) => found.flow.shape.knownFiles),
    number("transform: files written a run", ({ found }) => found.flow.shape.filesWritten),
    number("transform: GET requests a run", ({ found }) => s3Reads(jobCalls(found.flow.shape))),
    number("transform: PUT, COPY and LIST requests a run", ({ found }) =>
      s3Writes(jobCalls(found.flow.shape)),
    ),
    number("transform: MB compacted a run", ({ found }) => found.flow.shape.compactionNeed.mb),
    row("transform: memory of the driver for names", (one) => `${quantity(driverMb(one))} MB`),
    number("catalog: files of a date that has settled", ({ found }) => found.flow.shape.filesOfOldDate),
    row("dollars a month", ({ found }) => dollars(found.monthly)),
    row("dollars per million events", ({ found }) => dollars(found.perMillion ?? 0)),
    "",
    ...sizes.flatMap(({ traffic, found }) =>
      found.warnings.map((warning) => `At ${quantity(traffic.eventsPerDay)} events a day: ${warning}.\n`),
    ),
  ];
}

const DRIVER = "memory of the driver for the names of objects and files";

function driverMb({ found, traffic }: Sized): number {
  return usesOf(found.plan, traffic).find(({ what }) => what === DRIVER)?.needed ?? Number.NaN;
}

function nearness(sizes: Sized[]): string[] {
  const columns = sizes.map(({ found, traffic }) => usesOf(found.plan, traffic));
  const first = columns[0] as Use[];
  return [
    "## How near each size comes to its limits",
    "",
    "With the settings above. 100 % is the limit:",
    "",
    `| stage | what | ${SIZES.map((events) => quantity(events)).join(" | ")} | then change |`,
    `| --- | --- | ${SIZES.map(() => "---:").join(" | ")} | --- |`,
    ...first.map(({ stage, what, remedy }, at) => {
      const shares = columns.map((uses) => share(uses[at] as Use));
      return `| ${stage} | ${what} | ${shares.join(" | ")} | ${remedy} |`;
    }),
    "",
    "So this comes first, beside the shards, which are always as many as needed:",
    "",
    ...columns.map((uses, at) => `- ${quantity(SIZES[at] as number)} events a day: ${firstOf(uses)}`),
    "",
  ];
}

function firstOf(uses: Use[]): string {
  const nearest = uses
    .filter(({ limitedBy }) => limitedBy !== "`shardCount`")
    .sort((a, b) => b.needed / b.limit - a.needed / a.limit)
    .slice(0, 3);
  return `${nearest.map((use) => `${use.what} (${share(use)})`).join("; ")}.`;
}

function share({ needed, limit }: Use): string {
  const percent = (100 * needed) / limit;
  return percent < 0.5 ? "< 1 %" : `${quantity(Math.round(percent))} %`;
}

const QUOTA_NAMES: Record<keyof typeof QUOTAS, string> = {
  shards: "Kinesis: shards of an account (1,000 or 6,000 in most other regions)",
  firehoseMbPerSecond: "Firehose: MB a second of a stream by direct PUT (1 in most other regions)",
  concurrentLambdas: "Lambda: concurrent executions of an account (new accounts may have fewer)",
  s3Writes: "S3: PUT, COPY, POST and DELETE requests a second and prefix",
  s3Reads: "S3: GET and HEAD requests a second and prefix",
  dpus: "Glue: DPUs of all jobs of an account at once",
  spareDpus: "Glue: DPUs of FLEX runs at once",
  workersOfJob: "Glue: workers of a job",
  partitionsOfTable: "Glue Data Catalog: partitions of a table",
  historyEvents: "Step Functions: events in the history of an execution",
};

function quotas(): string[] {
  return [
    "## The quotas",
    "",
    "| quota | value | can be raised | source |",
    "| --- | ---: | --- | --- |",
    ...Object.entries(QUOTAS).map(
      ([name, { value, adjustable, source }]) =>
        `| ${QUOTA_NAMES[name as keyof typeof QUOTAS]} | ${quantity(value)} | ${adjustable ? "yes" : "no"} | <${source}> |`,
    ),
    "",
  ];
}

function basis(): string[] {
  return [
    "## What it rests on",
    "",
    `The traffic: ${assumptions(USUAL, ["eventsPerDay", "months"])}.`,
    "",
    `Measured on this program: ${WORK.sparkCoreSecondsPerEvent * 1e6} core-seconds of Spark for a million events, 76,000 events a second and core in the ingest, ${WORK.rawBytesPerEvent} bytes an event in raw and ${WORK.curatedBytesPerEvent} in the table.`,
    "",
    `Assumed: ${WORK.sparkCoreSecondsPerKnownEvent * 1e6} core-seconds to look through a million known ids, ${WORK.compactionCoreSecondsPerEvent * 1e6} to compact a million rows, ${WORK.sparkSecondsPerFile} seconds to open a file, ${quantity(WORK.driverBytesPerObject)} bytes of the driver's memory for an object's name, and that Spark's work is spread evenly over all cores. The last one is the least certain at the largest sizes: skewed dates and the shuffle between many workers are not in it.`,
    "",
  ];
}
