import assert from "node:assert/strict";
import { DEFINITION, evaluate, FIREHOSE, state } from "./pipeline";

type Mail = { TopicArn: string; Subject: string; Message: string };

const REPORT = {
  outcome: "processed",
  seconds: 18.2,
  raw: { objects: 4, bytes: 217500, lines: 1991 },
  curated: 1980,
  written: 1980,
  recovered: 0,
  duplicates: 8,
  redelivered: 3,
  quarantined: 12,
  quarantine_reasons: { missing_event_type: 5, not_json: 7 },
  quarantine_reasons_left_out: { reasons: 0, lines: 0 },
  dates: { count: 2, first: "2026-11-20", last: "2026-11-21" },
  unreadable_lines: 0,
  given_up_batches: 0,
  partitions: ["2026-11-20", "2026-11-21"],
  files: 2,
  curated_bytes: 98304,
  reprocess: null,
};
const VARIABLES = {
  request: {},
  simulated: {},
  sent: {},
  awaited: { ingested: true, pending: [], failedBatches: 0 },
  report: REPORT as Record<string, unknown>,
  verification: { rows: 1980, ids: 1980 } as Record<string, unknown>,
  failure: {},
};

const success = async (change: Record<string, unknown> = {}, definition = DEFINITION) =>
  (await evaluate(state("NotifySuccess", definition).Arguments, { ...VARIABLES, ...change })) as Mail;
const failed = async (change: Record<string, unknown>, definition = DEFINITION) => {
  const variables = { ...VARIABLES, report: {}, verification: {}, ...change };
  const { cause } = (await evaluate(state("ExplainFailure", definition).Assign, variables)) as {
    cause: string;
  };
  return (await evaluate(state("NotifyFailure", definition).Arguments, { ...variables, cause })) as Mail;
};
const lines = (mail: Mail) => mail.Message.split("\n");

