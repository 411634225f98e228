// Least privilege, proven: the pipeline runs with IAM in force, each grant that is taken away denies something that it did, and what could not be seen here stands in docs/permissions.md.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { AthenaClient, StartQueryExecutionCommand, StopQueryExecutionCommand } from "@aws-sdk/client-athena";
import { DeletePartitionCommand, GetJobRunsCommand } from "@aws-sdk/client-glue";
import { IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from "@aws-sdk/client-lambda";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import {
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  SFNClient,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { hourPrefix } from "../../lambdas/shared/layout";
import { startExecution } from "../../stack/execution";
import { type Document, decisions, difference, listedGrants, type Roles, rolesOf, unneeded } from "./grants";
import { Lake } from "./lake";

const SECTION = "Granted, and not exercised on the local stack";

/** All that adds permissions, and failures that come at once. */
const EVERYTHING = {
  "clickstream:privacy": { user_id: "hash" },
  "clickstream:privacyHashKey": "a key of enough letters",
  "clickstream:customerKey": true,
  "clickstream:tracing": true,
  "clickstream:collector": true,
  "clickstream:collectorOrigins": ["*"],
  "clickstream:collectorWriteKey": "a-key-of-enough-letters",
  "clickstream:scheduleEnabled": true,
  "clickstream:ingestRetryAttempts": 0,
  "clickstream:ingestWaitMinutes": 1,
};
/** Scheduled for a minute that comes while the other runs go on. */
const SCHEDULED_IN_MINUTES = 2;

const events = (prefix: string, day: string, count = 3) =>
  Array.from({ length: count }, (_, index) =>
    JSON.stringify({
      event_id: `${prefix}-${index}`,
      event_type: "page_view",
      event_time: `${day}T10:00:00Z`,
      user_id: `u-${index}`,
    }),
  );

describe("e2e: permissions", function () {
  this.timeout(600_000);
  let lake: Lake;
  let iam: IAMClient;
  let sfn: SFNClient;
  let roles: Roles;

  before(async () => {
    const minute = new Date(Date.now() + SCHEDULED_IN_MINUTES * 60_000).getUTCMinutes();
    lake = await Lake.up({ ...EVERYTHING, "clickstream:scheduleExpression": `cron(${minute} * * * ? *)` });
    iam = new IAMClient(lake.stack.clientConfig);
    sfn = new SFNClient(lake.stack.clientConfig);
    roles = await rolesOf(iam);
  });
  after(() => lake?.down());

  const collect = (event: string) =>
    fetch(`${lake.stack.outputs.collectorUrl}/v1/events?writeKey=a-key-of-enough-letters`, {
      method: "POST",
      body: event,
    });

  it("allows the collector to read its write key and to store an event", async () => {
    const [event = ""] = events("collected", "2020-01-03", 1);
    const answer = await collect(event);
    assert.deepEqual([answer.status, await answer.json()], [200, { stored: 1 }]);
  });

  it("allows the whole pipeline, including simulated traffic, late days and a full repair", async () => {
    const simulated = await lake.execute({ simulate: { events: 200, seed: 7, malformed: 0.05 } });
    assert.equal(simulated.status, "SUCCEEDED", simulated.cause);
    await lake.s3.send(
      new PutObjectCommand({
        Bucket: lake.stack.outputs.rawBucket,
        // Of this hour: a run lists only the hours that can have new objects.
        Key: `${hourPrefix("raw", Date.now())}shardId-000000000009-1-2.jsonl.gz`,
        Body: gzipSync("{cut\n"),
      }),
    );
    const sent = await lake.put(...events("repaired", "2020-01-01"));
    const repaired = await lake.execute({ ...sent, fullRepair: true });
    assert.equal(repaired.status, "SUCCEEDED", repaired.cause);
    // Nothing is new now: the check reads the lists of what these two took.
    const quiet = await lake.execute({ fullRepair: true });
    assert.deepEqual([quiet.status, quiet.report?.outcome], ["SUCCEEDED", "nothing_new"], quiet.cause);
  });

  it("allows a day to be reprocessed, registered or not", async () => {
    const { database, eventsTable } = lake.stack.outputs;
    const { status: rebuilt } = await lake.execute({ reprocess: { from: "2020-01-01", to: "2020-01-01" } });
    assert.equal(rebuilt, "SUCCEEDED");
    await lake.glue.send(
      new DeletePartitionCommand({
        DatabaseName: database,
        TableName: eventsTable,
        PartitionValues: ["2020-01-01"],
      }),
    );
    const { status, cause } = await lake.execute({ reprocess: { from: "2020-01-01", to: "2020-01-01" } });
    assert.equal(status, "SUCCEEDED", cause);
  });

  it("allows a failing batch to reach the on-failure destination, and the mail to report it", async () => {
    const lambda = new LambdaClient(lake.stack.clientConfig);
    const FunctionName = lake.stack.outputs.ingestFunction;
    const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const configure = async (Variables: Record<string, string>) => {
      await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
      await waitUntilFunctionUpdatedV2({ client: lambda, maxWaitTime: 20 }, { FunctionName });
    };
    await configure({ ...Environment?.Variables, RAW_BUCKET: "no-such-bucket" });
    const failed = await lake.execute(await lake.put(...events("failing", "2020-01-02", 1)));
    await configure(Environment?.Variables ?? {});
    assert.equal(failed.status, "FAILED");
    assert.match(failed.cause ?? "", /aws\/lambda/);
  });

  it("allows an aborted execution to stop its job run and its query", async () => {
    const { stateMachineArn, jobName, database, workgroup } = lake.stack.outputs;
    const job = await startExecution(
      sfn,
      stateMachineArn,
      await lake.put(...events("aborted", "2020-01-03")),
    );
    await until("the job run", async () => {
      const { JobRuns = [] } = await lake.glue.send(new GetJobRunsCommand({ JobName: jobName }));
      return JobRuns.some(({ JobRunState }) => JobRunState === "RUNNING");
    });
    await sfn.send(new StopExecutionCommand({ executionArn: job }));

    // Athena takes two queries at once here: while these two run, the execution's own waits.
    const athena = new AthenaClient(lake.stack.clientConfig);
    // So many pairs that they never end by themselves, however slow the machine is.
    const slow =
      "SELECT count(*) FROM events a, events b, events c, events d, events e, events f WHERE a.user_id < f.user_id";
    const blocking = await Promise.all(
      [1, 2].map(() =>
        athena.send(
          new StartQueryExecutionCommand({
            QueryString: slow,
            WorkGroup: workgroup,
            QueryExecutionContext: { Database: database },
          }),
        ),
      ),
    );
    const query = await startExecution(sfn, stateMachineArn, { fullRepair: true });
    await until("the query", async () => {
      const { events: history = [] } = await sfn.send(
        new GetExecutionHistoryCommand({ executionArn: query }),
      );
      return history.some(({ taskSubmittedEventDetails: task }) => task?.resourceType === "athena");
    });
    await sfn.send(new StopExecutionCommand({ executionArn: query }));
    for (const { QueryExecutionId } of blocking)
      await athena.send(new StopQueryExecutionCommand({ QueryExecutionId }));
  });

  it("allows the schedule to start an execution", async () => {
    const { stateMachineArn } = lake.stack.outputs;
    const scheduled = (line: { action: string }) => line.action === "states:StartExecution";
    await until(
      "the scheduled minute",
      async () => decisions(lake).some(scheduled),
      SCHEDULED_IN_MINUTES * 90,
    );
    await until("its execution to end", async () => {
      const filter = { stateMachineArn, statusFilter: "RUNNING" as const };
      return (await sfn.send(new ListExecutionsCommand(filter))).executions?.length === 0;
    });
  });

  it("denied nothing", () => {
    assert.deepEqual(
      decisions(lake).filter(({ decision }) => decision !== "Allow"),
      [],
    );
  });

  it("needs each grant, but for those that docs/permissions.md lists with the reason", () => {
    const { mutants, unseen } = unneeded(lake, roles);
    const listed = listedGrants(SECTION);
    assert.ok(mutants > 100, `only ${mutants} grants`);
    assert.deepEqual(
      difference(unseen, listed),
      [],
      "grants that nothing needed here, and that are not listed",
    );
    assert.deepEqual(difference(listed, unseen), [], "listed, though something needed them, or not granted");
  });

  it("goes on to the Spark job without s3:ListBucket of clickstream-look-for-new-role, and the mail says so", async () => {
    const sent = await lake.put(...events("unchecked", "2020-01-04"));
    const restore = await withhold("s3:ListBucket", "clickstream-look-for-new-role");
    const { status, report, name, cause } = await lake.execute(sent);
    await restore();
    assert.deepEqual([status, report?.curated], ["SUCCEEDED", 3], cause);
    const mail = (await lake.notices()).find(({ body }) => body.includes(name));
    assert.match(mail?.body ?? "", /The check whether anything is new failed/);
  });

  it("answers 503 without kinesis:PutRecords of clickstream-collector-role, so that senders keep their events", async () => {
    const restore = await withhold("kinesis:PutRecords", "clickstream-collector-role");
    const answer = await collect(events("kept", "2020-01-06", 1)[0] ?? "");
    await restore();
    assert.equal(answer.status, 503);
    assert.ok(Number(answer.headers.get("retry-after")) > 0);
  });

  for (const { without, of, sends = false, input, says } of [
    {
      without: "lambda:InvokeFunction",
      of: "clickstream-pipeline-role",
      input: { simulate: { events: 10 } },
      says: /assumed-role\/clickstream-pipeline-role.* is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda/,
    },
    {
      without: "kinesis:PutRecords",
      of: "clickstream-simulator-role",
      input: { simulate: { events: 10 } },
      says: /assumed-role\/clickstream-simulator-role.* is not authorized to perform: kinesis:PutRecords on resource: arn:aws:kinesis/,
    },
    {
      without: "s3:ListBucket",
      of: "clickstream-job-role",
      sends: true,
      input: {},
      says: /assumed-role\/clickstream-job-role.* is not authorized to perform: s3:ListBucket on resource: arn:aws:s3/,
    },
    {
      without: "sns:Publish",
      of: "clickstream-pipeline-role",
      input: {},
      says: /is not authorized to perform: sns:Publish on resource: arn:aws:sns/,
    },
  ]) {
    it(`fails without ${without} of ${of}, and says who may not do what`, async () => {
      // Without new events there is no run of the job.
      const sent = sends ? await lake.put(...events(without, "2020-01-05")) : {};
      const restore = await withhold(without, of);
      const { status, cause } = await lake.execute({ ...input, ...sent });
      await restore();
      assert.equal(status, "FAILED");
      assert.match(cause ?? "", says);
    });
  }

  /** Takes an action out of a role's policy; gives what puts it back. */
  async function withhold(action: string, role: string): Promise<() => Promise<unknown>> {
    const found = roles.get(role);
    assert.ok(found, role);
    const put = (document: Document) =>
      iam.send(
        new PutRolePolicyCommand({
          RoleName: found.name,
          PolicyName: found.policy,
          PolicyDocument: JSON.stringify(document),
        }),
      );
    const left = found.document.Statement.map((statement) => ({
      ...statement,
      Action: statement.Action.filter((each) => each !== action),
    }));
    await put({ ...found.document, Statement: left.filter(({ Action }) => Action.length > 0) });
    return () => put(found.document);
  }
});

async function until(what: string, holds: () => Promise<boolean>, seconds = 120): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `${what}: not within ${seconds} s`);
    await sleep(50);
  }
}
