// The estimate, against figures worked out by hand from AWS's list prices.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Traffic, USUAL, WORK } from "../../../cli/cost/assumptions";
import { BASED_ITEMS } from "../../../cli/cost/basis";
import {
  CHECKING_PATH,
  CRAWL_LOOKS,
  CRAWL_PATH,
  IDLE_ARRIVAL_PATH,
  IDLE_PATH,
  storedGb,
  WORKING_PATH,
} from "../../../cli/cost/flow";
import { FREE } from "../../../cli/cost/free";
import { type Estimate, estimate } from "../../../cli/cost/model";
import { prices } from "../../../cli/cost/prices.json";
import { savings } from "../../../cli/cost/savings";
import { sizedWay } from "../../../cli/cost/ways";
import { WAYS } from "../../../infra/config/keys";
import { declaredBy, stackConfiguration } from "../../../stack/configuration";
import { everythingOn } from "../../local/everything-on";
import { ARRIVAL, CRAWLING, DEFINITION, evaluate, type State } from "../../statemachine/pipeline";

const ROOT = join(__dirname, "..", "..", "..");

function near(actual: number | undefined, expected: number): void {
  assert.ok(
    actual !== undefined && Math.abs(actual - expected) <= expected * 0.001,
    `${actual} is not ${expected}`,
  );
}

/** The committed dev stack, with some settings of a test. */
const configuration = (settings: Record<string, string | undefined> = {}) =>
  stackConfiguration("dev", { scheduleEnabled: "true", batchWindowSeconds: "60", ...settings });

async function estimated(
  settings: Record<string, string | undefined>,
  traffic: Partial<Traffic>,
): Promise<Estimate> {
  return estimate(await declaredBy(configuration(settings)), { ...USUAL, ...traffic });
}

const monthly = ({ lines }: Estimate, item: string) => lines.find((line) => line.item === item)?.monthly ?? 0;

