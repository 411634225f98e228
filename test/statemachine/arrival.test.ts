// Executions of the way `arrival`: what arrived is checked and verified, and the Spark job runs only when it is due.

import assert from "node:assert/strict";
import { StatesError, type Tasks, walk } from "./interpreter";
import { ARRIVAL, CRAWLING_ARRIVAL } from "./pipeline";

const CHECKED = ["CheckInput", "IsInputRight", "KeepInput", "WhatToDo", "CheckArrival", "IsArrivalWritten"];
const VERIFIED = ["RepairArrived", "VerifyArrived", "ReadArrivedCounts", "IsArrivedVerified"];
const MAILED = ["RecordMetrics", "IsMailDue", "NotifyArrived", "PipelineSucceeded"];
const FAILED = ["ExplainFailure", "NotifyFailure", "PipelineFailed"];

/** What check-arrival answers about objects with rows on these days. */
function checked(changed: Record<string, unknown> = {}, arrived: Record<string, unknown> = {}) {
  return {
    ...{ pending: 0, missing: 0, more: 0, jobDue: false, why: null, nextJobAt: "2026-11-22T08:00:00.000Z" },
    ...{ givenUpBatches: 0, since: "2026-11-21T08:00:00.000Z", lastExecution: "run-0" },
    arrived: {
      ...{ objects: 3, bytes: 2048, lines: 1240, rows: 1234, duplicates: 5, unreadable: 1, files: 4 },
      quarantined: { objects: 1, lines: 4, reasons: { not_json: 4 } },
      dates: { count: 2, first: "2026-11-20", last: "2026-11-21" },
      partitions: ["2026-11-20", "2026-11-21"],
      ...{ first: "2026-11-21T08:10:00.000Z", last: "2026-11-21T08:55:01.000Z" },
      seconds: { p50: 2.5, p99: 7.25 },
      names: ["00112233445566aa", "00112233445566bb", "00112233445566cc"],
      ...arrived,
    },
    keep: { keep: '{"version":1}', etag: '"e"' },
    ...changed,
  };
}

const NOTHING = {
  ...{ objects: 0, bytes: 0, lines: 0, rows: 0, duplicates: 0, unreadable: 0, files: 0 },
  quarantined: { objects: 0, lines: 0, reasons: {} },
  ...{ dates: { count: 0, first: null, last: null }, partitions: [], names: [], first: null, last: null },
};

function world(answers: unknown[], changed: Tasks = {}) {
  const seen: Record<string, Record<string, unknown>[]> = {};
  const note =
    (name: string, answer: (given: Record<string, unknown>) => unknown) =>
    (given: Record<string, unknown>) => {
      seen[name] = [...(seen[name] ?? []), given];
      return answer(given);
    };
  const query = () => ({ QueryExecution: { QueryExecutionId: "q" } });
  const row = (...values: string[]) => ({ Data: values.map((value) => ({ VarCharValue: value })) });
  const all: Tasks = {
    CheckArrival: () => ({ Payload: answers.length > 1 ? answers.shift() : answers[0] }),
    AwaitIngest: () => ({ Payload: { ingested: true, pending: [], failedBatches: 0 } }),
    RepairArrived: query,
    RepairAllPartitions: query,
    VerifyArrived: query,
    ReadArrivedCounts: () => ({
      ResultSet: { Rows: [row("a", "b", "c", "d"), row("1234", "1200", "0", "61500")] },
    }),
    KeepArrival: () => ({ Payload: { kept: true } }),
    TransformEvents: () => ({ JobRunState: "SUCCEEDED" }),
    ReadReport: () => ({ Body: JSON.stringify(SUMMARY) }),
    RepairPartitions: query,
    VerifyTables: query,
    ReadCounts: () => ({ ResultSet: { Rows: [row("a", "b"), row("900", "900")] } }),
    CrawlTable: () => ({}),
    ReadCrawl: () => ({ Crawler: { State: "READY", LastCrawl: { Status: "SUCCEEDED" } } }),
    RecordMetrics: () => ({}),
    NotifyArrived: () => ({}),
    NotifySuccess: () => ({}),
    NotifyFailure: () => ({}),
    ...changed,
  };
  const tasks = Object.fromEntries(Object.entries(all).map(([name, task]) => [name, note(name, task)]));
  return { tasks, seen, run: (input: unknown = {}, definition = ARRIVAL) => walk(input, tasks, definition) };
}

