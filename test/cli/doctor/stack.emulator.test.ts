// The checks of a stack, on the emulator: what passes, what waits for a confirmation, what is off, which alarms fire.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloudWatchClient, PutMetricAlarmCommand, SetAlarmStateCommand } from "@aws-sdk/client-cloudwatch";
import {
  LambdaClient,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from "@aws-sdk/client-lambda";
import type { Check } from "../../../cli/doctor/machine.mjs";
import { checkStack, credentialsCheck, deployedChecks, type Pulumi } from "../../../cli/doctor/stack";
import { deploy } from "../../../local/deploy/program";
import { type Emulator, startEmulator } from "../../../local/emulator-process";
import { type ClientConfig, localClientConfig } from "../../../stack/aws";
import { stackConfiguration } from "../../../stack/configuration";
import { checkOutputs, type StackOutputs } from "../../../stack/outputs";
import { PROJECT_ROOT } from "../../../stack/runs";

const NOWHERE = localClientConfig("http://127.0.0.1:9");

describe("cli/doctor/stack", function () {
  this.timeout(120_000);
  let stateDir: string;
  let emulator: Emulator;
  let config: ClientConfig;
  let outputs: StackOutputs;

  before(async () => {
    stateDir = mkdtempSync(join(tmpdir(), "clickstream-doctor-"));
    emulator = await startEmulator(stateDir);
    config = localClientConfig(emulator.endpoint);
    const settings = { failureEmails: ["waits@example.com"], scheduleEnabled: true };
    const deployment = await deploy({ root: PROJECT_ROOT, clientConfig: config, config: settings });
    outputs = checkOutputs(deployment.outputs, "the stack");
  });
  after(async () => {
    await emulator?.stop();
    rmSync(stateDir, { recursive: true, force: true });
  });

  const named = async (name: string, settings: Record<string, string> = {}): Promise<Check | undefined> => {
    const configuration = stackConfiguration("dev", { scheduleEnabled: "true", ...settings });
    return (await deployedChecks(config, outputs, configuration)).find((check) => check.name === name);
  };

  it("shows the address that has not confirmed, and what to do", async () => {
    const found = await named("Mails of failure");
    assert.equal(found?.state, "bad");
    assert.equal(found?.says, "not confirmed: waits@example.com");
    assert.match(
      found?.remedy ?? "",
      /follow the link in the mail .*valid for two days\. .* pulumi up --refresh, or subscribe again \(pulumi stack output subscribeCommand\)/,
    );
    const gone = await named("Mails of success", { successEmails: '["late@example.com"]' });
    assert.equal(gone?.state, "bad");
    assert.match(gone?.says ?? "", /^configured but not subscribed: late@example.com\. AWS deletes/);
    assert.match(gone?.remedy ?? "", /^pulumi up --refresh/);
    const nobody = await named("Mails of success");
    assert.deepEqual([nobody?.state, nobody?.says], ["unknown", "nobody is subscribed"]);
  });

  it("compares the shards that are configured with those that the stream has", async () => {
    const shards = async (settings: Record<string, string>) => (await named("Shards", settings))?.state;
    assert.equal(await shards({}), "ok");
    assert.equal(await shards({ shardCount: "2" }), "ok");
    const found = await named("Shards", { shardCount: "3" });
    assert.equal(found?.state, "bad");
    assert.match(found?.remedy ?? "", /^go from 1 to 2, 3, /);
  });

  it("shows an ingest that is not connected any more", async () => {
    assert.equal((await named("Ingest"))?.state, "ok");
    const lambda = new LambdaClient(config);
    const { EventSourceMappings = [] } = await lambda.send(
      new ListEventSourceMappingsCommand({ FunctionName: outputs.ingestFunction }),
    );
    const UUID = EventSourceMappings[0]?.UUID;
    await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }));
    const found = await named("Ingest");
    assert.equal(found?.state, "bad");
    assert.equal(found?.remedy, `aws lambda update-event-source-mapping --enabled --uuid ${UUID}`);
    await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: true }));
  });

  it("compares the schedule's state with the configuration", async () => {
    assert.equal((await named("Schedule"))?.state, "ok");
    const elsewhere = { ...outputs, stateMachineArn: `${outputs.stateMachineArn}-other` };
    const of = async (scheduleEnabled: string) =>
      (await deployedChecks(config, elsewhere, stackConfiguration("dev", { scheduleEnabled }))).find(
        ({ name }) => name === "Schedule",
      )?.state;
    assert.equal(await of("true"), "bad");
    assert.equal(await of("false"), "unknown");
  });

  it("names the alarms that fire, of this stack's topic only", async () => {
    const client = new CloudWatchClient(config);
    const alarm = {
      Namespace: "AWS/Lambda",
      MetricName: "Errors",
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
    };
    for (const [AlarmName, topic] of [
      ["ours", outputs.failureTopicArn],
      ["theirs", "arn:aws:sns:us-east-1:000000000000:other"],
    ] as const) {
      await client.send(
        new PutMetricAlarmCommand({
          ...alarm,
          AlarmName,
          AlarmActions: [topic],
          Statistic: "Sum",
          ComparisonOperator: "GreaterThanThreshold",
        }),
      );
      await client.send(new SetAlarmStateCommand({ AlarmName, StateValue: "ALARM", StateReason: "test" }));
    }
    const found = await named("Alarms");
    assert.equal(found?.state, "bad");
    assert.match(found?.says ?? "", /\bours\b/);
    assert.doesNotMatch(found?.says ?? "", /theirs/);
  });

  it("detects credentials of another account, and an AWS that cannot be reached", async () => {
    assert.equal((await credentialsCheck(config, outputs)).state, "ok");
    const other = {
      ...outputs,
      stateMachineArn: outputs.stateMachineArn.replace("000000000000", "111111111111"),
    };
    const wrong = await credentialsCheck(config, other);
    assert.deepEqual(
      [wrong.state, wrong.says],
      ["bad", "they belong to the account 000000000000, but the stack is in 111111111111"],
    );
    const away = await credentialsCheck(NOWHERE, undefined);
    assert.equal(away.state, "bad");
    assert.match(
      away.remedy ?? "",
      /AWS could not be reached: .*Check the network, the proxy and the region's name/,
    );
  });

  it("says where pulumi is missing, old or not logged in, before anything of AWS", async () => {
    const answers =
      (version: string, whoami: number): Pulumi =>
      (command) =>
        command === "version"
          ? { status: 0, stdout: version, stderr: "" }
          : { status: whoami, stdout: "me", stderr: "" };
    const first = async (pulumi: Pulumi) => {
      const [check] = await checkStack("nowhere", pulumi);
      return `${check?.state}: ${check?.says}`;
    };
    assert.equal(await first(() => undefined), "bad: not on the PATH");
    assert.equal(await first(answers("v3.10.1", 0)), "bad: v3.10.1 is too old");
    assert.equal(await first(answers("v3.248.0", 1)), "bad: v3.248.0, not logged in");
    assert.equal(await first(answers("v3.248.0", 0)), "ok: v3.248.0, logged in as me");
  });
});
