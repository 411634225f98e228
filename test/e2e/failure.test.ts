import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { GetJobCommand, GetJobRunsCommand, UpdateJobCommand } from "@aws-sdk/client-glue";
import { Lake } from "./lake";

/** Sixty events on sixty days, so that the job has many files to write. */
function sixtyDays(prefix: string): string[] {
  return Array.from({ length: 60 }, (_, index) =>
    JSON.stringify({
      event_id: `${prefix}-${index}`,
      event_type: "page_view",
      event_time: new Date(Date.UTC(2020, 0, 1 + index, 12)).toISOString(),
      user_id: `u-${index % 7}`,
    }),
  );
}

/** Kills with SIGKILL every process of the newest job run. */
async function killNewestRun(lake: Lake): Promise<void> {
  const { JobRuns = [] } = await lake.glue.send(
    new GetJobRunsCommand({ JobName: lake.stack.outputs.jobName }),
  );
  const running = JobRuns.find(({ JobRunState }) => JobRunState === "RUNNING");
  assert.ok(running?.Id, "a run that can be killed");
  execFileSync("pkill", ["-KILL", "-f", running.Id]);
}

async function filesAppear(lake: Lake, before: number): Promise<void> {
  const deadline = Date.now() + 60_000;
  while ((await lake.curatedKeys()).length <= before) {
    assert.ok(Date.now() < deadline, "the job wrote no file");
    await sleep(5);
  }
}

describe("e2e: failures", function () {
  this.timeout(180_000);
  let lake: Lake;
  before(async () => {
    lake = await Lake.up();
  });
  after(() => lake?.down());

  it("ends FAILED, with the cause in words in the mail, when the job raises", async () => {
    const { jobName } = lake.stack.outputs;
    const { Job } = await lake.glue.send(new GetJobCommand({ JobName: jobName }));
    const { Role, Command, DefaultArguments, ExecutionProperty, Timeout, GlueVersion } = Job ?? {};
    const update = { Role, Command, ExecutionProperty, Timeout, GlueVersion };
    const broken = { ...DefaultArguments, "--privacy": '{"ip": "shred"}' };
    const sent = await lake.put(...sixtyDays("raised").slice(0, 2));
    await lake.glue.send(
      new UpdateJobCommand({ JobName: jobName, JobUpdate: { ...update, DefaultArguments: broken } }),
    );
    const failed = await lake.execute(sent);
    await lake.glue.send(
      new UpdateJobCommand({ JobName: jobName, JobUpdate: { ...update, DefaultArguments } }),
    );

    assert.equal(failed.status, "FAILED");
    assert.match(failed.cause ?? "", /shred/);
    const mail = await lake.notice(1);

    assert.match(mail.subject, /TransformEvents/);
    assert.match(mail.body, /shred/);
    assert.doesNotMatch(mail.body, /\\"/, "no escaped JSON");
    assert.match(mail.body, /start-execution/);
    assert.deepEqual(await lake.curatedKeys(), []);
  });

  it("loses nothing: the next execution curates what the failed one did not", async () => {
    const { status, report } = await lake.execute();
    assert.equal(status, "SUCCEEDED");
    assert.equal(report?.curated, 2);
  });

  it("has the rows of an undisturbed run after Spark was killed while it wrote and ran again", async () => {
    const sent = await lake.put(...sixtyDays("killed"));
    const before = (await lake.curatedKeys()).length;
    const finish = await lake.start(sent);
    await filesAppear(lake, before);
    await killNewestRun(lake);
    const killed = await finish();
    assert.equal(killed.status, "FAILED");

    const { status, report } = await lake.execute();
    assert.equal(status, "SUCCEEDED");
    assert.equal(report?.curated, 60);
    const expected = await lake.expected();
    const ids = (await lake.events()).map(([id]) => String(id)).sort();
    assert.deepEqual(ids, [...expected.events.keys()].sort());
    // What the killed run had written was removed, and written again.
    assert.deepEqual([report?.written, report?.recovered], [60, 0]);
  });

  it("completes two executions that start together, and curates no event twice", async () => {
    const sent = await lake.put(...sixtyDays("twice").slice(0, 20));
    const both = await Promise.all([lake.start(sent), lake.start(sent)]);
    const ended = await Promise.all(both.map((finish) => finish()));
    assert.deepEqual(
      ended.map(({ status }) => status),
      ["SUCCEEDED", "SUCCEEDED"],
    );
    assert.equal(
      ended.reduce((sum, { report }) => sum + (report?.curated ?? 0), 0),
      20,
    );
    const [[rows, ids] = []] = await lake.query("SELECT count(*), count(DISTINCT event_id) FROM events");
    assert.deepEqual([rows, ids], [82, 82]);
  });

  it("ends a scheduled execution without a mail if another run is active", async () => {
    const { jobName } = lake.stack.outputs;
    const sent = await lake.put(...sixtyDays("scheduled"));
    const finish = await lake.start(sent);
    const isBusy = async () => {
      const { JobRuns = [] } = await lake.glue.send(new GetJobRunsCommand({ JobName: jobName }));
      return JobRuns.some(({ JobRunState }) => JobRunState === "STARTING" || JobRunState === "RUNNING");
    };
    while (!(await isBusy())) await sleep(50);
    const scheduled = await lake.execute({ scheduled: true });
    assert.deepEqual([scheduled.status, scheduled.report], ["SUCCEEDED", undefined]);
    assert.equal(scheduled.output?.skipped, "The job was busy with another execution's run.");

    const { status, report } = await finish();
    assert.deepEqual([status, report?.curated], ["SUCCEEDED", 60]);
    const about = (await lake.notices()).filter(({ body }) => body.includes(scheduled.name));
    assert.deepEqual(about, []);
    // With the job free it does what every execution does.
    const next = await lake.execute({ scheduled: true });
    assert.deepEqual([next.status, next.report?.outcome], ["SUCCEEDED", "nothing_new"]);
  });

  it("rejects an input with unknown keys, and names them in the mail", async () => {
    const count = (await lake.notices()).length;
    const { status, cause } = await lake.execute({ simulat: { events: 5 } });
    assert.equal(status, "FAILED");
    assert.match(cause ?? "", /simulat/);
    assert.match((await lake.notice(count + 1)).body, /simulat/);
  });
});
