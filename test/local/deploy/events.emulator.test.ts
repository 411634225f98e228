// S3 events on the real emulator, from the program's resources to the dead-letter queue and back: each resource has effect.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { ListQueuesCommand, SQSClient } from "@aws-sdk/client-sqs";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { redrive } from "../../../cli/redrive/redrive";
import { type Deployment, deploy } from "../../../local/deploy/program";
import { type Emulator, startEmulator } from "../../../local/emulator-process";
import { type ClientConfig, localClientConfig } from "../../../stack/aws";
import { PROJECT_ROOT } from "../../../stack/runs";

/** Fails until a file exists, and logs the keys. */
const CODE = `const fs = require("node:fs");
exports.handler = async (event) => {
  if (!fs.existsSync(process.env.FOLDER + "/works")) throw new Error("not yet");
  for (const { s3 } of event.Records) fs.appendFileSync(process.env.FOLDER + "/keys", s3.object.key + "\\n");
};`;

function policyOf(Action: string, Resource: pulumi.Input<string>) {
  return pulumi.jsonStringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource }] });
}

function program(folder: string) {
  const queue = new aws.sqs.Queue("dead-letters", {
    messageRetentionSeconds: 1_209_600,
    sqsManagedSseEnabled: true,
  });
  const trust = { Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "lambda.amazonaws.com" } };
  const role = new aws.iam.Role("role", { assumeRolePolicy: JSON.stringify({ Statement: [trust] }) });
  const mayDrop = new aws.iam.RolePolicy("policy", {
    role: role.id,
    policy: policyOf("sqs:SendMessage", queue.arn),
  });
  const convert = new aws.lambda.Function("convert", {
    runtime: "nodejs24.x",
    handler: "index.handler",
    role: role.arn,
    code: new pulumi.asset.AssetArchive({ "index.js": new pulumi.asset.StringAsset(CODE) }),
    environment: { variables: { FOLDER: folder } },
  });
  new aws.lambda.FunctionEventInvokeConfig(
    "settings",
    {
      functionName: convert.name,
      maximumRetryAttempts: 0,
      destinationConfig: { onFailure: { destination: queue.arn } },
    },
    { dependsOn: mayDrop },
  );
  const raw = new aws.s3.Bucket("raw", { forceDestroy: true });
  const permission = new aws.lambda.Permission("events", {
    action: "lambda:InvokeFunction",
    function: convert.name,
    principal: "s3.amazonaws.com",
    sourceArn: raw.arn,
    sourceAccount: "000000000000",
  });
  const rule = {
    lambdaFunctionArn: convert.arn,
    events: ["s3:ObjectCreated:*"],
    filterPrefix: "raw/",
    filterSuffix: ".gz",
  };
  new aws.s3.BucketNotification(
    "announce",
    { bucket: raw.bucket, lambdaFunctions: [rule] },
    { dependsOn: permission },
  );
  return { bucket: raw.bucket, queueUrl: queue.url, functionName: convert.name };
}

describe("local/deploy of S3 events on the emulator", function () {
  this.timeout(120_000);
  let folder: string;
  let emulator: Emulator;
  let clientConfig: ClientConfig;
  let deployment: Deployment;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "clickstream-events-"));
    emulator = await startEmulator(join(folder, "state"));
    clientConfig = localClientConfig(emulator.endpoint);
    deployment = await deploy({ root: PROJECT_ROOT, clientConfig, program: () => program(folder) });
  });
  after(async () => {
    await emulator?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const options = (dryRun: boolean) => ({
    sqs: new SQSClient(clientConfig),
    lambda: new LambdaClient(clientConfig),
    queueUrl: String(deployment.outputs.queueUrl),
    functionName: String(deployment.outputs.functionName),
    dryRun,
  });

  it("sends what the function gave up to the queue, and redrive sends it again", async () => {
    const Bucket = String(deployment.outputs.bucket);
    const s3 = new S3Client(clientConfig);
    for (const Key of ["other/b.gz", "raw/a b.gz"])
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: "x" }));
    let listed = await redrive(options(true));
    for (; listed.length === 0; listed = await redrive(options(true))) await sleep(100);
    assert.deepEqual(
      listed.map(({ fate, objects, error }) => ({ fate, objects, error })),
      [{ fate: "listed", objects: [`s3://${Bucket}/raw/a b.gz`], error: "not yet" }],
    );
    writeFileSync(join(folder, "works"), "");
    assert.deepEqual(
      (await redrive(options(false))).map(({ fate }) => fate),
      ["sent"],
    );
    while (!existsSync(join(folder, "keys"))) await sleep(100);
    assert.equal(readFileSync(join(folder, "keys"), "utf8"), "raw/a+b.gz\n");
    assert.deepEqual(await redrive(options(true)), []);
  });

  it("names each input that has no effect, and removes everything", async () => {
    assert.deepEqual(
      deployment.ignoredInputs.map(({ resource, input }) => `${resource} ${input}`),
      ["dead-letters sqsManagedSseEnabled"],
    );
    await deployment.destroy();
    const { QueueUrls = [] } = await new SQSClient(clientConfig).send(new ListQueuesCommand({}));
    assert.deepEqual(QueueUrls, []);
  });
});
