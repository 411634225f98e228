// A table of executions: the input, what goes wrong, the states visited, the mail. The walk has AWS's size limits.
import assert from "node:assert/strict";
import { StatesError, type Tasks, walk } from "./interpreter";
import { DEFINITION } from "./pipeline";

const MAX_BYTES = 256 * 1024;

/** The summary that the job leaves of a run that wrote to `count` days. */
function summary(count = 2): Record<string, unknown> {
  const first = Date.UTC(1980, 0, 1);
  const days = Array.from({ length: count }, (_, n) =>
    new Date(first + n * 86_400_000).toISOString().slice(0, 10),
  );
  return {
    outcome: count === 0 ? "nothing_new" : "processed",
    seconds: 18.2,
    raw: { objects: 4, bytes: 217500, lines: 1991 },
    ...{ curated: 1980, written: 1980, recovered: 0, duplicates: 8, redelivered: 3, quarantined: 12 },
    quarantine_reasons: { not_json: 12 },
    quarantine_reasons_left_out: { reasons: 0, lines: 0 },
    dates: { count, first: days[0] ?? null, last: days.at(-1) ?? null },
    partitions: count > 5000 ? [...days.slice(0, 10), ...days.slice(-10)] : days,
    ...{ files: 2, curated_bytes: 98304, reprocess: null, processed_at: "2026-11-21 09:00:10.000" },
  };
}

interface Mail {
  topic: unknown;
  subject: string;
  message: string;
}

/** What AWS answers when nothing goes wrong; refuses what AWS refuses. */
function world(
  changed: Tasks = {},
  report: unknown = summary(),
): { tasks: Tasks; mails: Mail[]; metrics: unknown[] } {
  const mails: Mail[] = [];
  const metrics: unknown[] = [];
  const publish = ({ TopicArn: topic, Subject, Message }: Record<string, unknown>) => {
    const [subject, message] = [String(Subject), String(Message)];
    if (!/^[\x20-\x7e]{1,100}$/.test(subject) || Buffer.byteLength(message) > MAX_BYTES) {
      throw new StatesError("SNS.InvalidParameterException", subject);
    }
    mails.push({ topic, subject, message });
    return { MessageId: "m" };
  };
  const query = ({ QueryString }: Record<string, unknown>) => {
    if (String(QueryString).length > 262_144) throw new StatesError("Athena.InvalidRequestException");
    return { QueryExecution: { QueryExecutionId: "q", Query: QueryString, Status: { State: "SUCCEEDED" } } };
  };
  const row = (...values: unknown[]) => ({ Data: values.map((value) => ({ VarCharValue: String(value) })) });
  const tasks: Tasks = {
    SimulateTraffic: () => ({
      Payload: { events: 20, startedAt: "2026-11-21T09:00:00.000Z", shards: { "shardId-000000000000": "5" } },
    }),
    AwaitIngest: () => ({ Payload: { ingested: true, pending: [], failedBatches: 0 } }),
    TransformEvents: () => ({ Id: "jr", JobRunState: "SUCCEEDED" }),
    ReadReport: ({ Key }) => {
      assert.equal(Key, "runs/summaries/run-1.json");
      return { Body: typeof report === "string" ? report : JSON.stringify(report), ContentType: "json" };
    },
    RepairPartitions: query,
    RepairAllPartitions: query,
    VerifyTables: query,
    ReadCounts: () => ({ ResultSet: { Rows: [row("rows_found", "ids_found"), row(1980, 1980)] } }),
    RecordMetrics: (given) => {
      metrics.push(given);
      return {};
    },
    NotifySuccess: publish,
    NotifyFailure: publish,
    ...changed,
  };
  return { tasks, mails, metrics };
}

const BUSY = "Glue.ConcurrentRunsExceededException";
const fails =
  (error: string, cause = "why") =>
  () => {
    throw new StatesError(error, cause);
  };
/** The job is taken this many times, then free. */
const busy = (times: number) => {
  let left = times;
  return () => {
    left -= 1;
    if (left >= 0) throw new StatesError(BUSY, "Concurrent runs exceeded for JOB");
    return { JobRunState: "SUCCEEDED" };
  };
};
const shards = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`shardId-${String(n).padStart(12, "0")}`, "4".repeat(56)]),
  );

const CHECKED = ["CheckInput", "IsInputRight", "KeepInput", "WhatToDo"];
const REJECTED = [
  "CheckInput",
  "IsInputRight",
  "RejectInput",
  "ExplainFailure",
  "NotifyFailure",
  "PipelineFailed",
];
const REPORTED = ["ReadReport", "HowToRepair"];
const VERIFIED = [
  "VerifyTables",
  "ReadCounts",
  "IsVerified",
  "RecordMetrics",
  "NotifySuccess",
  "PipelineSucceeded",
];
const FAILED = ["ExplainFailure", "NotifyFailure", "PipelineFailed"];

