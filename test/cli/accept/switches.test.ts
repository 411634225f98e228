// The keys that turn something off: none is forgotten, and the services themselves say on where it is on, off where it is off.
import assert from "node:assert/strict";
import { isOff } from "../../../cli/accept/checks/lifecycle";
import { ROWS } from "../../../cli/accept/rows";
import { asPaths } from "../../../cli/accept/settings";
import { STEPS } from "../../../cli/accept/steps";
import { NOT_SWITCHED, SWITCHES } from "../../../cli/accept/switches";
import { budgetName, qualifiedName } from "../../../infra/blocks/names";
import { CONFIG_KEYS, type ConfigKey } from "../../../infra/config/keys";
import { type Answers, facts, OUTPUTS, world } from "./fakes";

/** A switch, a list or an object that may be empty, and a number of which 0 is allowed. */
function turnsOff({ check, default: standard }: ConfigKey): boolean {
  if (check.type === "boolean") return true;
  if (check.type === "integer") return check.read("0") === 0;
  return (check.type === "array" || check.type === "object") && Object.keys(standard as object).length === 0;
}

describe("cli/accept/switches", () => {
  it("has every key that turns something off, or the reason why not", () => {
    const keys = Object.entries<ConfigKey>(CONFIG_KEYS).flatMap(([key, spec]) =>
      turnsOff(spec) ? [key] : [],
    );
    const switched = SWITCHES.flatMap(({ off }) => Object.keys(off));
    const missing = keys.filter((key) => !switched.includes(key) && !(key in NOT_SWITCHED));
    assert.deepEqual(missing, []);
    assert.deepEqual(
      Object.keys(NOT_SWITCHED).filter((key) => !keys.includes(key) || switched.includes(key)),
      [],
    );
  });

  it("gives pulumi the paths of objects, and takes out what is undefined", () => {
    assert.deepEqual(
      asPaths({ shardCount: 2, tracing: true, privacy: { user_id: "hash" }, tags: undefined }),
      [
        ["shardCount", "2"],
        ["tracing", "true"],
        ["privacy.user_id", "hash"],
        ["tags", undefined],
      ],
    );
  });

  it("is not as expected where the key was never on, or is still on", async () => {
    const enabled = { GetBucketVersioning: { Status: "Enabled" } };
    const wasOn = (found: string[]) => ({ facts: facts({ switches: { versioning: found } }) });
    const still = await isOff("versioning")(world(enabled, wasOn(["a: Enabled"])));
    assert.equal(still.state, "not as expected");
    assert.match(still.says, /still on: clickstream-raw-1: Enabled; /);
    const never = await isOff("versioning")(world({ GetBucketVersioning: {} }, wasOn([])));
    assert.equal(never.state, "not as expected");
    assert.match(never.says, /was not on before/);
    const off = await isOff("versioning")(
      world({ GetBucketVersioning: { Status: "Suspended" } }, wasOn(["a: Enabled"])),
    );
    assert.deepEqual(off, { state: "seen", says: "off: a: Enabled" });
  });
});

describe("cli/accept/switches: what the emulator does not keep", () => {
  const isOn = async (id: string, answers: Answers) =>
    SWITCHES.find((one) => one.id === id)?.isOn(world(answers));

  it("sees tracing of a function or of the state machine", async () => {
    const answers = (Mode: string, enabled: boolean) => ({
      GetFunctionConfiguration: ({ FunctionName }: { FunctionName: string }) => ({
        TracingConfig: { Mode: FunctionName === OUTPUTS.ingestFunction ? Mode : "PassThrough" },
      }),
      DescribeStateMachine: { name: "pipeline", tracingConfiguration: { enabled } },
    });
    assert.deepEqual(await isOn("tracing", answers("Active", false)), ["clickstream-ingest-1: Active"]);
    assert.deepEqual(await isOn("tracing", answers("PassThrough", true)), ["pipeline: enabled"]);
    assert.deepEqual(await isOn("tracing", answers("PassThrough", false)), []);
  });

  it("sees counts that the event source mapping still makes where no alarm is left", async () => {
    const answers = (Metrics: string[]) => ({
      DescribeAlarms: { MetricAlarms: [] },
      ListEventSourceMappings: { EventSourceMappings: [{ UUID: "uuid-1", MetricsConfig: { Metrics } }] },
    });
    assert.deepEqual(await isOn("alarms", answers(["EventCount"])), ["mapping uuid-1: EventCount"]);
    assert.deepEqual(await isOn("alarms", answers([])), []);
  });

  it("ignores AWS's own keys, and detects a key of the account", async () => {
    const arn = "arn:aws:kms:eu-west-1:123456789012:key/";
    const Tags = [
      { Key: "Project", Value: "clickstream" },
      { Key: "Stack", Value: "accept" },
    ];
    const answers = (stream: string, secret?: string) => ({
      DescribeStreamSummary: { StreamDescriptionSummary: { KeyId: stream } },
      GetBucketEncryption: {},
      GetTopicAttributes: { Attributes: {} },
      DescribeLogGroups: {},
      ListSecrets: { SecretList: [{ Name: "hash-key-1", KmsKeyId: secret, Tags }] },
      DescribeKey: ({ KeyId }: { KeyId: string }) => ({
        KeyMetadata: { KeyManager: KeyId === `${arn}aws` ? "AWS" : "CUSTOMER" },
      }),
    });
    assert.deepEqual(await isOn("customerKey", answers("alias/aws/kinesis")), []);
    assert.deepEqual(await isOn("customerKey", answers(`${arn}aws`, `${arn}aws`)), []);
    assert.deepEqual(await isOn("customerKey", answers(`${arn}1`)), [`clickstream-stream-1: ${arn}1`]);
    assert.deepEqual(await isOn("customerKey", answers("alias/aws/kinesis", `${arn}1`)), [
      `secret hash-key-1: ${arn}1`,
    ]);
  });

  it("turns the stack's key off while its secret is still there to be looked at", () => {
    const order = SWITCHES.map(({ id }) => id);
    assert.ok(order.indexOf("customerKey") < order.indexOf("privacyHashKey"), order.join());
  });

  it("looks for denials before the stack's key is turned off, as roles are denied on purpose then", () => {
    const steps = STEPS.map(({ id }) => id);
    const denials = ROWS.find(({ id }) => id === "denials");
    assert.ok(denials && "after" in denials);
    assert.equal(steps.indexOf(denials.after) + 1, steps.indexOf("off: customerKey"));
  });

  it("looks for the actual names of a stack with a dot in its name", async () => {
    const dotted = world(
      {
        DescribeBudgets: { Budgets: [{ BudgetName: budgetName("clickstream", "prod.eu") }] },
        ListDashboards: { DashboardEntries: [{ DashboardName: qualifiedName("clickstream", "prod.eu") }] },
      },
      { stack: "prod.eu" },
    );
    for (const id of ["monthlyBudgetUsd", "dashboard"]) {
      const found = await SWITCHES.find((one) => one.id === id)?.isOn(dotted);
      assert.match(String(found), /clickstream-prod-eu-[0-9a-f]{6}$/, id);
    }
  });

  it("finds a budget behind the first page", async () => {
    const pages = ({ NextToken }: { NextToken?: string }) =>
      NextToken ? { Budgets: [{ BudgetName: "clickstream-accept" }] } : { Budgets: [], NextToken: "2" };
    assert.deepEqual(await isOn("monthlyBudgetUsd", { DescribeBudgets: pages }), [
      "budget clickstream-accept",
    ]);
  });
});
