import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { CRAWLING, DEFINITION, evaluate, type State, state } from "./pipeline";

/** It has no type declarations. */
const validate = createRequire(__filename)("asl-validator") as (definition: unknown) => {
  isValid: boolean;
  errors: unknown[];
};
const tasks = Object.entries(CRAWLING.States).filter(([, { Type }]) => Type === "Task");

/** Where a state can go to, its catches left out. */
const next = ({ Next, Default, Choices }: State) =>
  [Next, Default, ...(Choices ?? []).map((choice) => choice.Next)].filter((name) => name !== undefined);

function reaches(from: string, to: string): boolean {
  const seen = new Set<string>();
  const open = [from];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === to) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    open.push(...next(state(name)));
  }
  return false;
}

/** Tasks after whose failure the execution goes on. */
const GOES_ON = ["RecordMetrics", "LookForNew"];

const QUIET = {
  request: {},
  inputProblems: [],
  simulated: {},
  sent: {},
  awaited: {},
  lookedFor: {},
  waitingSince: 0,
  polls: 0,
  jobWaits: 0,
  waitingForJobSince: 0,
  report: {},
  verification: {},
  failure: {},
};

async function choose(name: string, variables: Record<string, unknown>): Promise<string | undefined> {
  const { Choices = [], Default } = state(name);
  for (const choice of Choices) {
    if ((await evaluate(choice.Condition, { ...QUIET, ...variables })) === true) return choice.Next;
  }
  return Default;
}