interface Scenario {
  title: string;
  input?: unknown;
  tasks?: Tasks;
  report?: unknown;
  visits: string[];
  /** What the only mail says; none where there is none. */
  mail?: RegExp;
  succeeds?: boolean;
}

const SCENARIOS: Scenario[] = [
  {
    title: "a run with new events",
    visits: [...CHECKED, "TransformEvents", ...REPORTED, "RepairPartitions", ...VERIFIED],
    mail: /1,980 events curated/,
    succeeds: true,
  },
  {
    title: "a run that finds nothing new",
    report: summary(0),
    visits: [
      ...CHECKED,
      "TransformEvents",
      ...REPORTED,
      "RecordMetrics",
      "NotifySuccess",
      "PipelineSucceeded",
    ],
    mail: /nothing new/,
    succeeds: true,
  },
  {
    title: "a run that wrote to 5,000 days, all named",
    report: summary(5000),
    visits: [...CHECKED, "TransformEvents", ...REPORTED, "RepairAllPartitions", "IsRepaired", ...VERIFIED],
    mail: /in 5,000 daily partitions[\s\S]*\n {2}\.\.\. 4,980 more \.\.\.\n/,
    succeeds: true,
  },
  {
    title: "a run that wrote to 20,000 days",
    report: summary(20_000),
    visits: [...CHECKED, "TransformEvents", ...REPORTED, "RepairAllPartitions", "IsRepaired", ...VERIFIED],
    mail: /in 20,000 daily partitions/,
    succeeds: true,
  },
  {
    title: "the schedule's execution that finds the job busy",
    input: { scheduled: true },
    tasks: { TransformEvents: busy(1) },
    visits: [...CHECKED, "TransformEvents", "IsJobBusy", "PipelineSkipped"],
    succeeds: true,
  },
  {
    title: "the schedule's execution that finds the job free",
    input: { scheduled: true },
    visits: [...CHECKED, "TransformEvents", ...REPORTED, "RepairPartitions", ...VERIFIED],
    mail: /1,980 events curated/,
    succeeds: true,
  },
  {
    title: "a person's execution that waits for the job twice",
    tasks: { TransformEvents: busy(2) },
    visits: [
      ...CHECKED,
      ...["TransformEvents", "IsJobBusy", "WaitForJob", "TransformEvents", "IsJobBusy", "WaitForJob"],
      ...["TransformEvents", ...REPORTED, "RepairPartitions", ...VERIFIED],
    ],
    mail: /1,980 events curated/,
    succeeds: true,
  },
  {
    title: "a report that is too large",
    report: JSON.stringify({ ...summary(), retired: "x".repeat(MAX_BYTES) }),
    visits: [...CHECKED, "TransformEvents", "ReadReport", "RepairAllPartitions", "IsRepaired", ...FAILED],
    mail: /FAILED in ReadReport[\s\S]*\(States\.DataLimitExceeded\)[\s\S]*All partitions were registered/,
  },
  {
    title: "a report that is too large only once its quotes are escaped",
    report: JSON.stringify({ ...summary(), retired: '"'.repeat(MAX_BYTES / 4) }),
    visits: [...CHECKED, "TransformEvents", "ReadReport", "RepairAllPartitions", "IsRepaired", ...FAILED],
    mail: /States\.DataLimitExceeded/,
  },
  {
    title: "a report that is not what the job writes",
    report: '{"version":1}',
    visits: [...CHECKED, "TransformEvents", "ReadReport", "RepairAllPartitions", "IsRepaired", ...FAILED],
    mail: /FAILED in ReadReport[\s\S]*The run summary has an unexpected form/,
  },
  {
    title: "as many shards as an input may name",
    input: { sent: { since: "2026-11-21T09:00:00Z", shards: shards(1400) } },
    tasks: {
      AwaitIngest: () => ({
        Payload: { ingested: false, pending: Object.keys(shards(1400)), failedBatches: 0 },
      }),
    },
    visits: [...CHECKED, "KeepSent", "AwaitIngest", "IsIngested", "...", "GiveUpWaiting", ...FAILED],
    mail: /FAILED in AwaitIngest[\s\S]*IngestTimedOut[\s\S]*shardId-000000001399/,
  },
  {
    title: "more shards than an input may name",
    input: { sent: { since: "2026-11-21T09:00:00Z", shards: shards(3000) } },
    visits: REJECTED,
    mail: /FAILED in CheckInput[\s\S]*120,000\s+characters at most/,
  },
  {
    title: "the longest input that AWS takes, of unknown keys",
    input: Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`key-${n}-${"k".repeat(35)}`, 1])),
    visits: REJECTED,
    mail: /FAILED in CheckInput[\s\S]*4990\s+other\s+keys\s+are\s+not\s+known\s+either/,
  },
  {
    title: "the longest input that AWS takes, no object",
    input: "\u{1f600}".repeat(65_000),
    visits: REJECTED,
    mail: /The input must be a JSON object/,
  },
];

