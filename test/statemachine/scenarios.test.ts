// A table of executions: the input, what goes wrong, the states visited, the mail. The walk has AWS's size limits.
import assert from "node:assert/strict";
import { StatesError, type Tasks, walk } from "./interpreter";
import { CRAWLING, DEFINITION, type Definition } from "./pipeline";

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
      Payload: {
        events: 20,
        sent: { since: "2026-11-21T09:00:00.000Z", shards: { "shardId-000000000000": "5" } },
      },
    }),
    AwaitIngest: () => ({ Payload: { ingested: true, pending: [], failedBatches: 0 } }),
    LookForNew: () => ({ Payload: { new: true, since: null, lastExecution: null, givenUpBatches: 0 } }),
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
    CrawlTable: () => ({}),
    ReadCrawl: crawled("READY", { Status: "SUCCEEDED" }),
    NotifySuccess: publish,
    NotifyFailure: publish,
    ...changed,
  };
  return { tasks, mails, metrics };
}

/** What GetCrawler answers. */
const crawled = (State: string, LastCrawl?: object) => () => ({
  Crawler: { Name: "CRAWLER", State, ...(LastCrawl && { LastCrawl }) },
});
const DENIED =
  "User: arn:aws:sts::1:assumed-role/r/AWS-Crawler is not authorized to perform: glue:BatchUpdatePartition on resource: arn:aws:glue:eu-west-1:1:table/lake_dev/events because no identity-based policy allows it";
const failedCrawl = (ErrorMessage: string) => crawled("READY", { Status: "FAILED", ErrorMessage });
/** The crawl runs for this many looks, then succeeds. */
const crawling = (looks: number) => {
  let left = looks;
  return () => {
    left -= 1;
    return left >= 0 ? crawled("RUNNING")() : crawled("READY", { Status: "SUCCEEDED" })();
  };
};

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
const LOOKED = [...CHECKED, "LookForNew", "IsAnythingNew"];
/** What the check answers if nothing is new. */
const quiet =
  (changed = {}) =>
  () => ({
    Payload: {
      new: false,
      since: "2026-11-21T08:06:00.123Z",
      lastExecution: "run-0",
      givenUpBatches: 0,
      ...changed,
    },
  });
const REPORTED = ["ReadReport", "HowToRepair"];
const VERIFIED = [
  "VerifyTables",
  "ReadCounts",
  "IsVerified",
  "RecordMetrics",
  "IsMailDue",
  "NotifySuccess",
  "PipelineSucceeded",
];
const QUIETLY = ["RecordMetrics", "IsMailDue", "NotifySuccess", "PipelineSucceeded"];
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
  /** The state machine, if it is not that of a stack without a crawler. */
  definition?: Definition;
}

const CRAWLED = ["CrawlTable", "WaitForCrawl", "ReadCrawl", "IsCrawled"];
const REGISTERED = [...LOOKED, "TransformEvents", ...REPORTED, "RepairPartitions"];
const crawls = (scenario: Omit<Scenario, "definition">): Scenario => ({
  ...scenario,
  title: `with a crawler: ${scenario.title}`,
  definition: CRAWLING,
});