describe("statemachine/pipeline", () => {
  it("is accepted by asl-validator", () => {
    for (const definition of [DEFINITION, CRAWLING]) {
      const { isValid, errors } = validate(definition);
      assert.deepEqual({ isValid, errors }, { isValid: true, errors: [] });
    }
  });

  it("gives every task a timeout, and retries with full jitter, a longest delay and an end", () => {
    for (const [name, task] of tasks) {
      assert.ok(Number.isInteger(task.TimeoutSeconds) && (task.TimeoutSeconds ?? 0) > 0, name);
      assert.ok((task.Retry ?? []).length > 0, name);
      for (const retry of task.Retry ?? []) {
        assert.equal(retry.JitterStrategy, "FULL", name);
        assert.ok(retry.MaxDelaySeconds > 0 && retry.MaxAttempts > 0, name);
      }
    }
    assert.equal(DEFINITION.TimeoutSeconds, 30000);
  });

  it("retries nothing that would fail again", () => {
    const lasting = [
      "States.ALL",
      "States.TaskFailed",
      "States.Timeout",
      "InvalidInput",
      "States.Permissions",
    ];
    const retried = tasks.flatMap(([, { Retry = [] }]) => Retry.flatMap(({ ErrorEquals }) => ErrorEquals));
    assert.deepEqual(
      retried.filter((error) => lasting.includes(error)),
      [],
    );
  });

  it("catches every error of every task into the failure mail, naming the state that failed", async () => {
    const named = new Map([
      ["ReadCounts", "VerifyTables"],
      ["ReadCrawl", "CrawlTable"],
    ]);
    for (const [name, { Catch = [] }] of tasks) {
      // AWS: States.ALL must stand alone and last, and catches neither of the two.
      const [terminal, all] = Catch.slice(-2);
      assert.deepEqual(terminal?.ErrorEquals, ["States.DataLimitExceeded", "States.Runtime"], name);
      assert.deepEqual(all?.ErrorEquals, ["States.ALL"], name);
      assert.deepEqual({ ...terminal, ErrorEquals: [] }, { ...all, ErrorEquals: [] }, name);
      if (name === "NotifyFailure") {
        assert.equal(all?.Next, "PipelineFailed");
        continue;
      }
      if (GOES_ON.includes(name)) continue;
      assert.ok(reaches(all?.Next ?? "", "NotifyFailure"), `${name} does not reach NotifyFailure`);
      const errorOutput = { Error: "X", Cause: "c" };
      const caught = await evaluate(all?.Assign?.failure, QUIET, { errorOutput }, { state: name });
      assert.deepEqual(caught, { state: named.get(name) ?? name, error: "X", cause: "c" });
    }
  });

  it("ends as failed once the failure mail is sent, and without a cause of AWS's as well", async () => {
    assert.deepEqual(next(state("NotifyFailure")), ["PipelineFailed"]);
    assert.equal(state("PipelineFailed").Type, "Fail");
    const caught = state("TransformEvents").Catch?.at(-1)?.Assign;
    const errorOutput = { Error: "States.Timeout" };
    assert.deepEqual(await evaluate(caught, QUIET, { errorOutput }, { state: "TransformEvents" }), {
      failure: { state: "TransformEvents", error: "States.Timeout", cause: "" },
    });
  });

  it("records the figures of a verified run as metrics of the stack, a reprocess's rows not as new ones", async () => {
    const report = { curated: 5, quarantined: 2, duplicates: 1, seconds: 12.5, reprocess: null };
    const { Arguments } = state("RecordMetrics");
    const metric = (MetricName: string, Unit: string, Value: number) => ({
      MetricName,
      Unit,
      Value,
      Dimensions: [{ Name: "Stack", Value: "shop-dev" }],
    });
    assert.deepEqual(await evaluate(Arguments, { ...QUIET, report }), {
      Namespace: "Clickstream",
      MetricData: [metric("RowsCurated", "Count", 5), metric("RunSeconds", "Seconds", 12.5)],
    });
    const quiet = (await evaluate(Arguments, {
      ...QUIET,
      report: { ...report, outcome: "nothing_new" },
    })) as {
      MetricData: unknown[];
    };
    assert.deepEqual(quiet.MetricData, [metric("RunSeconds", "Seconds", 12.5)]);
    const rebuilt = { ...report, reprocess: { from: "2026-01-01", to: "2026-01-02" } };
    const { MetricData } = (await evaluate(Arguments, { ...QUIET, report: rebuilt })) as {
      MetricData: { Value: number }[];
    };
    assert.equal(MetricData[0]?.Value, 0);
  });

  it("sends the success mail whether or not the metrics could be recorded", () => {
    const { Next, Catch = [] } = state("RecordMetrics");
    assert.deepEqual(
      Catch.map(({ ErrorEquals, Next, Assign }) => [ErrorEquals, Next, Assign]),
      [
        [["States.DataLimitExceeded", "States.Runtime"], "IsMailDue", undefined],
        [["States.ALL"], "IsMailDue", undefined],
      ],
    );
    assert.equal(Next, "IsMailDue");
  });

  it("passes its name to the Lambdas, for their logs", async () => {
    const simulate = { events: 5 };
    const sent = { since: "2026-11-21T09:00:00Z", shards: {} };
    const payload = async (name: string, variables: Record<string, unknown>) =>
      ((await evaluate(state(name).Arguments, { ...QUIET, ...variables })) as { Payload: unknown }).Payload;
    assert.deepEqual(await payload("SimulateTraffic", { request: { simulate } }), {
      ...simulate,
      execution: "run-1",
    });
    assert.deepEqual(await payload("AwaitIngest", { sent }), { ...sent, execution: "run-1" });
    assert.deepEqual(await payload("LookForNew", {}), { execution: "run-1" });
  });

  it("passes the run's name and the days to reprocess to the job", async () => {
    const { Arguments } = state("TransformEvents");
    assert.deepEqual(await evaluate(Arguments, QUIET), {
      JobName: "JOB",
      Arguments: { "--execution": "run-1", "--reprocess_from": "none", "--reprocess_to": "none" },
    });
    const request = { reprocess: { from: "2026-01-01", to: "2026-01-02" } };
    assert.deepEqual(await evaluate(Arguments, { ...QUIET, request }), {
      JobName: "JOB",
      Arguments: {
        "--execution": "run-1",
        "--reprocess_from": "2026-01-01",
        "--reprocess_to": "2026-01-02",
      },
    });
  });

  it("waits for another run of the job instead of failing, a minute at most between two tries", async () => {
    const waits = async (jobWaits: number) =>
      Promise.all(
        Array.from({ length: 50 }, () => evaluate(state("WaitForJob").Seconds, { ...QUIET, jobWaits })),
      ) as Promise<number[]>;
    const [first, later] = [await waits(1), await waits(40)];
    assert.ok(Math.min(...first) >= 1 && Math.max(...first) <= 10, `${first}`);
    assert.ok(Math.min(...later) >= 1 && Math.max(...later) <= 60, `${later}`);
    // Two that wait do not ask at the same moments.
    assert.ok(new Set(later).size > 5, `${later}`);
  });

  it("simulates, waits, looks for new events or goes straight to the job, as the input says", async () => {
    assert.equal(await choose("WhatToDo", { request: {} }), "LookForNew");
    assert.equal(await choose("WhatToDo", { request: { simulate: {} } }), "SimulateTraffic");
    assert.equal(await choose("WhatToDo", { request: { sent: {} } }), "KeepSent");
    assert.equal(await choose("WhatToDo", { request: { scheduled: true } }), "LookForNew");
    // What a reprocess takes is not new.
    const reprocess = { from: "2026-01-01", to: "2026-01-02" };
    assert.equal(await choose("WhatToDo", { request: { reprocess } }), "TransformEvents");
    assert.equal(await choose("WhatToDo", { request: { reprocess, sent: {} } }), "KeepSent");
    const ingested = { awaited: { ingested: true }, request: { reprocess, sent: {} } };
    assert.equal(await choose("IsIngested", ingested), "TransformEvents");
    assert.equal(await choose("IsInputRight", { inputProblems: ["Wrong."] }), "RejectInput");
    assert.equal(await choose("IsInputRight", {}), "KeepInput");
  });

  it("waits until all events are ingested, up to the configured time", async () => {
    const since = Date.parse("2026-11-21T09:00:24.000Z");
    const pending = { ingested: false, pending: ["s"], failedBatches: 0 };
    const at = (seconds: number) => ({ awaited: pending, waitingSince: since - seconds * 1000 });
    assert.equal(await choose("IsIngested", at(899)), "WaitForIngest");
    assert.equal(await choose("IsIngested", at(901)), "GiveUpWaiting");
    assert.equal(await choose("IsIngested", { awaited: { ingested: true } }), "LookForNew");
  });

  it("starts the job unless it is sure that nothing is new", async () => {
    assert.equal(await choose("IsAnythingNew", { lookedFor: { new: true } }), "TransformEvents");
    assert.equal(await choose("IsAnythingNew", { lookedFor: {} }), "TransformEvents");
    const quiet = { lookedFor: { new: false } };
    assert.equal(await choose("IsAnythingNew", quiet), "RecordMetrics");
    const repair = { ...quiet, request: { fullRepair: true } };
    assert.equal(await choose("IsAnythingNew", repair), "RepairAllPartitions");
  });

  it("looks with the job itself if the check fails, and keeps the error for the mail", async () => {
    const { Catch = [] } = state("LookForNew");
    assert.deepEqual(
      Catch.map(({ ErrorEquals, Next }) => [ErrorEquals, Next]),
      [
        [["States.DataLimitExceeded", "States.Runtime"], "TransformEvents"],
        [["States.ALL"], "TransformEvents"],
      ],
    );
    const errorOutput = { Error: "AccessDenied", Cause: "x".repeat(100_000) };
    for (const { Assign } of Catch) {
      assert.deepEqual(await evaluate(Assign, QUIET, { errorOutput }), {
        lookedFor: { error: "AccessDenied" },
      });
    }
  });

  it("leaves out the mail only for the schedule's execution that found nothing and has no warning", async () => {
    const report = { outcome: "nothing_new", given_up_batches: 0, unreadable_lines: 0 };
    const quiet = { request: { scheduled: true }, report, lookedFor: { new: false } };
    assert.equal(await choose("IsMailDue", quiet), "NothingNew");
    assert.equal(await choose("IsMailDue", { ...quiet, lookedFor: { new: true } }), "NothingNew");
    assert.equal(await choose("IsMailDue", { ...quiet, request: {} }), "NotifySuccess");
    assert.equal(await choose("IsMailDue", { ...quiet, request: { scheduled: false } }), "NotifySuccess");
    for (const changed of [{ outcome: "processed" }, { given_up_batches: 1 }]) {
      assert.equal(
        await choose("IsMailDue", { ...quiet, report: { ...report, ...changed } }),
        "NotifySuccess",
      );
    }
    const failed = { ...quiet, lookedFor: { error: "AccessDenied" } };
    assert.equal(await choose("IsMailDue", failed), "NotifySuccess");
  });

  it("repairs just the days of the run, all of them where asked or where they are many, none where none", async () => {
    const days = (count: number) => ({
      report: {
        dates: { count },
        partitions: Array.from({ length: count }, () => "2026-01-01"),
      },
    });
    assert.equal(await choose("HowToRepair", days(0)), "RecordMetrics");
    assert.equal(await choose("HowToRepair", days(1)), "RepairPartitions");
    assert.equal(await choose("HowToRepair", days(500)), "RepairPartitions");
    assert.equal(await choose("HowToRepair", days(501)), "RepairAllPartitions");
    assert.equal(
      await choose("HowToRepair", { ...days(0), request: { fullRepair: true } }),
      "RepairAllPartitions",
    );
  });

  it("repairs all days where the report is missing, and then fails", async () => {
    assert.equal(state("ReadReport").Catch?.[0]?.Next, "RepairAllPartitions");
    assert.equal(await choose("IsRepaired", { failure: { state: "ReadReport" } }), "ExplainFailure");
    assert.equal(await choose("IsRepaired", { report: { dates: { count: 1 } } }), "VerifyTables");
    assert.equal(await choose("IsRepaired", { report: { dates: { count: 0 } } }), "RecordMetrics");
  });

  it("writes the statements that Athena is to run", async () => {
    const dates = { count: 2, first: "2026-01-31", last: "2026-02-01" };
    let report = { dates, partitions: [dates.first, dates.last], processed_at: "2026-02-01 03:04:05.678" };
    const query = async (name: string) =>
      ((await evaluate(state(name).Arguments, { ...QUIET, report })) as { QueryString: string }).QueryString;
    assert.equal(
      await query("RepairPartitions"),
      "ALTER TABLE events ADD IF NOT EXISTS PARTITION (event_date = '2026-01-31') PARTITION (event_date = '2026-02-01')",
    );
    assert.equal(await query("RepairAllPartitions"), "MSCK REPAIR TABLE events");
    assert.equal(
      await query("VerifyTables"),
      "SELECT count(*) AS rows_found, count(DISTINCT (event_id, event_date)) AS ids_found FROM events " +
        "WHERE event_date IN (DATE '2026-01-31', DATE '2026-02-01') AND processed_at = TIMESTAMP '2026-02-01 03:04:05.678'",
    );
    // Days decades apart: not the days between them.
    const first = Date.UTC(1990, 0, 1);
    const partitions = Array.from({ length: 5000 }, (_, n) =>
      new Date(first + n * 2 * 86_400_000).toISOString().slice(0, 10),
    );
    report = {
      ...report,
      partitions,
      dates: { count: 5000, first: "1990-01-01", last: partitions.at(-1) ?? "" },
    };
    const many = await query("VerifyTables");
    assert.doesNotMatch(many, /BETWEEN/);
    assert.equal(many.match(/DATE '/g)?.length, 5000);
    assert.ok(many.length < 100_000, `${many.length}`);
    report = {
      ...report,
      partitions: [dates.first, dates.last],
      dates: { ...dates, count: 20_000 },
    };
    assert.equal(
      await query("VerifyTables"),
      "SELECT count(*) AS rows_found, count(DISTINCT (event_id, event_date)) AS ids_found FROM events " +
        "WHERE event_date BETWEEN DATE '2026-01-31' AND DATE '2026-02-01' AND processed_at = TIMESTAMP '2026-02-01 03:04:05.678'",
    );
  });

  it("accepts the run only if Athena counts what the report says", async () => {
    const counted = (rows: number, ids: number) =>
      choose("IsVerified", { report: { written: 5 }, verification: { rows, ids } });
    assert.equal(await counted(5, 5), "RecordMetrics");
    assert.equal(await counted(4, 4), "RejectTables");
    assert.equal(await counted(5, 4), "RejectTables");
  });

  it("reads the counts from Athena's text", async () => {
    const ResultSet = {
      Rows: [
        { Data: [{ VarCharValue: "rows_found" }, { VarCharValue: "ids_found" }] },
        { Data: [{ VarCharValue: "12" }, { VarCharValue: "11" }] },
      ],
    };
    assert.deepEqual(await evaluate(state("ReadCounts").Assign, QUIET, { result: { ResultSet } }), {
      verification: { rows: 12, ids: 11 },
    });
  });

  it("ends with the report and what was simulated", async () => {
    const { Output } = state("NotifySuccess");
    const report = { curated: 1 };
    assert.deepEqual(await evaluate(Output, { ...QUIET, report }), {
      execution: "run-1",
      report,
      simulated: null,
    });
    const simulated = { events: 3 };
    assert.deepEqual(await evaluate(Output, { ...QUIET, report, simulated }), {
      execution: "run-1",
      report,
      simulated,
    });
  });
});
