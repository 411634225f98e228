// The local deployment itself, with handlers that only note what they are asked: construction, order, names, warnings.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { groupIgnoredInputs, listIgnoredInputs } from "../../../local/deploy/ignored-inputs";
import { DeployError, type DeployOptions, deploy } from "../../../local/deploy/program";
import type { Handler, Properties } from "../../../local/deploy/resource";
import { localClientConfig } from "../../../stack/aws";

const BUCKET = "aws:s3/bucket:Bucket";
const TOPIC = "aws:sns/topic:Topic";
const NOWHERE = localClientConfig("http://127.0.0.1:9");

describe("local/deploy/program", () => {
  let root: string;
  let log: string[];

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "clickstream-deploy-"));
    writeFileSync(
      join(root, "Pulumi.yaml"),
      "name: shop\nconfig:\n  size: { type: integer, default: 3 }\n  colour: red\n",
    );
    writeFileSync(join(root, "Pulumi.dev.yaml"), "config:\n  shop:colour: blue\n  shop:sizes: [1, 2]\n");
    log = [];
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const noting = (type: string, honours: string[], more: Partial<Handler> = {}): Handler => ({
    honours,
    naming: { maximumLength: 20, lowerCase: type === BUCKET },
    async create(inputs: Properties, { physicalName }) {
      const name = physicalName(
        inputs.bucket as string | undefined,
        inputs.bucketPrefix as string | undefined,
      );
      log.push(`create ${type.split(":").at(-1)} ${name}`);
      return { id: name, outputs: { name, bucket: name, arn: `arn:${name}` } };
    },
    async remove({ id }) {
      log.push(`remove ${id}`);
    },
    ...more,
  });

  function run(program: () => unknown, table: DeployOptions["table"], config?: Record<string, unknown>) {
    return deploy({ root, clientConfig: NOWHERE, program, table, config });
  }

  it("creates resources in the order of their dependencies and removes them in reverse order", async () => {
    const table = { [BUCKET]: noting(BUCKET, ["bucket"]), [TOPIC]: noting(TOPIC, ["displayName"]) };
    const deployment = await run(() => {
      const bucket = new aws.s3.Bucket("Raw", { bucket: "fixed" });
      const topic = new aws.sns.Topic("Done", { displayName: bucket.arn });
      return { bucket: bucket.id, topic: topic.arn };
    }, table);
    assert.equal(deployment.resources, 2);
    assert.equal(deployment.outputs.bucket, "fixed");
    assert.match(String(deployment.outputs.topic), /^arn:Done-[0-9a-f]{7}$/);
    await deployment.destroy();
    const topicName = String(deployment.outputs.topic).slice("arn:".length);
    assert.deepEqual(log, [
      "create Bucket fixed",
      `create Topic ${topicName}`,
      `remove ${topicName}`,
      "remove fixed",
    ]);
  });

  it("removes nothing while a resource is protected, as Pulumi does, and names it", async () => {
    const table = { [BUCKET]: noting(BUCKET, ["bucket"]), [TOPIC]: noting(TOPIC, []) };
    const deployment = await run(() => {
      new aws.s3.Bucket("Raw", { bucket: "fixed" }, { protect: true });
      new aws.sns.Topic("Done");
    }, table);
    log = [];
    await assert.rejects(
      deployment.destroy(),
      /^DeployError: Nothing was removed\. These resources are protected, as on AWS: Raw \(aws:s3\/bucket:Bucket\)$/,
    );
    assert.deepEqual(log, []);
  });

  it("names buckets in lower case, with the logical name and seven hex digits", async () => {
    await run(() => ({ name: new aws.s3.Bucket("RawEvents").id }), { [BUCKET]: noting(BUCKET, []) });
    assert.match(log[0] ?? "", /^create Bucket rawevents-[0-9a-f]{7}$/);
  });

  it("rejects an automatic name that is too long for the type", async () => {
    const program = () => ({ name: new aws.s3.Bucket("a-bucket-with-a-long-name").id });
    await assert.rejects(run(program, { [BUCKET]: noting(BUCKET, []) }), /has 33 characters, 20 are allowed/);
  });

  it("fails on an unknown type, and names the resource and the type", async () => {
    const program = () => new aws.sqs.Queue("jobs");
    await assert.rejects(run(program, {}), (error: Error) => {
      assert(error instanceof DeployError);
      assert.match(
        error.message,
        /^jobs \(aws:sqs\/queue:Queue\) could not be created: the local stack does not support this type/,
      );
      return true;
    });
  });

  it("fails with the cause if a resource cannot be created, without starting dependent resources", async () => {
    const broken = noting(BUCKET, [], {
      create: () => Promise.reject(Object.assign(new Error("no room"), { name: "TooManyBuckets" })),
    });
    const program = () => {
      const bucket = new aws.s3.Bucket("raw");
      new aws.sns.Topic("Done", { displayName: bucket.arn });
    };
    await assert.rejects(
      run(program, { [BUCKET]: broken, [TOPIC]: noting(TOPIC, []) }),
      /^DeployError: raw \(aws:s3\/bucket:Bucket\) could not be created: TooManyBuckets: no room$/,
    );
    assert.deepEqual(log, []);
  });

  it("fails with errors that the program throws, also in apply", async () => {
    await assert.rejects(
      run(() => {
        throw new Error("shop:size must be 1 or more");
      }, {}),
      /shop:size must be 1 or more/,
    );
    const inApply = () => {
      const bucket = new aws.s3.Bucket("raw");
      const failing = bucket.id.apply((): string => {
        throw new Error("thrown in apply");
      });
      new aws.sns.Topic("Done", { displayName: failing });
    };
    const table = { [BUCKET]: noting(BUCKET, []), [TOPIC]: noting(TOPIC, []) };
    await assert.rejects(run(inApply, table), /thrown in apply/);
  });

  it("reports every input that the local stack ignores, nested ones by their path", async () => {
    const table = {
      [BUCKET]: noting(BUCKET, ["bucket", "versioning.enabled"], {
        ineffective: { forceDestroy: "nothing to empty" },
      }),
    };
    const { ignoredInputs } = await run(() => {
      const versioning = { enabled: true, mfaDelete: true };
      new aws.s3.Bucket("one", { bucket: "one", forceDestroy: true, versioning, tags: { team: "data" } });
      new aws.s3.Bucket("two", { bucket: "two", forceDestroy: true });
    }, table);
    assert.deepEqual(groupIgnoredInputs(ignoredInputs), [
      "nothing to empty: Bucket forceDestroy (2)",
      "not known to the local stack: Bucket tags.team, Bucket versioning.mfaDelete",
    ]);
    assert.equal(listIgnoredInputs(ignoredInputs)[0], `one (${BUCKET}) forceDestroy: nothing to empty`);
  });

  it("passes the configuration like the engine: defaults, then the stack's file, then local values", async () => {
    const program = () => {
      const config = new pulumi.Config("shop");
      return {
        size: config.requireNumber("size"),
        colour: config.require("colour"),
        sizes: config.requireObject("sizes"),
        emails: config.requireObject("emails"),
        region: new pulumi.Config("aws").require("region"),
      };
    };
    const { outputs } = await run(program, {}, { emails: ["a@b.example"] });
    assert.deepEqual(outputs, {
      size: 3,
      colour: "blue",
      sizes: [1, 2],
      emails: ["a@b.example"],
      region: "us-east-1",
    });
  });

  it("decrypts secrets for the handler and never shows them in an error", async () => {
    const program = () => new aws.sns.Topic("Done", { displayName: pulumi.secret("hush-hush") });
    const telling = noting(TOPIC, ["displayName"], {
      create: (inputs: Properties) => Promise.reject(new Error(`bad name ${inputs.displayName}`)),
    });
    await assert.rejects(run(program, { [TOPIC]: telling }), /bad name \[secret\]/);
  });

  it("rejects an unknown provider function and names it", async () => {
    const program = () => ({ zones: aws.getAvailabilityZonesOutput().names });
    await assert.rejects(
      run(program, {}),
      /The provider function aws:index\/getAvailabilityZones\S* has no answer without AWS/,
    );
  });
});