const SCENARIOS: Scenario[] = [
  crawls({
    title: "the table is crawled after its days are registered and before they are verified",
    tasks: { ReadCrawl: crawling(3) },
    visits: [...REGISTERED, ...CRAWLED, ...VERIFIED],
    mail: /1,980 events curated/,
    succeeds: true,
  }),
  crawls({
    title: "a full repair crawls, also if nothing is new",
    input: { fullRepair: true },
    tasks: { LookForNew: quiet() },
    visits: [...LOOKED, "RepairAllPartitions", "IsRepaired", ...CRAWLED, ...QUIETLY],
    mail: /nothing new/,
    succeeds: true,
  }),
  crawls({
    title: "nothing is new, so nothing is crawled",
    tasks: { LookForNew: quiet(), CrawlTable: fails("NotAsked") },
    visits: [...LOOKED, ...QUIETLY],
    mail: /nothing new/,
    succeeds: true,
  }),
  crawls({
    title: "a repair that fails crawls nothing",
    report: "not JSON",
    tasks: { CrawlTable: fails("NotAsked") },
    visits: [...LOOKED, "TransformEvents", "ReadReport", "RepairAllPartitions", "IsRepaired", ...FAILED],
    mail: /failed in ReadReport/,
  }),
  crawls({
    title: "a crawl that may not move a registered day is as good as one that does not want to",
    tasks: { ReadCrawl: failedCrawl(DENIED) },
    visits: [...REGISTERED, ...CRAWLED, ...VERIFIED],
    mail: /1,980 events curated/,
    succeeds: true,
  }),
  crawls({
    title: "a crawl that lacks another right fails the execution, with the cause and the ways to go on",
    tasks: { ReadCrawl: failedCrawl(DENIED.replace("BatchUpdatePartition", "UpdateTable")) },
    visits: [...REGISTERED, ...CRAWLED, "RejectCrawl", ...FAILED],
    mail: /failed in CrawlTable[\s\S]*perform:\s+glue:UpdateTable\s+on[\s\S]*pulumi\s+up\s+restores\s+its\s+rights[\s\S]*crawler\s+false[\s\S]*\(CrawlFailed\)[\s\S]*done {6}partitions registered\n {2}FAILED {4}table crawled\n {2}not done {2}table checked[\s\S]*"fullRepair":true[\s\S]*aws logs tail \/aws-glue\/crawlers --log-stream-names CRAWLER/,
  }),
  crawls({
    title: "a crawl that somebody stopped fails the execution",
    tasks: { ReadCrawl: crawled("READY", { Status: "CANCELLED" }) },
    visits: [...REGISTERED, ...CRAWLED, "RejectCrawl", ...FAILED],
    mail: /CRAWLER\s+was\s+stopped[\s\S]*\(CrawlFailed\)/,
  }),
  crawls({
    title: "a crawl that does not end fails the execution",
    tasks: { ReadCrawl: crawled("RUNNING") },
    visits: [...REGISTERED, ...CRAWLED, "RejectCrawl", ...FAILED],
    mail: /still\s+runs\s+after\s+3600\s+seconds[\s\S]*\(CrawlTimedOut\)/,
  }),
  crawls({
    title: "a crawl of another execution is waited for",
    tasks: {
      CrawlTable: (() => {
        let left = 20;
        return () => {
          left -= 1;
          if (left >= 0) throw new StatesError("Glue.CrawlerRunningException", "running");
          return {};
        };
      })(),
    },
    visits: [...REGISTERED, ...CRAWLED, ...VERIFIED],
    mail: /1,980 events curated/,
    succeeds: true,
  }),
  {
    title: "a run with new events",
    visits: [...LOOKED, "TransformEvents", ...REPORTED, "RepairPartitions", ...VERIFIED],
    mail: /1,980 events curated/,
    succeeds: true,
  },
  {
    title: "a run that finds nothing new, which the check did not know",
    report: summary(0),
    visits: [...LOOKED, "TransformEvents", ...REPORTED, ...QUIETLY],
    mail: /nothing new/,
    succeeds: true,
  },
  {
    title: "an execution that finds nothing new",
    tasks: { LookForNew: quiet() },
    visits: [...LOOKED, ...QUIETLY],
    mail: /nothing new in \d+ s\n[\s\S]*since the last run\.[\s\S]*No Spark job was needed/,
    succeeds: true,
  },
  {
    title: "an execution in a lake that never had an event",
    tasks: { LookForNew: quiet({ since: null, lastExecution: null }) },
    visits: [...LOOKED, ...QUIETLY],
    mail: /No events have arrived yet\. The tables are empty\./,
    succeeds: true,
  },
  {
    title: "the schedule's execution that finds nothing new",
    input: { scheduled: true },
    tasks: { LookForNew: quiet() },
    visits: [...LOOKED, "RecordMetrics", "IsMailDue", "NothingNew"],
    succeeds: true,
  },
  {
    title: "the schedule's execution that finds nothing new, but batches that were given up",
    input: { scheduled: true },
    tasks: { LookForNew: quiet({ givenUpBatches: 2 }) },
    visits: [...LOOKED, ...QUIETLY],
    mail: /ATTENTION, 2 batches given up: nothing new/,
    succeeds: true,
  },
  {
    title: "a full repair that finds nothing new",
    input: { fullRepair: true },
    tasks: { LookForNew: quiet() },
    visits: [...LOOKED, "RepairAllPartitions", "IsRepaired", ...QUIETLY],
    mail: /nothing new/,
    succeeds: true,
  },
  {
    title: "a full repair that finds nothing new, and fails",
    input: { fullRepair: true },
    tasks: { LookForNew: quiet(), RepairAllPartitions: fails("Athena.InvalidRequestException") },
    visits: [...LOOKED, "RepairAllPartitions", ...FAILED],
    mail: /STEPS\n {2}done {6}check for new events: none, so no Spark job\n {2}FAILED {4}partitions registered\n/,
  },
  {
    title: "a reprocess, which does not look for anything new",
    input: { reprocess: { from: "2026-01-01", to: "2026-01-02" } },
    tasks: { LookForNew: fails("NotAsked") },
    visits: [...CHECKED, "TransformEvents", ...REPORTED, "RepairPartitions", ...VERIFIED],
    mail: /1,980 events curated/,
    succeeds: true,
  },
  {
    title: "a check that fails, so that the job looks itself",
    tasks: { LookForNew: fails("AccessDenied", "x".repeat(200_000)) },
    visits: [...CHECKED, "LookForNew", "TransformEvents", ...REPORTED, "RepairPartitions", ...VERIFIED],
    mail: /1,980 events curated[\s\S]*failed \(AccessDenied\),\n {2}so the Spark job started in any case[\s\S]*aws logs tail \/lake\/look-for-new /,
    succeeds: true,
  },
  {
    title: "the schedule's execution whose check fails, and that finds nothing new",
    input: { scheduled: true },
    tasks: { LookForNew: fails("AccessDenied") },
    report: summary(0),
    visits: [...CHECKED, "LookForNew", "TransformEvents", ...REPORTED, ...QUIETLY],
    mail: /nothing new[\s\S]*\(AccessDenied\)/,
    succeeds: true,
  },
  {
    title: "a run that wrote to 5,000 days, all named",
    report: summary(5000),
    visits: [...LOOKED, "TransformEvents", ...REPORTED, "RepairAllPartitions", "IsRepaired", ...VERIFIED],
    mail: /in 5,000 daily partitions[\s\S]*\n {2}\.\.\. 4,980 more \.\.\.\n/,
    succeeds: true,
  },
  {
    title: "a run that wrote to 20,000 days",
    report: summary(20_000),
    visits: [...LOOKED, "TransformEvents", ...REPORTED, "RepairAllPartitions", "IsRepaired", ...VERIFIED],
    mail: /in 20,000 daily partitions/,
    succeeds: true,
  },
  {
    title: "the schedule's execution that finds the job busy",
    input: { scheduled: true },
    tasks: { TransformEvents: busy(1) },
    visits: [...LOOKED, "TransformEvents", "IsJobBusy", "PipelineSkipped"],
    succeeds: true,
  },
  {
    title: "the schedule's execution that finds the job free",
    input: { scheduled: true },
    visits: [...LOOKED, "TransformEvents", ...REPORTED, "RepairPartitions", ...VERIFIED],
    mail: /1,980 events curated/,
    succeeds: true,
  },
  {
    title: "a person's execution that waits for the job twice",
    tasks: { TransformEvents: busy(2) },
    visits: [
      ...LOOKED,
      ...["TransformEvents", "IsJobBusy", "WaitForJob", "TransformEvents", "IsJobBusy", "WaitForJob"],
      ...["TransformEvents", ...REPORTED, "RepairPartitions", ...VERIFIED],
    ],
    mail: /1,980 events curated/,
    succeeds: true,
  },
  {
    title: "a report that is too large",
    report: JSON.stringify({ ...summary(), retired: "x".repeat(MAX_BYTES) }),
    visits: [...LOOKED, "TransformEvents", "ReadReport", "RepairAllPartitions", "IsRepaired", ...FAILED],
    mail: /FAILED in ReadReport[\s\S]*\(States\.DataLimitExceeded\)[\s\S]*All partitions were registered/,
  },
  {
    title: "a report that is too large only once its quotes are escaped",
    report: JSON.stringify({ ...summary(), retired: '"'.repeat(MAX_BYTES / 4) }),
    visits: [...LOOKED, "TransformEvents", "ReadReport", "RepairAllPartitions", "IsRepaired", ...FAILED],
    mail: /States\.DataLimitExceeded/,
  },
  {
    title: "a report that is not what the job writes",
    report: '{"version":1}',
    visits: [...LOOKED, "TransformEvents", "ReadReport", "RepairAllPartitions", "IsRepaired", ...FAILED],
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
const withoutLoops = (all: string[]) => {
  // Of the looks at a crawl, the first stays.
  const visited = all.filter(
    (name, at) => !CRAWLED.slice(1).includes(name) || !all.slice(0, at).includes(name),
  );
  const loop = ["WaitForIngest", "AwaitIngest", "IsIngested"];
  const first = visited.indexOf("WaitForIngest");
  if (first < 0) return visited;
  const last = visited.lastIndexOf("IsIngested");
  assert.ok(visited.slice(first, last + 1).every((name) => loop.includes(name)));
  return [...visited.slice(0, first), "...", ...visited.slice(last + 1)];
};

describe("statemachine, whole executions", () => {
  for (const { title, input = {}, tasks, report, visits, mail, succeeds = false, definition } of SCENARIOS) {
    it(title, async () => {
      const { tasks: all, mails, metrics } = world(tasks, report);
      const walked = await walk(input, all, definition);
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

  it("ends with a report of the usual form if nothing is new, with or without a mail", async () => {
    for (const input of [{}, { scheduled: true }]) {
      const { tasks, metrics } = world({ LookForNew: quiet({ givenUpBatches: 0 }) });
      const { output } = await walk(input, tasks);
      const { report, ...rest } = output as { report: Record<string, unknown> };
      // As with a busy job, `skipped` says that no mail was sent.
      const skipped = { skipped: "Nothing new arrived since the last run." };
      const isSkipped = "scheduled" in input;
      assert.deepEqual(rest, { execution: "run-1", simulated: null, ...(isSkipped && skipped) });
      assert.deepEqual([report.outcome, report.execution, report.job_run_id], ["nothing_new", "run-1", null]);
      const counts = ["curated", "written", "recovered", "duplicates", "redelivered", "quarantined", "files"];
      assert.deepEqual(
        counts.map((name) => report[name]),
        counts.map(() => 0),
      );
      assert.deepEqual(report.partitions, []);
      const [{ MetricData }] = metrics as [{ MetricData: { MetricName: string; Value: number }[] }];
      assert.deepEqual(
        MetricData.map(({ MetricName, Value }) => [MetricName, Value]),
        [["RunSeconds", 0]],
      );
    }
  });

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
  for (const [name, { Type }] of Object.entries(CRAWLING.States)) {
    if (Type !== "Task" || ["LookForNew", "RecordMetrics", "NotifyFailure"].includes(name)) continue;
    const inputs: Record<string, unknown> = { RepairAllPartitions: { fullRepair: true } };
    const input = inputs[name] ?? { simulate: { events: 20 } };
    for (const error of ["States.DataLimitExceeded", "States.Runtime", "States.TaskFailed"]) {
      it(`sends the failure mail when ${name} ends with ${error}, however long the cause`, async () => {
        const cause = JSON.stringify({ ErrorMessage: '\u{1f600}"\\\n'.repeat(50_000) });
        const { tasks, mails } = world({ [name]: fails(error, cause) });
        const { status, error: shown } = await walk(input, tasks, CRAWLING);
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
