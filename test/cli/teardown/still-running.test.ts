// What stops a stack's buckets from being emptied; AWS's answers are made up, the emulator gives its own in emulator.test.ts.
import assert from "node:assert/strict";
import { GetJobRunsCommand, GlueClient } from "@aws-sdk/client-glue";
import { ListExecutionsCommand, SFNClient } from "@aws-sdk/client-sfn";
import { refuseWhileRunning } from "../../../cli/commands/empty-buckets";
import { stillRunning } from "../../../cli/teardown/still-running";

const OUTPUTS = { stateMachineArn: "arn:aws:states:eu-west-1:123456789012:stateMachine:m", jobName: "job" };

/** Clients that answer with these pages of executions, and these states of job runs. */
function clients(pages: string[][], states: string[]) {
  const sfn = new SFNClient({ region: "eu-west-1" });
  const glue = new GlueClient({ region: "eu-west-1" });
  sfn.send = (async (command: ListExecutionsCommand) => {
    assert.ok(command instanceof ListExecutionsCommand);
    const { nextToken = "0", statusFilter, stateMachineArn } = command.input;
    assert.deepEqual([statusFilter, stateMachineArn], ["RUNNING", OUTPUTS.stateMachineArn]);
    const page = Number(nextToken);
    return {
      executions: pages[page]?.map((name) => ({ name, executionArn: `arn:${name}` })),
      nextToken: page + 1 < pages.length ? String(page + 1) : undefined,
    };
  }) as never;
  glue.send = (async (command: GetJobRunsCommand) => {
    assert.ok(command instanceof GetJobRunsCommand);
    return { JobRuns: states.map((JobRunState, index) => ({ Id: `jr_${index}`, JobRunState })) };
  }) as never;
  return { sfn, glue };
}

describe("cli/teardown/still-running", () => {
  it("finds running executions on every page, and job runs that have not ended", async () => {
    const found = await stillRunning(
      clients([["one"], ["two"]], ["STOPPING", "SUCCEEDED", "FAILED"]),
      OUTPUTS,
    );
    assert.deepEqual(found, [
      { what: "the execution one", stop: "aws stepfunctions stop-execution --execution-arn arn:one" },
      { what: "the execution two", stop: "aws stepfunctions stop-execution --execution-arn arn:two" },
      {
        what: "the job run jr_0 (STOPPING)",
        stop: "aws glue batch-stop-job-run --job-name job --job-run-ids jr_0",
      },
    ]);
  });

  it("empties no bucket while something is running, and says what it is and how to stop it", async () => {
    await assert.rejects(refuseWhileRunning(clients([["one"]], []), OUTPUTS, "the stack prod on AWS"), {
      message:
        "Nothing was deleted: the stack prod on AWS is still running (the execution one) and would write into the emptied buckets. " +
        "Wait until it ends, or stop it with the commands below. Then run this command again:\n" +
        "  aws stepfunctions stop-execution --execution-arn arn:one\n" +
        "If the schedule is enabled, disable it first: pulumi config set scheduleEnabled false && pulumi up",
    });
    await refuseWhileRunning(clients([[]], ["SUCCEEDED", "TIMEOUT"]), OUTPUTS, "the stack prod on AWS");
  });
});
