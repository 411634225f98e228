import assert from "node:assert/strict";
import { evaluate, type Program } from "../program";

const FUNCTION = "aws:lambda/function:Function";
const MACHINE = "aws:sfn/stateMachine:StateMachine";

/** role → the X-Ray actions that its policy grants, and on what. */
function grants(program: Program): [string, string[], string[]][] {
  return program
    .of("aws:iam/rolePolicy:RolePolicy")
    .flatMap(({ name, inputs }) =>
      (JSON.parse(String(inputs.policy)).Statement as { Action: string[]; Resource: string[] }[])
        .filter(({ Action }) => Action.some((action) => action.startsWith("xray:")))
        .map(({ Action, Resource }): [string, string[], string[]] => [name, Action, Resource]),
    )
    .sort(([a], [b]) => a.localeCompare(b));
}

describe("infra/blocks/tracing", function () {
  this.timeout(120_000);
  it("traces every function and the state machine by one key, with just the rights for that", async () => {
    const program = await evaluate({ tracing: "true" });
    const functions = program.of(FUNCTION);
    assert.equal(functions.length, 4);
    for (const { inputs } of functions) assert.deepEqual(inputs.tracingConfig, { mode: "Active" });
    const [machine] = program.of(MACHINE);
    assert.deepEqual(machine?.inputs.tracingConfiguration, { enabled: true });
    const send = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"];
    assert.deepEqual(grants(program), [
      ["clickstream-await-ingest-role", send, ["*"]],
      ["clickstream-ingest-role", send, ["*"]],
      ["clickstream-look-for-new-role", send, ["*"]],
      ["clickstream-pipeline-role", [...send, "xray:GetSamplingRules", "xray:GetSamplingTargets"], ["*"]],
      ["clickstream-simulator-role", send, ["*"]],
    ]);
  });

  it("is off by default, and grants nothing then", async () => {
    const program = await evaluate();
    for (const { inputs } of program.of(FUNCTION)) {
      assert.deepEqual(inputs.tracingConfig, { mode: "PassThrough" });
    }
    assert.deepEqual(program.of(MACHINE)[0]?.inputs.tracingConfiguration, { enabled: false });
    assert.deepEqual(grants(program), []);
  });
});
