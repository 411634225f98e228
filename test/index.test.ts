import assert from "node:assert/strict";
import { WAYS } from "../infra/config/keys";
import { evaluate, type Program } from "./infra/program";

describe("index", () => {
  let program: Program;
  before(async () => {
    program = await evaluate();
  });

  it("exports what a person clicks, pastes or queries with", () => {
    assert.deepEqual(program.outputs, {
      way: "stream",
      streamName: "clickstream-stream-id",
      deliveryStreamName: "",
      rawBucket: "clickstream-raw-id",
      curatedBucket: "clickstream-curated-id",
      scriptsBucket: "clickstream-scripts-id",
      resultsBucket: "clickstream-results-id",
      database: "clickstream_test",
      eventsTable: "events",
      quarantineTable: "quarantine",
      workgroup: "clickstream-workgroup-id",
      stateMachineArn: "arn:aws:sfn/stateMachine:StateMachine:clickstream-pipeline",
      simulatorFunction: "clickstream-simulator-id",
      collectorUrl: "",
      collectorFunction: "",
      collectorScriptIntegrity: "",
      ingestFunction: "clickstream-ingest-id",
      awaitIngestFunction: "clickstream-await-ingest-id",
      lookForNewFunction: "clickstream-look-for-new-id",
      checkArrivalFunction: "",
      toParquetFunction: "",
      deadLetterQueueUrl: "",
      crawlerName: "",
      jobName: "clickstream-transform-id",
      successTopicArn: "arn:aws:sns/topic:Topic:PipelineSuccess",
      failureTopicArn: "arn:aws:sns/topic:Topic:PipelineFailure",
      stateMachineConsoleUrl:
        "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/statemachines/view/arn:aws:sfn/stateMachine:StateMachine:clickstream-pipeline",
      athenaConsoleUrl: "https://eu-west-1.console.aws.amazon.com/athena/home?region=eu-west-1#/query-editor",
      startExecutionCommand:
        "aws stepfunctions start-execution --state-machine-arn arn:aws:sfn/stateMachine:StateMachine:clickstream-pipeline --region eu-west-1",
      subscribeCommand: program.outputs.subscribeCommand,
      readme: program.outputs.readme,
    });
  });

  it("exports what the other ways have instead, and what they lack as empty text", async () => {
    const different = async (config: Record<string, string>) => {
      const { outputs } = await evaluate(config);
      assert.deepEqual(Object.keys(outputs).sort(), Object.keys(program.outputs).sort());
      const changed = Object.entries(outputs).filter(([name, value]) => value !== program.outputs[name]);
      return Object.fromEntries(changed.filter(([name]) => name !== "readme"));
    };
    const firehose = { way: "firehose", streamName: "", deliveryStreamName: "clickstream-delivery-id" };
    assert.deepEqual(await different({ way: "firehose" }), firehose);
    assert.deepEqual(await different({ way: "arrival", crawler: "true" }), {
      ...firehose,
      way: "arrival",
      lookForNewFunction: "",
      checkArrivalFunction: "clickstream-check-arrival-id",
      toParquetFunction: "clickstream-to-parquet-id",
      deadLetterQueueUrl: "https://sqs.eu-west-1.amazonaws.com/123456789012/clickstream-objects-failed-id",
      crawlerName: "clickstream-crawler-id",
    });
  });

  it("gives every function of each way a log group of the stack, with its retention", async () => {
    for (const way of WAYS) {
      const { of } = await evaluate({ way });
      const groups = of("aws:cloudwatch/logGroup:LogGroup").map(({ inputs }) => inputs);
      assert.ok(
        groups.every(({ retentionInDays }) => retentionInDays === 30),
        way,
      );
      for (const { inputs } of of("aws:lambda/function:Function")) {
        const { logGroup } = inputs.loggingConfig as { logGroup: string };
        assert.ok(
          groups.some(({ name }) => name === logGroup),
          `${way}: ${logGroup}`,
        );
      }
    }
  });

  it("leaves physical names to Pulumi, or has the stack's name in them, so that two stacks share an account", () => {
    const named = ["name", "namePrefix", "bucket", "bucketPrefix", "functionName"];
    // Named within the stack's own database and workgroup.
    const perTable = ["aws:glue/catalogTable:CatalogTable", "aws:athena/namedQuery:NamedQuery"];
    const fixed = program.resources
      .filter(({ type, inputs }) => !perTable.includes(type) && !("policy" in inputs))
      .flatMap(({ name, inputs }) => named.map((key) => [name, inputs[key]] as const))
      .filter(([name, value]) => typeof value === "string" && value !== `${name}-id`)
      .filter(([, value]) => !/clickstream[-_]test/.test(String(value)) && !String(value).endsWith("-id"));
    assert.deepEqual(fixed, []);
  });

  it("declares the same resources with the same inputs each time", async () => {
    const order = ({ resources }: Program) =>
      JSON.stringify(resources.map(({ type, name, inputs }) => [type, name, inputs]).sort());
    assert.equal(order(await evaluate()), order(program));
  });

  it("starts by the schedule, unless the stack turns it off", async () => {
    const schedule = program.named("aws:scheduler/schedule:Schedule", "clickstream-schedule");
    assert.equal(schedule.scheduleExpression, "rate(1 hour)");
    assert.deepEqual(JSON.parse((schedule.target as { input: string }).input), { scheduled: true });
    assert.deepEqual(
      (await evaluate({ scheduleEnabled: "false" })).of("aws:scheduler/schedule:Schedule"),
      [],
    );
  });

  it("has a shard count for a provisioned stream only", async () => {
    const stream = async (config: Record<string, string>) => {
      const { streamModeDetails, shardCount } = (await evaluate(config)).named(
        "aws:kinesis/stream:Stream",
        "clickstream-stream",
      );
      return { streamModeDetails, shardCount };
    };
    assert.deepEqual(await stream({ shardCount: "3" }), {
      streamModeDetails: { streamMode: "PROVISIONED" },
      shardCount: 3,
    });
    assert.deepEqual(await stream({ streamMode: "ON_DEMAND" }), {
      streamModeDetails: { streamMode: "ON_DEMAND" },
      shardCount: undefined,
    });
  });

  it("encrypts the stream with AWS's key for Kinesis", () => {
    const { encryptionType, kmsKeyId } = program.named("aws:kinesis/stream:Stream", "clickstream-stream");
    assert.deepEqual({ encryptionType, kmsKeyId }, { encryptionType: "KMS", kmsKeyId: "alias/aws/kinesis" });
  });

  it("gives every function and the state machine a log group of the stack, with its retention", () => {
    const groups = program.of("aws:cloudwatch/logGroup:LogGroup").map(({ inputs }) => inputs);
    assert.deepEqual(groups.map(({ name }) => name).sort(), [
      "/aws/vendedlogs/states/clickstream-test/pipeline",
      "/clickstream-test/await-ingest",
      "/clickstream-test/ingest",
      "/clickstream-test/look-for-new",
      "/clickstream-test/simulator",
      "/clickstream-test/transform/error",
      "/clickstream-test/transform/output",
    ]);
    assert.ok(groups.every(({ retentionInDays }) => retentionInDays === 30));
    for (const { inputs } of program.of("aws:lambda/function:Function")) {
      const { logGroup } = inputs.loggingConfig as { logGroup: string };
      assert.ok(groups.some(({ name }) => name === logGroup));
    }
  });
});
