import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { GetJobRunsCommand } from "@aws-sdk/client-glue";
import { IAMClient } from "@aws-sdk/client-iam";
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { CopyObjectCommand } from "@aws-sdk/client-s3";
import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { ReportNumbers } from "../../cli/report/numbers";
import { sqlSince } from "../../infra/catalog/saved-queries";
import { Traffic } from "../../lambdas/simulator/traffic";
import { readCalls } from "../../local/requests";
import { TABLE_COLUMNS } from "../../schema/contract";
import { decisions, difference, listedGrants, rolesOf, unneeded } from "./grants";
import { type Finished, Lake } from "./lake";
import { type Expectation, expectFromRecords, hashRows } from "./oracle";
import { assertTablesHold, cents } from "./tables";

const MAIN = join(__dirname, "..", "..", "cli", "main.mjs");
const ROOT = join(__dirname, "..", "..");
const DAY_MS = 86_400_000;

/** What no generator of this project makes. */
const NESTED = JSON.stringify({
  ...{ user_id: "u-nested", session_id: "s-nested", event_time: "2003-03-02T00:00:00" },
  ...{ event_type: "page_view", page_url: "/", referrer_url: "https://example.org/", browser: "Firefox" },
  geo: { ip: "2001:db8:1234:5678::9", country: "FR", city: "Paris" },
});
const OLD = JSON.stringify({
  ...{ event_id: "old-1", event_type: "purchase", timestamp: "2003-03-01T23:59:59.999Z", user_id: "u-old" },
  ...{ session_id: "s-old", page_url: "/checkout", product_id: "p-1", product_price: 19.99, quantity: 3 },
  ...{ country: "DE", ip_address: "203.0.113.77", email: "someone@example.org" },
});
const WILD = [
  `${OLD}\n\n${NESTED}\r\n${OLD}\n`,
  "{not json",
  '"text"',
  '{"event_type": "page_view", "event_time": "2003-02-30T10:00:00Z", "user_id": "u"}',
  '{"event_type": "purchase", "event_time": "2003-03-01 12:00:00+02:00", "session_id": "s", "event_id": "w-1", "product_price": "7.50", "quantity": "2"}',
];

/** Ten lines a record, as a producer that packs its events. */
function traffic(seed: number, events: number): string[] {
  const options = {
    events,
    seed,
    startMs: Date.now(),
    duplicates: 0.05,
    malformed: 0.04,
    late: 0.1,
    pii: 0.1,
  };
  const lines = [...new Traffic(options).lines()].map(({ text }) => text);
  return Array.from({ length: Math.ceil(lines.length / 10) }, (_, n) =>
    lines.slice(n * 10, n * 10 + 10).join("\n"),
  );
}

/** All that was sent, in its order. */
class Sent {
  readonly records: string[] = [];

  constructor(private readonly lake: Lake) {}

  /** Gives the input of an execution that waits for these records. */
  async put(records: readonly string[]) {
    const [since, batch] = [new Date().toISOString(), randomUUID()];
    await this.lake.putToFirehose(
      ...records.map((record, n) => `{"clickstream_batch":"${batch}","record":${n}}\n${record}`),
    );
    this.records.push(...records);
    return { sent: { since, batch, records: records.length } };
  }

  expected(): Expectation {
    return expectFromRecords(this.records);
  }
}

const totals = ({ lines, events, quarantined, duplicates }: Expectation) => ({
  ...{ lines, curated: events.size, quarantined: quarantined.length, duplicates },
});

/** What the execution reported is what the oracle says has come in between. */
function assertReports({ status, report, cause }: Finished, before: Expectation, after: Expectation): void {
  assert.equal(status, "SUCCEEDED", cause);
  const [was, is] = [totals(before), totals(after)];
  const { curated, quarantined, duplicates } = report ?? assert.fail("no report");
  assert.deepEqual(
    { curated, quarantined, duplicates },
    {
      curated: is.curated - was.curated,
      quarantined: is.quarantined - was.quarantined,
      duplicates: is.duplicates - was.duplicates,
    },
  );
  assert.equal(curated + quarantined + duplicates, is.lines - was.lines);
}

/** S3 announces each object twice, and a minute of Lambda's waits takes a fifth of a second. */
async function arrivalLake(): Promise<Lake> {
  Object.assign(process.env, {
    CLICKSTREAM_S3_FAULTS: "event-twice",
    CLICKSTREAM_LAMBDA_MINUTE_SECONDS: "0.2",
  });
  try {
    return await Lake.up({ way: "arrival", firehoseBufferSeconds: 1, jobEveryHours: 2 });
  } finally {
    delete process.env.CLICKSTREAM_S3_FAULTS;
    delete process.env.CLICKSTREAM_LAMBDA_MINUTE_SECONDS;
  }
}

