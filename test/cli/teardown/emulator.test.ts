// Emptying a versioned bucket, and finding what is left of a stack, on the emulator.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  PutResourcePolicyCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { GlueClient } from "@aws-sdk/client-glue";
import { CreateRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import {
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { CreateScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { SFNClient, StartExecutionCommand, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { findLeftovers } from "../../../cli/teardown/leftovers";
import { listEverything } from "../../../cli/teardown/listing";
import { stillRunning } from "../../../cli/teardown/still-running";
import { type Deployment, deploy } from "../../../local/deploy/program";
import { type Emulator, startEmulator } from "../../../local/emulator-process";
import { type ClientConfig, localClientConfig } from "../../../stack/aws";
import { contentsOf, emptyBucket } from "../../../stack/bucket-contents";
import { PROJECT_ROOT } from "../../../stack/runs";
import { everythingOn } from "../../local/everything-on";

describe("cli/teardown on the emulator", function () {
  this.timeout(180_000);
  let stateDir: string;
  let emulator: Emulator;
  let config: ClientConfig;
  let empty: string[];
  let deployment: Deployment;

  before(async () => {
    stateDir = mkdtempSync(join(tmpdir(), "clickstream-life-"));
    emulator = await startEmulator(stateDir);
    config = localClientConfig(emulator.endpoint);
    empty = await listEverything(config);
    deployment = await deploy({ root: PROJECT_ROOT, clientConfig: config, config: everythingOn().values });
  });
  after(async () => {
    await emulator?.stop();
    rmSync(stateDir, { recursive: true, force: true });
  });

  it("empties a versioned bucket: objects, older versions, delete markers and open uploads, over a thousand", async () => {
    const s3 = new S3Client(config);
    const Bucket = String(deployment.outputs.curatedBucket);
    const put = (Key: string, Body: string) => s3.send(new PutObjectCommand({ Bucket, Key, Body }));
    for (let at = 0; at < 1100; at += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, more) => put(`events/${at + more}`, "four")));
    }
    await put("events/0", "newer");
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "events/1" }));
    await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "events/half" }));
    assert.deepEqual(await contentsOf(s3, Bucket), {
      bucket: Bucket,
      objects: 1099,
      noncurrent: 2,
      deleteMarkers: 1,
      uploads: 1,
      bytes: 4 * 1100 + 5,
    });
    const steps: number[] = [];
    assert.equal(await emptyBucket(s3, Bucket, (count) => steps.push(count)), 1103);
    assert.deepEqual(steps, [1000, 1102, 1103]);
    const nothing = { objects: 0, noncurrent: 0, deleteMarkers: 0, uploads: 0, bytes: 0 };
    assert.deepEqual(await contentsOf(s3, Bucket), { bucket: Bucket, ...nothing });
  });

  it("finds an execution that is at work, until it is stopped", async () => {
    const outputs = deployment.outputs as { stateMachineArn: string; jobName: string };
    const clients = { sfn: new SFNClient(config), glue: new GlueClient(config) };
    assert.deepEqual(await stillRunning(clients, outputs), []);
    // Waits for what was never sent.
    const sent = { since: new Date().toISOString(), shards: { "shardId-000000000000": "9" } };
    const { executionArn } = await clients.sfn.send(
      new StartExecutionCommand({
        stateMachineArn: outputs.stateMachineArn,
        input: JSON.stringify({ sent }),
      }),
    );
    assert.deepEqual(
      (await stillRunning(clients, outputs)).map(({ stop }) => stop),
      [`aws stepfunctions stop-execution --execution-arn ${executionArn}`],
    );
    await clients.sfn.send(new StopExecutionCommand({ executionArn }));
    assert.deepEqual(await stillRunning(clients, outputs), []);
  });

  it("finds what exists of a stack, with its command, and nothing of another", async () => {
    const { found, unlisted } = await findLeftovers(config, "clickstream", "dev");
    assert.deepEqual(unlisted, []);
    const kinds = new Set(found.map(({ kind }) => kind));
    for (const kind of ["log group", "Glue database", "Glue table"]) assert.ok(kinds.has(kind), kind);
    const group = found.find(({ id }) => id === "/clickstream-dev/ingest");
    assert.equal(group?.remove, "aws logs delete-log-group --log-group-name /clickstream-dev/ingest");
    assert.deepEqual((await findLeftovers(config, "clickstream", "prod")).found, []);
    assert.deepEqual((await findLeftovers(config, "clickstream", "de")).found, []);
  });

  it("leaves nothing in any service's own listing after destroy", async () => {
    assert.ok((await listEverything(config)).length > empty.length + 30);
    await deployment.destroy();
    assert.deepEqual(await listEverything(config), empty);
    assert.deepEqual((await findLeftovers(config, "clickstream", "dev")).found, []);
  });

  it("lists what the way arrival and the crawler have of their own, and leaves nothing of it", async () => {
    const arrival = everythingOn("arrival").values;
    const deployed = await deploy({ root: PROJECT_ROOT, clientConfig: config, config: arrival });
    const listed = (await listEverything(config)).join("\n");
    for (const own of [
      "delivery stream clickstream-delivery-",
      "queue clickstream-objects-failed-",
      "Glue crawler clickstream-crawler-",
      "function clickstream-to-parquet-",
      "function clickstream-check-arrival-",
    ])
      assert.match(listed, new RegExp(`^${own}\\w+$`, "m"));
    await deployed.destroy();
    assert.deepEqual(await listEverything(config), empty);
  });

  it("sees what somebody left: a role by its tags, a log group and a right to write it by its name, a schedule without its state machine", async () => {
    await new IAMClient(config).send(
      new CreateRoleCommand({
        RoleName: "clickstream-ingest-role-0123456",
        AssumeRolePolicyDocument: JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            { Effect: "Allow", Principal: { Service: "scheduler.amazonaws.com" }, Action: "sts:AssumeRole" },
          ],
        }),
        Tags: [
          { Key: "Project", Value: "clickstream" },
          { Key: "Stack", Value: "dev" },
        ],
      }),
    );
    await new CloudWatchLogsClient(config).send(
      new CreateLogGroupCommand({ logGroupName: "/aws/lambda/clickstream-dev" }),
    );
    const delivered =
      "arn:aws:logs:us-east-1:000000000000:log-group:/aws/vendedlogs/states/clickstream-dev/pipeline:log-stream:*";
    await new CloudWatchLogsClient(config).send(
      new PutResourcePolicyCommand({
        policyName: "AWSLogDeliveryWrite20150319",
        policyDocument: JSON.stringify({ Statement: [{ Effect: "Allow", Resource: delivered }] }),
      }),
    );
    await new SchedulerClient(config).send(
      new CreateScheduleCommand({
        Name: "clickstream-schedule-0123456",
        ScheduleExpression: "rate(1 hour)",
        FlexibleTimeWindow: { Mode: "OFF" },
        Target: {
          Arn: "arn:aws:states:us-east-1:000000000000:stateMachine:clickstream-pipeline-0123456",
          RoleArn: "arn:aws:iam::000000000000:role/clickstream-ingest-role-0123456",
        },
      }),
    );
    const { found } = await findLeftovers(config, "clickstream", "dev");
    assert.deepEqual(found.map(({ kind, id }) => `${kind} ${id}`).sort(), [
      "log group /aws/lambda/clickstream-dev",
      `log resource policy AWSLogDeliveryWrite20150319: ${delivered}`,
      "role clickstream-ingest-role-0123456",
      "schedule clickstream-schedule-0123456",
    ]);
  });
});