/** The loop of a long wait is one "...". */
const withoutLoops = (visited: string[]) => {
  const loop = ["WaitForIngest", "AwaitIngest", "IsIngested"];
  const first = visited.indexOf("WaitForIngest");
  if (first < 0) return visited;
  const last = visited.lastIndexOf("IsIngested");
  assert.ok(visited.slice(first, last + 1).every((name) => loop.includes(name)));
  return [...visited.slice(0, first), "...", ...visited.slice(last + 1)];
};

describe("statemachine, whole executions", () => {
  for (const { title, input = {}, tasks, report, visits, mail, succeeds = false } of SCENARIOS) {
    it(title, async () => {
      const { tasks: all, mails, metrics } = world(tasks, report);
      const walked = await walk(input, all);
      assert.deepEqual(withoutLoops(walked.visited), visits);
      assert.equal(walked.status, succeeds ? "SUCCEEDED" : "FAILED", walked.cause);
      assert.deepEqual(
        mails.map(({ topic }) => topic),
        mail ? [succeeds ? "SUCCESS_TOPIC" : "FAILURE_TOPIC"] : [],
      );
      if (mail) assert.match(`${mails[0]?.subject}\n${mails[0]?.message}`, mail);
      // The alarm on no success counts these: an execution that did nothing must not record any.
      assert.equal(metrics.length, visits.includes("RecordMetrics") ? 1 : 0);
    });
  }

  it("says of the schedule's execution that it left the work to another", async () => {
    const { tasks } = world({ TransformEvents: busy(1) });
    assert.deepEqual((await walk({ scheduled: true }, tasks)).output, {
      execution: "run-1",
      skipped: "The job was busy with another execution's run.",
    });
  });

  it("gives up on a job that stays busy, after two runs' time", async () => {
    const { tasks, mails } = world({ TransformEvents: busy(Number.POSITIVE_INFINITY) });
    const { visited, status } = await walk({}, tasks);
    assert.equal(status, "FAILED");
    assert.deepEqual(visited.slice(-5), ["IsJobBusy", "GiveUpOnJob", ...FAILED]);
    assert.match(mails[0]?.message ?? "", /It takes\s+one\s+run at a time\.[\s\S]*\(JobBusy\)/);
    // 9,000 seconds, half a minute a try on average; each try is nine events of the 25,000 that a history may have.
    assert.ok(visited.length < 3 * 1000, `${visited.length}`);
  });

  // That a catcher which names it gets States.Runtime is this interpreter's reading: AWS does not document it.
  for (const [name, { Type }] of Object.entries(DEFINITION.States)) {
    if (Type !== "Task" || name === "RecordMetrics" || name === "NotifyFailure") continue;
    const inputs: Record<string, unknown> = { RepairAllPartitions: { fullRepair: true } };
    const input = inputs[name] ?? { simulate: { events: 20 } };
    for (const error of ["States.DataLimitExceeded", "States.Runtime", "States.TaskFailed"]) {
      it(`sends the failure mail when ${name} ends with ${error}, however long the cause`, async () => {
        const cause = JSON.stringify({ ErrorMessage: '\u{1f600}"\\\n'.repeat(50_000) });
        const { tasks, mails } = world({ [name]: fails(error, cause) });
        const { status, error: shown } = await walk(input, tasks);
        assert.deepEqual([status, shown], ["FAILED", error]);
        assert.deepEqual(
          mails.map(({ topic }) => topic),
          ["FAILURE_TOPIC"],
        );
        assert.match(mails[0]?.message ?? "", new RegExp(`\\(${error}\\)`));
      });
    }
  }

  it("would end without a mail on States.ALL alone, as on AWS", async () => {
    const ReadReport = DEFINITION.States.ReadReport;
    assert.ok(ReadReport);
    const States = {
      ...DEFINITION.States,
      ReadReport: { ...ReadReport, Catch: ReadReport.Catch?.slice(-1) },
    };
    const { tasks, mails } = world({}, "x".repeat(MAX_BYTES));
    const { status, error, visited } = await walk({}, tasks, { ...DEFINITION, States });
    assert.deepEqual([status, error, visited.at(-1)], ["FAILED", "States.DataLimitExceeded", "ReadReport"]);
    assert.deepEqual(mails, []);
  });
});