describe("e2e: the way arrival", function () {
  this.timeout(300_000);
  let lake: Lake;
  let sent: Sent;
  before(async () => {
    lake = await arrivalLake();
    sent = new Sent(lake);
  });
  after(() => lake?.down());

  const jobRuns = async () =>
    (await lake.glue.send(new GetJobRunsCommand({ JobName: lake.stack.outputs.jobName }))).JobRuns?.length;
  const rows = async () => (await lake.events()).map((row) => row.slice(0, -1));

  it("shows, quarantines and counts exactly what was sent, without a run of the job", async () => {
    const [began, before] = [new Date(), sent.expected()];
    const finished = await lake.execute(await sent.put([...traffic(11, 800), ...WILD]));
    const expected = sent.expected();
    assertReports(finished, before, expected);
    assert.ok(expected.duplicates > 20 && expected.quarantined.length > 20, JSON.stringify(totals(expected)));
    assert.equal(finished.report?.outcome, "arrived");
    await assertTablesHold(lake, expected);
    assert.equal(await jobRuns(), 0);
    const mail = await lake.notice(1);
    assert.match(mail.subject, new RegExp(`${expected.events.size} events arrived`));
    assert.match(mail.body, new RegExp(`quarantined\\D+${expected.quarantined.length}\\b`, "i"));
    // The second announcement wrote the same objects again.
    const raw = await lake.rawKeys();
    const markers = new Map<string, number>();
    const { curatedBucket } = lake.stack.outputs;
    for await (const { operation, resource } of readCalls(lake.stack.stateDir, began, new Date())) {
      if (operation === "PutObject" && resource.startsWith(`arn:aws:s3:::${curatedBucket}/runs/arrived/`))
        markers.set(resource, (markers.get(resource) ?? 0) + 1);
    }
    assert.deepEqual(
      [...markers.values()],
      raw.map(() => 2),
    );
  });

  it("shows no copy of an event that an earlier object has, and counts it as a duplicate", async () => {
    const before = sent.expected();
    const copies = sent.records.slice(0, 12);
    const finished = await lake.execute(await sent.put([...copies, OLD, ...traffic(12, 100)]));
    const expected = sent.expected();
    assert.ok(expected.duplicates > before.duplicates + 100);
    assertReports(finished, before, expected);
    await assertTablesHold(lake, expected);
  });

  it("sends no mail if an execution of the schedule finds nothing new", async () => {
    const mails = (await lake.notices()).length;
    const { status, report, output } = await lake.execute({ scheduled: true });
    assert.deepEqual([status, report?.outcome], ["SUCCEEDED", "nothing_new"]);
    assert.match(String(output?.skipped), /Nothing new/);
    assert.equal((await lake.notices()).length, mails);
  });

  it("keeps an object whose conversion fails in the queue, until npm run redrive brings it in", async () => {
    const { toParquetFunction: FunctionName, deadLetterQueueUrl: QueueUrl } = lake.stack.outputs;
    const lambda = new LambdaClient(lake.stack.clientConfig);
    const sqs = new SQSClient(lake.stack.clientConfig);
    const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const configure = (Variables: Record<string, string>) =>
      lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
    const before = sent.expected();
    await configure({ ...Environment?.Variables, ARRIVED_TABLE: "no_such_table" });
    const input = await sent.put(traffic(13, 60));
    const failed = async () => {
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["ApproximateNumberOfMessages"] }),
      );
      return Number(Attributes?.ApproximateNumberOfMessages);
    };
    // Both announcements of the object.
    for (const end = Date.now() + 60_000; (await failed()) < 2; ) {
      assert.ok(Date.now() < end, "the object did not reach the queue");
      await sleep(200);
    }
    await configure(Environment?.Variables ?? {});
    const sentAgain = await run("redrive", "--json");
    assert.deepEqual(
      sentAgain.messages.map(({ fate }: { fate: string }) => fate),
      ["sent", "sent"],
    );
    const finished = await lake.execute(input);
    assertReports(finished, before, sent.expected());
    await assertTablesHold(lake, sent.expected());
    assert.equal(await failed(), 0);
  });

  it("shows each event once before, during and after a run of the job, and the same answers", async () => {
    const expected = sent.expected();
    const numbers = await reported();
    assertReportHolds(numbers, expected);
    // Of each row, all that to-parquet wrote; afterwards it is what the Spark job wrote.
    const before = [hashRows(await rows()), await wholeRows(), await savedAnswers(), numbers];
    // An object that Firehose delivers a second time, late: all of its events are copies, and the job is due.
    const { rawBucket: Bucket } = lake.stack.outputs;
    const [key = ""] = await lake.rawKeys();
    const late = new Date(Date.now() - 3 * 3_600_000).toISOString().split(/[-T:]/);
    const Key = `raw/year=${late[0]}/month=${late[1]}/day=${late[2]}/hour=${late[3]}/late.jsonl.gz`;
    await lake.s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${key}` }));
    let running = true;
    const started = await lake.start();
    const ended = started().finally(() => {
      running = false;
    });
    while (running) {
      const [counts] = await lake.query("SELECT count(*), count(DISTINCT event_id) FROM events");
      assert.deepEqual(counts, [expected.events.size, expected.events.size]);
      // Queries without a pause would take the processor time that the job needs.
      await sleep(1500);
    }
    const { status, report, cause } = await ended;
    assert.equal(status, "SUCCEEDED", cause);
    assert.deepEqual(
      [report?.outcome, report?.curated, report?.quarantined, await jobRuns()],
      ["processed", expected.events.size, expected.quarantined.length, 1],
    );
    await assertTablesHold(lake, expected);
    const after = [hashRows(await rows()), await wholeRows(), await savedAnswers(), await reported()];
    assert.deepEqual(after, before);
    const [taken] = await lake.query("SELECT count(*) FROM curated_events");
    assert.deepEqual(taken, [expected.events.size]);
  });

  it("shows no copy of an event that the job took", async () => {
    const before = sent.expected();
    const finished = await lake.execute(await sent.put([...sent.records.slice(3, 9), ...traffic(14, 40)]));
    assertReports(finished, before, sent.expected());
    await assertTablesHold(lake, sent.expected());
    assert.equal(await jobRuns(), 1);
  });

  it("runs with the grants that it needs, and those of its own roles are needed or listed in docs/permissions.md", async () => {
    // What the tests above sent themselves.
    const simulated = await lake.execute({ simulate: { events: 60, seed: 3, malformed: 0.1 } });
    assert.equal(simulated.status, "SUCCEEDED", simulated.cause);
    const repaired = await lake.execute({ fullRepair: true });
    assert.equal(repaired.status, "SUCCEEDED", repaired.cause);
    assert.deepEqual(
      // One of the tests above gives the Lambda a table that there is not.
      decisions(lake).filter(
        ({ decision, resource }) => decision !== "Allow" && !resource.endsWith("no_such_table"),
      ),
      [],
    );
    const all = unneeded(lake, await rolesOf(new IAMClient(lake.stack.clientConfig)));
    assert.ok(all.mutants > 100, `only ${all.mutants} grants`);
    // Those of the job and of the state machine are for rebuilt days, stopped queries and more that is tested with a stream.
    const unseen = all.unseen.filter((grant) => !/^clickstream-(job|pipeline|schedule)-role /.test(grant));
    const listed = listedGrants("In the ways with Firehose");
    assert.deepEqual(
      difference(unseen, listed),
      [],
      "grants that nothing needed here, and that are not listed",
    );
    assert.deepEqual(difference(listed, unseen), [], "listed, though something needed them, or not granted");
  });

  /** The answer of a command in JSON. */
  async function run(...words: string[]) {
    const [name = "", ...options] = words;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [MAIN, name, "--run", lake.stack.id, ...options],
      { cwd: ROOT, env: { ...process.env, NO_COLOR: "1" } },
    );
    return JSON.parse(stdout);
  }

  /** What npm run report says, but when rows were written, and what its queries cost. */
  async function reported(): Promise<Omit<ReportNumbers, "madeAt" | "freshness" | "cost">> {
    const folder = mkdtempSync(join(tmpdir(), "report-"));
    try {
      const from = new Date(Date.now() - 40 * DAY_MS).toISOString().slice(0, 10);
      const out = join(folder, "report.html");
      const { madeAt, freshness, cost, file, ...numbers } = await run(
        ...["report", "--from", from, "--out", out, "--json"],
      );
      assert.deepEqual([file, typeof madeAt, freshness.daysWithoutData.length > 0], [out, "string", true]);
      assert.ok(cost.scannedBytes > 0);
      return numbers;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  /** The report begins 40 days ago, so it has not the events of 2003. */
  function assertReportHolds(
    { totals: found, quarantine }: Pick<ReportNumbers, "totals" | "quarantine">,
    { events, quarantined }: Expectation,
  ): void {
    const recent = [...events.values()].filter(({ date }) => date > "2004");
    const purchases = recent.filter(({ type }) => type === "purchase");
    const revenue = purchases.reduce((sum, event) => sum + cents(event.revenue), 0);
    assert.deepEqual(
      [found.events, found.purchases, cents(found.revenue), quarantine.lines],
      [recent.length, purchases.length, revenue, quarantined.length],
    );
  }

  /** All columns but the one that says when a row was written. */
  async function wholeRows(): Promise<unknown[][]> {
    const columns = TABLE_COLUMNS.filter(({ name }) => name !== "processed_at").map(({ name, type }) =>
      type.startsWith("map") ? `json_format(CAST(${name} AS json))` : name,
    );
    return lake.query(`SELECT event_date, ${columns.join(", ")} FROM events ORDER BY event_date, event_id`);
  }

  /** The answers of the saved queries about events. Not of those that ask when or by which run a row was written. */
  async function savedAnswers(): Promise<unknown[]> {
    const names = ["conversion", "duplicates", "events-a-day", "events-by-device", "events-by-type"];
    const texts = [...names, "sessions", "top-pages", "top-products"].map((name) =>
      sqlSince(name, "2003-01-01"),
    );
    return Promise.all(texts.map((text) => lake.query(text)));
  }
});
