// Breaking a part of the stack on purpose: what is changed, and that it is put back whatever happens meanwhile.
import assert from "node:assert/strict";
import type { Job } from "@aws-sdk/client-glue";
import { repairIngest, repairJob, withBrokenIngest, withBrokenJob } from "../../../cli/accept/breakage";
import { OUTPUTS, world } from "./fakes";

const JOB: Job = {
  Name: "clickstream-transform-1",
  Role: "arn:aws:iam::123456789012:role/job",
  CreatedOn: new Date(),
  LastModifiedOn: new Date(),
  AllocatedCapacity: 2,
  MaxCapacity: 2,
  WorkerType: "G.1X",
  NumberOfWorkers: 2,
  Timeout: 15,
  GlueVersion: "5.1",
  DefaultArguments: { "--privacy": '{"ip":"mask"}', "--database": "d" },
};

/** What UpdateJob overwrites is what GetJob then shows. */
function glue(job: Job) {
  const updates: Job[] = [];
  let current = job;
  return {
    updates,
    answers: {
      GetJob: () => ({ Job: current }),
      UpdateJob: ({ JobUpdate }: { JobUpdate: Job }) => {
        updates.push(JobUpdate);
        current = { Name: job.Name, ...JobUpdate };
        return {};
      },
    },
  };
}

function lambda(bucket: string) {
  const environment = { RAW_BUCKET: bucket, STACK: "clickstream-accept" };
  return {
    environment,
    answers: {
      GetFunctionConfiguration: () => ({
        Environment: { Variables: { ...environment } },
        LastUpdateStatus: "Successful",
      }),
      UpdateFunctionConfiguration: ({ Environment }: { Environment: { Variables: object } }) => {
        Object.assign(environment, Environment.Variables);
        return {};
      },
    },
  };
}

describe("cli/accept/breakage", () => {
  it("breaks one argument of the job, keeps the rest of its definition, and puts it back after an error", async () => {
    const { updates, answers } = glue(JOB);
    await assert.rejects(
      withBrokenJob(world(answers), async () => {
        throw new Error("interrupted");
      }),
      /interrupted/,
    );
    const sound = {
      ...{ Role: "arn:aws:iam::123456789012:role/job", WorkerType: "G.1X", NumberOfWorkers: 2 },
      ...{ Timeout: 15, GlueVersion: "5.1" },
      DefaultArguments: { "--privacy": '{"ip":"mask"}', "--database": "d" },
    };
    assert.equal(updates.length, 2);
    assert.match(updates[0]?.DefaultArguments?.["--privacy"] ?? "", /^\{"ip":"shred"/);
    assert.equal(updates[0]?.DefaultArguments?.["--database"], "d");
    assert.deepEqual(updates[1], sound);
  });

  it("puts the job back that an earlier run left broken, and leaves a sound one alone", async () => {
    const { updates, answers } = glue(JOB);
    await repairJob(world(answers));
    assert.deepEqual(updates, []);
    // Killed between the two updates: the second never came.
    const broken = glue(JOB);
    void withBrokenJob(world(broken.answers), () => new Promise(() => undefined));
    while (broken.updates.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await repairJob(world(broken.answers));
    assert.equal(broken.updates.at(-1)?.DefaultArguments?.["--privacy"], '{"ip":"mask"}');
  });

  it("points the ingest at no bucket for a while, and back", async () => {
    const { environment, answers } = lambda(OUTPUTS.rawBucket);
    const seen = await withBrokenIngest(world(answers), async () => environment.RAW_BUCKET);
    assert.equal(seen, "clickstream-raw-1-missing");
    assert.deepEqual(environment, { RAW_BUCKET: "clickstream-raw-1", STACK: "clickstream-accept" });
  });

  it("points the ingest back that an earlier run left broken", async () => {
    const { environment, answers } = lambda("clickstream-raw-1-missing");
    await repairIngest(world(answers));
    assert.equal(environment.RAW_BUCKET, "clickstream-raw-1");
  });
});