const SUMMARY = {
  ...{
    outcome: "processed",
    seconds: 40,
    curated: 900,
    written: 900,
    recovered: 0,
    duplicates: 20,
    redelivered: 0,
  },
  ...{ raw: { objects: 9, bytes: 9000, lines: 930 }, quarantined: 10, quarantine_reasons: { not_json: 10 } },
  ...{ quarantine_reasons_left_out: { reasons: 0, lines: 0 }, unreadable_lines: 0, given_up_batches: 0 },
  ...{ dates: { count: 1, first: "2026-11-20", last: "2026-11-20" }, partitions: ["2026-11-20"], files: 1 },
  ...{ curated_bytes: 100, reprocess: null, processed_at: "2026-11-21 09:00:10.000" },
  compaction: { dates: 0, files_before: 0, files_after: 0, bytes: 0, left: 0, seconds: 0 },
};

const textOf = (mail: Record<string, unknown> | undefined) => `${mail?.Subject}\n${mail?.Message}`;
const fails =
  (error: string, cause = "why") =>
  () => {
    throw new StatesError(error, cause);
  };

describe("statemachine/parts/arrival", () => {
  it("verifies what arrived, keeps the cursor, and says in the mail what there is", async () => {
    const { run, seen } = world([checked()]);
    const { visited, output } = await run({ scheduled: true });
    assert.deepEqual(visited, [...CHECKED, "HasAnythingArrived", ...VERIFIED, "KeepArrival", ...MAILED]);
    assert.equal(
      seen.RepairArrived?.[0]?.QueryString,
      "ALTER TABLE arrived_events ADD IF NOT EXISTS PARTITION (event_date = '2026-11-20') PARTITION (event_date = '2026-11-21')",
    );
    assert.equal(
      seen.VerifyArrived?.[0]?.QueryString,
      "SELECT count(*) AS rows_found, count_if(copy = 1 AND known_id IS NULL) AS first_rows, (SELECT count(*) - count(DISTINCT (event_id, event_date)) FROM events WHERE event_date IN (DATE '2026-11-20', DATE '2026-11-21')) AS copies, approx_percentile(date_diff('millisecond', ingested_at, processed_at), 0.99) AS milliseconds FROM (SELECT event_date, event_id, ingested_at, processed_at, substr(\"$path\", -40, 16) AS name, row_number() OVER (PARTITION BY event_date, event_id ORDER BY processed_at, ingested_at, \"$path\") AS copy FROM arrived_events WHERE event_date IN (DATE '2026-11-20', DATE '2026-11-21')) AS arrived LEFT JOIN (SELECT DISTINCT event_date AS known_date, event_id AS known_id FROM curated_events WHERE event_date IN (DATE '2026-11-20', DATE '2026-11-21')) AS known ON event_date = known_date AND event_id = known_id WHERE processed_at BETWEEN TIMESTAMP '2026-11-21 08:10:00.000' AND TIMESTAMP '2026-11-21 08:55:01.999' AND name IN ('00112233445566aa', '00112233445566bb', '00112233445566cc')",
    );
    assert.deepEqual(seen.KeepArrival?.[0]?.Payload, {
      keep: '{"version":1}',
      etag: '"e"',
      execution: "run-1",
    });
    const metrics = seen.RecordMetrics?.[0]?.MetricData as { MetricName: string; Value: number }[];
    assert.deepEqual(
      metrics.map(({ MetricName, Value }) => [MetricName, Value]),
      [
        ["RowsCurated", 1200],
        ["RunSeconds", 0],
      ],
    );
    const mail = textOf(seen.NotifyArrived?.[0]);
    for (const text of [
      "Clickstream dev: ATTENTION, 1 raw line unreadable: 1,200 events arrived, 39 duplicates in 0 s",
      "1,200 new events are in the view events, in 2 daily partitions.",
      // 1,200 + 5 + 39, by hand.
      /Received +1,244 +in 3 raw objects, 2\.0 KiB/,
      /Curated +1,200 +in 4 Parquet files/,
      /Quarantined +5 +reasons below/,
      /Duplicates left out +39 +the first copy is shown/,
      /QUARANTINED BECAUSE\n {2}not_json +4\n {2}unreadable_raw_line +1/,
      /99 % of the events lay in a raw object within 62 s of their\n {2}arrival\. 99 % of the raw objects were written as Parquet within\n {2}7\.[23] s, half of them within 2\.5 s\./,
      "Athena counts 1,234 rows of these objects",
      "first execution after 2026-11-22 08:00 UTC",
    ]) {
      if (typeof text === "string") assert.ok(mail.includes(text), `${text} is not in\n${mail}`);
      else assert.match(mail, text);
    }
    assert.equal((output as { report: { outcome: string } }).report.outcome, "arrived");
    assert.ok(
      mail
        .split("\n")
        .slice(1)
        .every((line) => line.length <= 76 || line.includes("https://")),
      mail,
    );
  });

  it("asks nothing and mails nothing if nothing arrived, unless it was started by hand", async () => {
    const { run, seen } = world([checked({}, NOTHING)]);
    const ended = [...CHECKED, "HasAnythingArrived", "RecordMetrics", "IsMailDue"];
    assert.deepEqual((await run({ scheduled: true })).visited, [...ended, "NothingNew"]);
    assert.deepEqual(
      (seen.RecordMetrics?.[0]?.MetricData as { MetricName: string }[] | undefined)?.map(
        ({ MetricName }) => MetricName,
      ),
      ["RunSeconds"],
    );
    assert.deepEqual((await run()).visited, [...ended, "NotifySuccess", "PipelineSucceeded"]);
  });

  it("warns about objects that to-parquet has not written, also if nothing else arrived", async () => {
    const { run, seen } = world([checked({ missing: 2 }, NOTHING)]);
    const { visited } = await run({ scheduled: true });
    assert.deepEqual(visited.slice(-2), ["NotifySuccess", "PipelineSucceeded"]);
    assert.match(textOf(seen.NotifySuccess?.[0]), /ATTENTION, 2 objects not in Parquet/);
    assert.match(textOf(seen.NotifySuccess?.[0]), /npm run redrive -- --stack dev/);
  });

  it("waits while objects are on their way, but no longer than three minutes", async () => {
    const soon = world([checked({ pending: 2 }), checked({ pending: 1 }), checked()]);
    const { visited } = await soon.run();
    assert.equal(visited.filter((name) => name === "WaitForParquet").length, 2);
    const { visited: steady, status } = await world([checked({ pending: 1 })]).run();
    assert.equal(status, "SUCCEEDED");
    const waits = steady.filter((name) => name === "WaitForParquet").length;
    assert.ok(waits > 15 && waits < 60, String(waits));
  });

  it("runs the job when it is due, and then counts as new rows those that arrived", async () => {
    const { run, seen } = world([checked({ jobDue: true, why: "interval", nextJobAt: null })]);
    const { visited } = await run({ scheduled: true });
    assert.deepEqual(visited, [
      ...CHECKED,
      ...["TransformEvents", "ReadReport", "HowToRepair", "RepairPartitions", "VerifyTables", "ReadCounts"],
      ...["IsVerified", "RecordMetrics", "IsMailDue", "NotifySuccess", "PipelineSucceeded"],
    ]);
    assert.match(String(seen.RepairPartitions?.[0]?.QueryString), /^ALTER TABLE curated_events ADD/);
    assert.match(String(seen.VerifyTables?.[0]?.QueryString), / FROM curated_events WHERE /);
    assert.equal((seen.RecordMetrics?.[0]?.MetricData as { Value: number }[] | undefined)?.[0]?.Value, 1234);
  });

  it("crawls the job's table after the job, and nothing where only events arrived", async () => {
    const due = world([checked({ jobDue: true, why: "interval", nextJobAt: null })]);
    const { visited } = await due.run({ scheduled: true }, CRAWLING_ARRIVAL);
    assert.deepEqual(visited, [
      ...CHECKED,
      ...["TransformEvents", "ReadReport", "HowToRepair", "RepairPartitions", "CrawlTable", "WaitForCrawl"],
      ...["ReadCrawl", "IsCrawled", "VerifyTables", "ReadCounts", "IsVerified"],
      ...["RecordMetrics", "IsMailDue", "NotifySuccess", "PipelineSucceeded"],
    ]);
    assert.deepEqual(due.seen.CrawlTable, [{ Name: "CRAWLER" }]);
    for (const input of [{}, { fullRepair: true }]) {
      const arrived = world([checked()], { CrawlTable: fails("NotAsked") });
      const { visited: all, status } = await arrived.run(input, CRAWLING_ARRIVAL);
      assert.equal(status, "SUCCEEDED");
      assert.deepEqual(all, (await world([checked()]).run(input)).visited);
    }
  });

  it("always runs the job for a reprocess, and checks what arrived after a wait for the ingest", async () => {
    const reprocess = { from: "2026-11-20", to: "2026-11-20" };
    assert.equal((await world([checked()]).run({ reprocess })).visited[4], "TransformEvents");
    const sent = { since: "2026-11-21T08:00:00.000Z", batch: "batch-0001", records: 3 };
    const { visited } = await world([checked()]).run({ sent });
    assert.deepEqual(visited.slice(5, 8), ["AwaitIngest", "IsIngested", "CheckArrival"]);
  });

  it("registers all partitions of the job's table on request, then what arrived", async () => {
    const { run, seen } = world([checked()]);
    const { visited } = await run({ fullRepair: true });
    assert.deepEqual(visited.slice(6, 10), [
      "RepairAllPartitions",
      "IsRepaired",
      "HasAnythingArrived",
      "RepairArrived",
    ]);
    assert.equal(seen.RepairAllPartitions?.[0]?.QueryString, "MSCK REPAIR TABLE curated_events");
    const { visited: quiet } = await world([checked({}, NOTHING)]).run({ fullRepair: true });
    assert.deepEqual(quiet.slice(6, 9), ["RepairAllPartitions", "IsRepaired", "RecordMetrics"]);
  });

  it("has no statement for objects without a row", async () => {
    const { visited } = await world([checked({}, { rows: 0, dates: NOTHING.dates, partitions: [] })]).run();
    assert.deepEqual(visited, [...CHECKED, "HasAnythingArrived", "KeepArrival", ...MAILED]);
  });

  it("reports lines that the ingest quarantined if nothing else arrived", async () => {
    const quarantined = { objects: 1, lines: 2, reasons: { not_json: 2 } };
    const { run, seen } = world([checked({}, { ...NOTHING, quarantined })]);
    const { visited, output } = await run({ scheduled: true });
    assert.deepEqual(visited, [...CHECKED, "HasAnythingArrived", "KeepArrival", ...MAILED]);
    const { report } = output as { report: Record<string, unknown> };
    assert.deepEqual([report.curated, report.quarantined, report.duplicates], [0, 2, 0]);
    assert.doesNotMatch(textOf(seen.NotifyArrived?.[0]), /FRESHNESS/);
  });

  it("fails if rows are missing, or if the view has an id twice, and keeps no cursor", async () => {
    const counts = (rows: string, copies: string) => () => ({
      ResultSet: {
        Rows: [{}, { Data: [{ VarCharValue: rows }, { VarCharValue: "9" }, { VarCharValue: copies }, {}] }],
      },
    });
    const few = world([checked()], { ReadArrivedCounts: counts("1200", "0") });
    const { visited, error } = await few.run();
    assert.deepEqual(visited, [...CHECKED, "HasAnythingArrived", ...VERIFIED, "RejectArrived", ...FAILED]);
    assert.equal(error, "CountsDiffer");
    const mail = textOf(few.seen.NotifyFailure?.[0]);
    assert.match(mail, /FAILED in VerifyArrived/);
    assert.match(
      mail.replace(/\s+/g, " "),
      /reported 1,234 rows of 3 raw objects, but the table arrived_events shows 1,200/,
    );
    assert.match(mail, /done {6}partitions registered\n {2}FAILED {4}rows of the arrived objects counted/);
    const twice = world([checked()], { ReadArrivedCounts: counts("1234", "2") });
    assert.equal((await twice.run()).status, "FAILED");
    assert.match(
      textOf(twice.seen.NotifyFailure?.[0]).replace(/\s+/g, " "),
      /The view events has 2 rows whose event_id it has already on the same day/,
    );
  });

  for (const [state, step] of [
    ["CheckArrival", "check for arrived objects"],
    ["RepairArrived", "partitions registered"],
    ["VerifyArrived", "rows of the arrived objects counted"],
    ["ReadArrivedCounts", "rows of the arrived objects counted"],
  ] as const) {
    it(`says by mail what it means that ${state} failed, and how to go on`, async () => {
      const { run, seen } = world([checked()], { [state]: fails("Some.Error", "the cause in words") });
      const { status } = await run({ simulate: undefined });
      assert.equal(status, "FAILED");
      const mail = textOf(seen.NotifyFailure?.[0]);
      assert.match(mail, new RegExp(`FAILED in ${state.replace("ReadArrivedCounts", "VerifyArrived")}`));
      assert.match(mail, /CAUSE\n {2}the cause in words/);
      assert.match(mail, new RegExp(`FAILED {4}${step}`));
      assert.match(mail, /--input '\{\}'/);
      assert.match(mail, /WHAT THIS MEANS\n {2}\w/);
    });
  }

  it("reports a cursor that cannot be kept, and a mail that cannot be sent", async () => {
    const kept = world([checked()], { KeepArrival: fails("Lambda.Unknown") });
    assert.equal((await kept.run()).status, "FAILED");
    assert.match(
      textOf(kept.seen.NotifyFailure?.[0]),
      /The next execution checks\s+the same\s+objects again/,
    );
    const mailed = world([checked()], { NotifyArrived: fails("SNS.NotFoundException") });
    assert.equal((await mailed.run()).status, "FAILED");
    assert.match(textOf(mailed.seen.NotifyFailure?.[0]), /Only the success mail could not be\s+sent/);
  });

  it("carries the largest answer of check-arrival", async () => {
    const names = Array.from({ length: 1000 }, (_, n) => n.toString(16).padStart(16, "0"));
    const partitions = Array.from({ length: 500 }, (_, n) =>
      new Date(Date.UTC(2020, 0, 1) + n * 86_400_000).toISOString().slice(0, 10),
    );
    const dates = { count: 501, first: "2019-12-31", last: partitions.at(-1) };
    const keep = { keep: "x".repeat(120_000), etag: '"e"' };
    const { run, seen } = world([checked({ keep }, { names, partitions, dates })]);
    assert.equal((await run()).status, "SUCCEEDED");
    assert.match(
      String(seen.VerifyArrived?.[0]?.QueryString),
      /event_date BETWEEN DATE '2019-12-31' AND DATE '2021-05-14'/,
    );
  });

  it("has no state of the other ways, and they have none of these", () => {
    assert.equal("LookForNew" in ARRIVAL.States, false);
    assert.equal(JSON.stringify(ARRIVAL).includes("LOOK_FOR_NEW_ARN"), false);
  });
});