describe("cli/cost/model", function () {
  this.timeout(60_000);

  it("prices an idle stack by what runs by the hour and by the schedule", async () => {
    const idle = await estimated({}, { eventsPerDay: 0 });
    // One shard: 730 h × $0.015.
    near(monthly(idle, "Kinesis: shards"), 10.95);
    // Nothing is new, so no run of the job starts, and no mail is sent.
    assert.equal(monthly(idle, "Glue: the job's workers"), 0);
    assert.equal(monthly(idle, "SNS: mails published"), 0);
    // 730 × 9 states × $0.025 a thousand.
    near(monthly(idle, "Step Functions: state transitions"), 0.16425);
    // 730 × 1 s × 0.5 GB × $0.0000133334.
    near(monthly(idle, "Lambda: look-for-new, arm64"), 0.00486669);
    // 730 × (attempts, given-up batches, and raw and quarantine twice) × $5 a million.
    near(monthly(idle, "S3: listings by look-for-new"), 0.0219);
    assert.equal(idle.perMillion, undefined);
    const off = await estimated({ scheduleEnabled: "false" }, { eventsPerDay: 0 });
    assert.ok(off.monthly < 11.2, `an idle dev stack costs ${off.monthly}`);
    assert.ok(off.monthly > 10.95);
  });

  it("prices 240,000 events a day in batches of a minute", async () => {
    const found = await estimated({}, { eventsPerDay: 240_000, quarantinePercent: 0, latePercent: 0 });
    // 1,000 records of 5,000 bytes an hour: 730,000 PUT units × $0.014 a million.
    near(monthly(found, "Kinesis: PUT units"), 0.01022);
    // A record each 3.6 s: a batch each 63.6 s, 41,320.8 a month × $0.20 a million.
    near(monthly(found, "Lambda: requests"), 0.00826415);
    // A raw object a batch × $5 a million.
    near(monthly(found, "S3: objects and listings of the ingest"), 0.206604);
    // (41,320.8 × 0.15 s + 7.3 M events / 76,000 × 1769/512) × 0.5 GB × $0.0000133334
    near(monthly(found, "Lambda: ingest, arm64"), (6198.11 + 331.874) * 0.5 * 0.0000133334);
    // 365 days × 240,000 × 79 bytes × $0.023.
    near(monthly(found, "S3: raw events, STANDARD"), 0.159166);
    // 17 states an execution.
    near(monthly(found, "Step Functions: state transitions"), 0.31025);
    // 730 runs, each billed its minute: 730/60 h × 2 DPU × $0.44.
    near(monthly(found, "Glue: the job's workers"), 10.7067);
    // Each check scans the 10 MB that Athena bills at least: 730 × 10 MB × $5.
    near(monthly(found, "Athena: the pipeline's check"), 0.0365);
    near(found.perMillion, found.monthly / 7.3);
    near(
      found.lines.reduce((sum, line) => sum + line.monthly, 0),
      found.monthly,
    );
  });

  it("prices the collector by the request, at no price where there is none", async () => {
    const collector = { collector: "true", collectorOrigins: '["*"]' };
    // 30.41667 M requests.
    const single = await estimated(collector, { eventsPerDay: 1_000_000, eventsPerRequest: 1 });
    near(monthly(single, "API Gateway: requests to the collector"), 30.41667);
    near(monthly(single, "Lambda: collector, requests"), 6.083333);
    // × 0.03 s × 0.5 GB × $0.0000133334.
    near(monthly(single, "Lambda: collector, arm64"), 6.08337);
    // Each event is a record, and a record at least a unit: × $0.014 a million.
    near(monthly(single, "Kinesis: PUT units"), 0.425833);
    const ten = await estimated(collector, { eventsPerDay: 1_000_000, eventsPerRequest: 10 });
    near(monthly(ten, "API Gateway: requests to the collector"), 3.041667);
    near(monthly(ten, "Kinesis: PUT units"), 0.0425833);
    // 400 bytes of log for each of 27.375 M requests more: 10.95 GB × $0.50.
    near(monthly(single, "CloudWatch Logs: written") - monthly(ten, "CloudWatch Logs: written"), 5.475);
    const without = await estimated({}, { eventsPerDay: 1_000_000, eventsPerRequest: 1 });
    assert.deepEqual(
      without.lines.filter(({ item }) => /collector/.test(item)),
      [],
    );
    near(without.monthly, (await estimated({}, { eventsPerDay: 1_000_000, eventsPerRequest: 10 })).monthly);
  });

  it("prices the write key as a secret, and its reading every five minutes", async () => {
    const open = { collector: "true", collectorOrigins: '["*"]' };
    const closed = { ...open, collectorWriteKey: "0123456789abcdef" };
    assert.equal(monthly(await estimated(open, {}), "Secrets Manager: secrets"), 0);
    const found = await estimated(closed, {});
    near(monthly(found, "Secrets Manager: secrets"), 0.4);
    // 12 an hour × 730 × $5 a million.
    near(monthly(found, "Secrets Manager: requests"), 0.0438);
  });

  it("prices a crawl by its ten minutes, its states, and the whole table that it reads", async () => {
    const crawled = (months: number, crawler = "true") =>
      estimated({ crawler }, { eventsPerDay: 240_000, quarantinePercent: 0, latePercent: 0, months });
    const [year, twoYears] = await Promise.all([crawled(12), crawled(24)]);
    // 730 crawls × 2 DPUs × 10 minutes × $0.44 an hour.
    near(monthly(year, "Glue: the crawler"), 107.0667);
    // 25 states more, each $0.000025.
    near(monthly(year, "Step Functions: state transitions of the crawl"), 0.45625);
    // A year more is 365 dates of 2 files: 730 crawls read each twice, at $0.4 a million.
    const reads = (found: Estimate) => monthly(found, "S3: objects read by the crawler");
    near(reads(twoYears) - reads(year), 0.42632);
    // 1,471 files are two pages, 741 files one: 730 listings more × $5 a million.
    const lists = (found: Estimate) => monthly(found, "S3: listings by the crawler");
    near(lists(year), 0.00365);
    near(lists(twoYears), 0.0073);
    // Database, table and one page of partitions × $1 a million.
    near(monthly(year, "Glue Data Catalog: requests of the crawler"), 0.00219);
    const without = await crawled(12, "false");
    assert.deepEqual(
      without.lines.filter(({ item }) => /crawl/.test(item)),
      [],
    );
    const idle = await estimated({ crawler: "true" }, { eventsPerDay: 0 });
    assert.equal(monthly(idle, "Glue: the crawler"), 0);
  });

  it("prices FLEX by its own rate", async () => {
    const found = await estimated({ glueExecutionClass: "FLEX" }, { eventsPerDay: 240_000, latePercent: 0 });
    // 730/60 h × 2 DPU × $0.29.
    near(monthly(found, "Glue: the job's workers, FLEX"), 7.05667);
    assert.equal(monthly(found, "Glue: the job's workers"), 0);
  });

  it("bills only two of more workers while a run starts and ends", async () => {
    const found = await estimated({ glueWorkers: "4" }, { eventsPerDay: 50_000_000 });
    // Three executors with four cores each.
    const working = found.flow.workSeconds / 12;
    assert.ok(working > 60, `a run works ${working} seconds`);
    near(found.flow.billedWorkerSeconds, 2 * 45 + 4 * working);
    near(monthly(found, "Glue: the job's workers"), ((730 * (90 + 4 * working)) / 3600) * 0.44);
  });

  it("starts no more runs than there are raw objects", async () => {
    // A record of ten events a day: one raw object a day.
    const found = await estimated({}, { eventsPerDay: 10 });
    near(found.flow.runs, 730 / 24);
    near(monthly(found, "Glue: the job's workers"), 10.7067 / 24);
    // 30.4 × 17 states, 699.6 × 9.
    near(monthly(found, "Step Functions: state transitions"), 0.170333);
  });

  it("costs the same work in the tenth year as in the first month", async () => {
    const [young, old] = await Promise.all([estimated({}, { months: 1 }), estimated({}, { months: 120 })]);
    const work = ({ lines }: Estimate) =>
      lines
        .filter(({ part, item }) => part !== "storage" && !/partitions$/.test(item))
        .map(({ item, quantity }) => [item, quantity]);
    assert.ok(work(young).length > 15);
    assert.deepEqual(work(old), work(young));
    assert.deepEqual(old.flow.shape, young.flow.shape);
  });

  it("keeps the committed prod stack below its targets", async () => {
    const targets: [events: number, settings: Record<string, string>, usd: number][] = [
      [0, {}, 22],
      [10_000, {}, 33],
      [1_000_000, {}, 42],
      [10_000_000, {}, 90],
      [100_000_000, { shardCount: "2", glueWorkers: "4" }, 550],
    ];
    for (const [eventsPerDay, settings, usd] of targets) {
      const found = estimate(await declaredBy(stackConfiguration("prod", settings)), {
        ...USUAL,
        eventsPerDay,
      });
      assert.ok(found.monthly <= usd, `${eventsPerDay} events a day cost ${found.monthly}, not ${usd}`);
    }
  });

  it("says what each line rests on, and names no line that there is not", async () => {
    const everything = everythingOn();
    const onDemand: Record<string, string> = { ...everything.values, "clickstream:streamMode": "ON_DEMAND" };
    delete onDemand["clickstream:shardCount"];
    const flexible = { ...everything.values, "clickstream:glueExecutionClass": "FLEX" };
    const traffic = { ...USUAL, eventsPerDay: 100_000_000 };
    const lines = [];
    const kept = {
      "clickstream:streamRetentionHours": "200",
      "clickstream:rawInfrequentAccessDays": "30",
      "clickstream:batchWindowSeconds": "300",
    };
    for (const values of [everything.values, onDemand, flexible, { ...everything.values, ...kept }])
      lines.push(...estimate(await declaredBy({ ...everything, values }), traffic).lines);
    for (const way of WAYS) lines.push(...(await sizedWay("prod", way, 1_000_000)).found.lines);
    for (const { basis, item } of lines) assert.ok(basis.length > 10, item);
    const items = new Set(lines.map(({ item }) => item));
    assert.deepEqual(
      BASED_ITEMS.filter((item) => !items.has(item)),
      [],
    );
  });

  it("prices a stream on demand by the gigabyte, with records rounded up to 1 KB", async () => {
    const settings = { streamMode: "ON_DEMAND", shardCount: undefined };
    const found = await estimated(settings, { eventsPerDay: 1_000_000, eventsPerRecord: 1 });
    near(monthly(found, "Kinesis: the stream, on demand"), 29.2);
    // 30.4167 M records of 500 bytes count as 1,024: 31.147 GB × $0.08; read as they are: 15.208 GB × $0.04.
    near(monthly(found, "Kinesis: written, on demand"), 2.49173);
    near(monthly(found, "Kinesis: read, on demand"), 0.608333);
    assert.equal(monthly(found, "Kinesis: shards"), 0);
  });

  it("prices a week of retention by the shard hour", async () => {
    near(
      monthly(await estimated({ streamRetentionHours: "168" }, {}), "Kinesis: retention of more than a day"),
      14.6,
    );
  });

  it("names its parts by the stages, whose folders are in infra", async () => {
    const { lines } = await estimate(await declaredBy(everythingOn()), USUAL);
    const shared = ["storage", "keys"];
    const parts = [...new Set(lines.map(({ part }) => part))].filter((part) => !shared.includes(part));
    assert.ok(parts.length > 5);
    assert.deepEqual(
      parts.filter((part) => !existsSync(join(ROOT, "infra", part))),
      [],
    );
  });

  it("says where the configuration cannot handle the traffic, and which one can", async () => {
    const { warnings } = await estimated({}, { eventsPerDay: 1_000_000_000 });
    assert.match(warnings[0] ?? "", /shardCount is 1, but the busiest second needs 17: pulumi config set/);
    assert.match(
      warnings[1] ?? "",
      /A run of the Glue job takes about \d+ minutes, but the next one starts after 60/,
    );
    // 3 × 1,000 M rows in 24 runs, and the late rows of a quarter of a date: 126 M rows × 77 bytes.
    assert.match(
      warnings[2] ?? "",
      /A run has 9720 MB to compact, .* Raise compactionMb and compactionSeconds/,
    );
  });

  it("follows lifecycle rules, and does not move small objects", () => {
    const rules = [
      { prefix: "raw/", transitions: [{ days: 30, storageClass: "STANDARD_IA" }], expirationDays: 90 },
    ];
    const month = 30.416666666666668;
    assert.deepEqual(storedGb(1e9, 1e6, rules, "raw/", 1), { STANDARD: 30, STANDARD_IA: month - 30 });
    assert.deepEqual(storedGb(1e9, 1e6, rules, "raw/", 12), { STANDARD: 30, STANDARD_IA: 60 });
    assert.deepEqual(storedGb(1e9, 1000, rules, "raw/", 12), { STANDARD: 90 });
    assert.deepEqual(storedGb(1e9, 1e6, rules, "quarantine/", 1), { STANDARD: month });
  });

  it("finds the settings that reduce the cost, each with the estimate of the changed stack", async () => {
    const settings = { scheduleEnabled: "true", batchWindowSeconds: "5", streamRetentionHours: "168" };
    const now = await estimated(settings, {});
    const found = await savings(configuration(settings), now, USUAL);
    const of = (key: string) => found.find((saving) => saving.key === key);
    // The shard hours, and the pages of the hours that a run lists.
    const day = await estimated({ ...settings, streamRetentionHours: "24" }, {});
    near(of("streamRetentionHours")?.saves, now.monthly - day.monthly);
    near(monthly(now, "Kinesis: retention of more than a day"), 14.6);
    assert.equal(monthly(day, "Kinesis: retention of more than a day"), 0);
    const off = await estimated({ ...settings, scheduleEnabled: "false" }, {});
    near(of("scheduleEnabled")?.saves, now.monthly - off.monthly);
    const window = await estimated({ ...settings, batchWindowSeconds: "300" }, {});
    near(of("batchWindowSeconds")?.saves, now.monthly - window.monthly);
    assert.equal(of("streamMode"), undefined, "on demand is dearer here");
    assert.deepEqual(
      found.map(({ saves }) => saves),
      found.map(({ saves }) => saves).sort((a, b) => b - a),
    );
  });

  it("has a line, or a reason why it is free, for every type that the program declares with everything on", async () => {
    const resources = await declaredBy(everythingOn());
    const { lines } = estimate(resources, USUAL);
    const billed = new Set(lines.flatMap(({ types }) => types));
    const unknown = new Set(
      resources.map(({ type }) => type).filter((type) => !billed.has(type) && !(type in FREE)),
    );
    assert.deepEqual([...unknown], []);
  });

  it("names no type that the program never declares, and has no price that no line uses", async () => {
    const everything = everythingOn();
    const onDemand: Record<string, string> = { ...everything.values, "clickstream:streamMode": "ON_DEMAND" };
    delete onDemand["clickstream:shardCount"];
    const plans = [await declaredBy(everything), await declaredBy({ ...everything, values: onDemand })];
    const declared = new Set(plans.flat().map(({ type }) => type));
    const lines = plans.flatMap((resources) => estimate(resources, { ...USUAL, months: 24 }).lines);
    const named = [...lines.flatMap(({ types }) => types), ...Object.keys(FREE)];
    assert.deepEqual(
      named.filter((type) => !declared.has(type)),
      [],
    );
    const source = ["model.ts", "collect.ts", "arrival.ts"]
      .map((file) => readFileSync(join(ROOT, "cli", "cost", file), "utf8"))
      .join("");
    // The storage classes are chosen by the lifecycle rules.
    const unused = Object.keys(prices).filter(
      (key) => !/^s3\.STANDARD/.test(key) && !source.includes(`"${key}"`),
    );
    assert.deepEqual(unused, []);
  });

  it("looks at a crawl as often as the state machine does", async () => {
    const { WaitForCrawl } = CRAWLING.States;
    let seconds = 0;
    for (let crawlPolls = 0; crawlPolls < CRAWL_LOOKS; crawlPolls += 1) {
      assert.ok(seconds < WORK.crawlLookSeconds, `look ${crawlPolls} is not needed after ${seconds} s`);
      seconds += Number(await evaluate(WaitForCrawl?.Seconds, { crawlPolls }));
    }
    assert.ok(seconds >= WORK.crawlLookSeconds, `${CRAWL_LOOKS} looks take ${seconds} s`);
  });

  it("counts the states that an execution enters", () => {
    const crawling = [...WORKING_PATH];
    crawling.splice(WORKING_PATH.indexOf("RepairPartitions") + 1, 0, ...CRAWL_PATH);
    for (const [{ StartAt, States }, path] of [
      [DEFINITION, WORKING_PATH],
      [DEFINITION, IDLE_PATH],
      [CRAWLING, crawling],
      [CRAWLING, IDLE_PATH],
      [ARRIVAL, CHECKING_PATH],
      [ARRIVAL, IDLE_ARRIVAL_PATH],
    ] as const) {
      assert.equal(path[0], StartAt);
      assert.equal(States[path.at(-1) as string]?.Type, "Succeed");
      path.slice(1).forEach((to, at) => {
        const state = States[path[at] as string] as State;
        const reachable = [state.Next, state.Default, ...(state.Choices ?? []).map(({ Next }) => Next)];
        assert.ok(reachable.includes(to), `${path[at]} does not lead to ${to}`);
      });
    }
  });
});