describe("statemachine/mails", () => {
  it("reports a run that curated events", async () => {
    assert.deepEqual(await success(), {
      TopicArn: "SUCCESS_TOPIC",
      Subject: "Clickstream dev: 1,980 events curated, 12 quarantined, 8 duplicates in 24 s",
      Message: `1,980 new events are in the table events, in 2 daily partitions.

NUMBERS
  Received                       2,000   in 4 raw objects, 212.4 KiB
  Curated                        1,980   in 2 files, 96.0 KiB
  Quarantined                       12   reasons below
  Duplicates left out                8   the first copy is kept
  Redelivered                        3   delivered twice, taken once

QUARANTINED BECAUSE
  not_json                           7
  missing_event_type                 5

PARTITIONS
  2026-11-20
  2026-11-21

CHECKED
  Athena counts 1,980 rows of this run, with 1,980 different ids,
  as the run reported.

TIME
  24 s in total, 18 s of it in the Spark job.

WHERE TO LOOK
  This execution:
    https://console/executions/EXECUTION_ARN
  Athena, database lake_dev, workgroup lake:
    https://console/athena

WHAT TO DO NEXT
  Paste into Athena:

    SELECT event_date, event_type, count(*) AS events
    FROM events
    WHERE event_date >= DATE '2026-11-20'
    GROUP BY event_date, event_type
    ORDER BY event_date, events DESC

  and for what was quarantined:

    SELECT reason, detail, payload
    FROM quarantine
    WHERE arrival_day >= 'year=2026/month=11/day=14'
    ORDER BY arrival_time DESC
    LIMIT 20
`,
    });
  });

  it("reports what was compacted, and what is left for the next runs", async () => {
    const compaction = { dates: 28, files_before: 1061, files_after: 28, bytes: 3e9, left: 1, seconds: 31.5 };
    const compacted = lines(await success({ report: { ...REPORT, compaction } }));
    assert.deepEqual(
      compacted.filter((line) => /compact/i.test(line)),
      [
        "  Days compacted                    28   1,061 files became 28",
        "  Days to compact                    1   left for the next runs",
      ],
    );
    assert.ok(compacted.every((line) => line.length <= 72 || line.includes("https://")));
    const idle = { dates: 0, files_before: 0, files_after: 0, bytes: 0, left: 0, seconds: 0 };
    const mail = await success({ report: { ...REPORT, compaction: idle } });
    assert.doesNotMatch(mail.Message, /compact/i);
  });

  it("warns if the compaction failed, whose run is committed", async () => {
    const compaction = { dates: 0, files_before: 0, files_after: 0, bytes: 0, left: 3, seconds: 0 };
    const mail = await success({
      report: { ...REPORT, compaction: { ...compaction, error: "no space left" } },
    });
    assert.match(mail.Subject, /: ATTENTION, compaction failed: /);
    assert.match(
      mail.Message,
      /All rows are in the\n {2}tables, and the next run goes on\. The error:\n {4}no space left/,
    );
  });

  it("reports a run that found nothing new", async () => {
    const report = {
      ...REPORT,
      outcome: "nothing_new",
      seconds: 3,
      raw: { objects: 0, bytes: 0, lines: 0 },
      curated: 0,
      written: 0,
      duplicates: 0,
      redelivered: 0,
      quarantined: 0,
      quarantine_reasons: {},
      dates: { count: 0, first: null, last: null },
      partitions: [],
      files: 0,
      curated_bytes: 0,
    };
    assert.deepEqual(await success({ report, verification: {} }), {
      TopicArn: "SUCCESS_TOPIC",
      Subject: "Clickstream dev: nothing new in 24 s",
      Message: `Nothing new arrived since the last run. The tables have not changed.

TIME
  24 s in total, 3 s of it in the Spark job.

WHERE TO LOOK
  This execution:
    https://console/executions/EXECUTION_ARN
  Athena, database lake_dev, workgroup lake:
    https://console/athena

WHAT TO DO NEXT
  Paste into Athena:

    SELECT event_date, event_type, count(*) AS events
    FROM events
    GROUP BY event_date, event_type
    ORDER BY event_date, events DESC
`,
    });
  });

  it("shows the first and the last ten of many days", async () => {
    const partitions = Array.from({ length: 31 }, (_, day) => `2026-01-${String(day + 1).padStart(2, "0")}`);
    const dates = { count: 31, first: "2026-01-01", last: "2026-01-31" };
    const shownOf = async (report: object) =>
      lines(await success({ report: { ...REPORT, ...report } })).filter((line) =>
        /^ {2}(2026|\.\.\.)/.test(line),
      );
    const shown = await shownOf({ partitions, dates });
    assert.equal(shown.length, 21);
    assert.deepEqual(shown.slice(9, 12), ["  2026-01-10", "  ... 11 more ...", "  2026-01-22"]);
    // Of over 5,000 days the summary has no more than is shown.
    const ends = [...partitions.slice(0, 10), ...partitions.slice(-10)];
    const many = await shownOf({ partitions: ends, dates: { ...dates, count: 20_000 } });
    assert.deepEqual(many.slice(9, 12), ["  2026-01-10", "  ... 19,980 more ...", "  2026-01-22"]);
  });

  it("counts the reasons that the summary leaves out", async () => {
    const mail = await success({
      report: { ...REPORT, quarantine_reasons_left_out: { reasons: 9980, lines: 12_345 } },
    });
    assert.deepEqual(lines(mail).slice(10, 13), [
      "  not_json                           7",
      "  missing_event_type                 5",
      "  9,980 other reasons           12,345",
    ]);
  });

  it("says in the subject, and first in the body, what the ingest gave up on, with the command to send it again", async () => {
    const mail = await success({ report: { ...REPORT, given_up_batches: 2 } });
    assert.equal(
      mail.Subject,
      "Clickstream dev: ATTENTION, 2 batches given up: 1,980 events curated, 12 quarantined, 8 duplicates i",
    );
    assert.equal(
      mail.Message.slice(0, mail.Message.indexOf("NUMBERS")),
      `1,980 new events are in the table events, in 2 daily partitions.

ATTENTION
  The ingest gave up on 2 batches. Their records are in no table and not
  counted below. They are kept under
    s3://raw/aws/lambda/
  When the cause is fixed, these commands send them again and remove them:

    aws s3 cp --recursive --region eu-west-1 s3://raw/aws/lambda/ given-up/
    find given-up -type f | while read -r file; do
      jq -r '.payload | fromjson | .Records[].kinesis | [.partitionKey, .data] | @tsv' "$file" |
        while read -r key data; do
          aws kinesis put-record --region eu-west-1 --stream-name clicks \\
            --partition-key "$key" --data "$data" </dev/null || exit 1
        done && aws s3 rm --region eu-west-1 "s3://raw/aws/lambda/\${file#given-up/}" </dev/null
    done

`,
    );
  });

  it("names the command that sends again what Firehose gave up", async () => {
    const warned = await success({ report: { ...REPORT, given_up_batches: 1 } }, FIREHOSE);
    assert.equal(
      warned.Message.slice(warned.Message.indexOf("ATTENTION"), warned.Message.indexOf("NUMBERS")),
      `ATTENTION
  Firehose gave up on 1 batch. Their records are in no table and not
  counted below. They are kept under
    s3://raw/aws/firehose/
  When the cause is fixed, this sends them again and removes them:

    npm run resend -- --stack dev

`,
    );
    const failure = { state: "AwaitIngest", error: "IngestTimedOut", cause: "3 of 40 records" };
    const timedOut = await failed({ failure }, FIREHOSE);
    assert.match(
      timedOut.Message.replaceAll(/\n +/g, " "),
      /gave up on are under s3:\/\/raw\/aws\/firehose\/ and npm run resend -- --stack dev sends them again\./,
    );
  });

  it("says since when nothing is new, and that no Spark job started", async () => {
    const report = {
      ...REPORT,
      outcome: "nothing_new",
      seconds: 0,
      quarantine_reasons: {},
      partitions: [],

      dates: { count: 0, first: null, last: null },
    };
    const lookedFor = { new: false, since: "2026-11-21T08:06:30.123Z", lastExecution: "run-0" };
    const mail = await success({ report, lookedFor, verification: {} });
    assert.equal(
      mail.Message.slice(0, mail.Message.indexOf("WHERE TO LOOK")),
      `Nothing new arrived since the last run. The tables have not changed.
The last run ended at 2026-11-21 08:06 UTC, in the execution
run-0.

TIME
  24 s in total. No Spark job was needed.

`,
    );
  });

  it("counts a batch that only the wait has seen, and says so although nothing is new", async () => {
    const nothing = {
      ...REPORT,
      outcome: "nothing_new",
      curated: 0,
      quarantined: 0,
      duplicates: 0,
      partitions: [],
    };
    const mail = await success({
      report: nothing,
      awaited: { ingested: true, pending: [], failedBatches: 1 },
    });
    assert.equal(mail.Subject, "Clickstream dev: ATTENTION, 1 batch given up: nothing new in 24 s");
    assert.match(mail.Message, /ATTENTION\n {2}The ingest gave up on 1 batch\. /);
  });

  it("says in the subject that raw lines cannot be read, with what was given up", async () => {
    const report = { ...REPORT, quarantine_reasons: { unreadable_raw_line: 12 }, unreadable_lines: 12 };
    const mail = await success({ report });
    assert.equal(
      mail.Subject,
      "Clickstream dev: ATTENTION, 12 raw lines unreadable: 1,980 events curated, 12 quarantined, 8 duplica",
    );
    assert.match(
      mail.Message,
      /ATTENTION\n {2}12 lines of raw objects cannot be read, so the numbers below may differ\n {2}from what was sent\. The quarantine has these lines, with the reason\n {2}unreadable_raw_line and what is wrong with each\.\n\nNUMBERS/,
    );
    const both = await success({ report: { ...report, unreadable_lines: 1, given_up_batches: 1 } });
    assert.match(both.Subject, /: ATTENTION, 1 batch given up, 1 raw line unreadable: /);
  });

  it("names what an interrupted run had written, and days that were rebuilt", async () => {
    const report = { ...REPORT, recovered: 30, reprocess: { from: "2026-11-20", to: "2026-11-21" } };
    const mail = await success({ report });
    assert.ok(
      lines(mail).includes("  Recovered                         30   written by an earlier, interrupted run"),
    );
    assert.ok(
      lines(mail).includes("The days from 2026-11-20 to 2026-11-21 were rebuilt from the raw events."),
    );
  });

  it("uses the singular for one event, one file, one day", async () => {
    const one = {
      ...REPORT,
      curated: 1,
      duplicates: 1,
      files: 1,
      partitions: ["2026-11-20"],
      dates: { count: 1 },
    };
    const mail = await success({ report: { ...one, raw: { objects: 1, bytes: 12, lines: 1 } } });
    assert.equal(mail.Subject, "Clickstream dev: 1 event curated, 12 quarantined, 1 duplicate in 24 s");
    assert.equal(lines(mail)[0], "1 new event is in the table events, in 1 daily partition.");
    assert.match(mail.Message, /in 1 raw object, 12 bytes/);
  });

  it("reports a failed job: cause in words, steps done, what this means, what to do", async () => {
    const mail = await failed({
      request: { simulate: { events: 2000 }, reprocess: { from: "2026-01-01", to: "2026-01-02" } },
      simulated: { events: 2000 },
      failure: {
        state: "TransformEvents",
        error: "States.TaskFailed",
        cause: JSON.stringify({
          JobRunState: "FAILED",
          ErrorMessage:
            "ValueError: the schema of s3://raw/raw/year=2026/month=01/day=01/hour=00/shardId-000000000000-1-2.jsonl.gz does not have the column that the run needs",
        }),
      },
    });
    assert.deepEqual(mail, {
      TopicArn: "FAILURE_TOPIC",
      Subject: "Clickstream dev: FAILED in TransformEvents after 24 s",
      Message: `The execution run-1 failed in TransformEvents after 24 s.

CAUSE
  ValueError: the schema of
  s3://raw/raw/year=2026/month=01/day=01/hour=00/shardId-000000000000-1-2.jsonl.gz
  does not have the column that the run needs
  (States.TaskFailed)

STEPS
  done      traffic simulated: 2,000 events
  done      events arrived in the raw bucket
  FAILED    the Spark job
  not done  run report read
  not done  partitions registered
  not done  table checked against the report

WHAT THIS MEANS
  Nothing is lost. The events are under s3://raw/raw/ and the next
  execution takes them. If this execution wrote rows without
  committing them, the next execution removes them and writes them
  again.

WHAT TO DO
  When the cause is fixed, this command continues:

  aws stepfunctions start-execution \\
    --region eu-west-1 \\
    --state-machine-arn MACHINE_ARN \\
    --input '{"reprocess":{"from":"2026-01-01","to":"2026-01-02"}}'

WHERE TO LOOK
  This execution:
    https://console/executions/EXECUTION_ARN
  The script's log, with its traceback:
    aws logs tail /lake/transform/output --since 2h --region eu-west-1
  Spark's log:
    aws logs tail /lake/transform/error --since 2h --region eu-west-1
`,
    });
  });

  it("continues where the execution ended, with the required input", async () => {
    const sent = { since: "2026-11-21T09:00:00Z", shards: { "shard-0": "5" } };
    const input = async (failing: string, request: Record<string, unknown>) => {
      const mail = await failed({ request, sent, failure: { state: failing, error: "X", cause: "c" } });
      return /--input '(.*)'\n/.exec(mail.Message)?.[1];
    };
    const simulate = { events: 5, note: "it's" };
    assert.equal(await input("CheckInput", { simulat: 1 }), "{}");
    assert.equal(await input("SimulateTraffic", { simulate }), `{"simulate":{"events":5,"note":"it'\\''s"}}`);
    assert.equal(await input("AwaitIngest", { simulate }), `{"sent":${JSON.stringify(sent)}}`);
    assert.equal(await input("TransformEvents", { simulate }), "{}");
    assert.equal(await input("RepairPartitions", { simulate }), '{"fullRepair":true}');
    assert.equal(await input("RepairAllPartitions", {}), '{"fullRepair":true}');
    assert.equal(await input("VerifyTables", {}), '{"fullRepair":true}');
  });

  it("says of a rejected input what is wrong with it, and no more than is true", async () => {
    const mail = await failed({
      request: ["no object"],
      failure: { state: "CheckInput", error: "InvalidInput", cause: "The input must be a JSON object." },
    });
    assert.equal(
      mail.Message,
      `The execution run-1 failed in CheckInput after 24 s.

CAUSE
  The input must be a JSON object.
  (InvalidInput)

WHAT THIS MEANS
  Nothing was started and nothing has changed.

WHAT TO DO
  Correct the input and start again. Without an input, this takes what is new:

  aws stepfunctions start-execution \\
    --region eu-west-1 \\
    --state-machine-arn MACHINE_ARN \\
    --input '{}'

WHERE TO LOOK
  This execution:
    https://console/executions/EXECUTION_ARN
`,
    );
  });

  it("says that partitions were registered when just the report is missing", async () => {
    const mail = await failed({
      failure: {
        state: "ReadReport",
        error: "S3.NoSuchKeyException",
        cause: "The specified key does not exist.",
      },
    });
    assert.deepEqual(
      lines(mail).filter((line) => /^ {2}(done|FAILED|not done) /.test(line)),
      [
        "  done      the Spark job",
        "  FAILED    run report read",
        "  done      partitions registered",
        "  not done  table checked against the report",
      ],
    );
  });

  it("keeps subjects to what SNS takes: one line, 100 ASCII characters", async () => {
    const huge = { ...REPORT, curated: 123456789012, quarantined: 123456789012, duplicates: 123456789012 };
    for (const { Subject } of [
      await success({ report: huge }),
      await failed({ failure: { state: "RepairAllPartitions", error: "X", cause: "a\nb" } }),
    ]) {
      assert.match(Subject, /^[\x20-\x7e]{1,100}$/);
    }
  });

  it("stays within 72 columns, but for addresses and commands that must not be broken", async () => {
    const states = [
      "SimulateTraffic",
      "AwaitIngest",
      "ReadReport",
      "RepairPartitions",
      "VerifyTables",
      "NotifySuccess",
    ];
    const mails = await Promise.all(
      states.map((name) => failed({ failure: { state: name, error: "X", cause: "word ".repeat(60) } })),
    );
    const long = [...mails, await success()].flatMap(lines).filter((line) => line.length > 72);
    assert.deepEqual(
      long.filter((line) => !/https:|s3:|^ {4}(--|aws )/.test(line)),
      [],
    );
  });
});
