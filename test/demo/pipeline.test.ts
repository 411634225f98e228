// The execution that the demo's button starts: what it waits for, and what the page shows of it.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Pipeline } from "../../demo/pipeline";

const ARN = "arn:aws:states:us-east-1:000000000000:execution:pipeline:run-1";
const REPORT = {
  curated: 3,
  quarantined: 1,
  duplicates: 0,
  partitions: ["2026-11-26"],
  dates: { count: 1, first: "2026-11-26", last: "2026-11-26" },
};

interface Ends {
  status: string;
  output?: unknown;
  cause?: string;
}

/** Step Functions and Athena that answer with one execution. */
function target(ends: Ends, events: Record<string, unknown>[] = []) {
  const inputs: unknown[] = [];
  const queries: string[] = [];
  const statuses = ["RUNNING", ends.status];
  const sfn = {
    send: async (command: { constructor: { name: string }; input: Record<string, unknown> }) => {
      switch (command.constructor.name) {
        case "StartExecutionCommand":
          inputs.push(JSON.parse(String(command.input.input)));
          return { executionArn: ARN };
        case "DescribeExecutionCommand":
          return {
            status: statuses.length > 1 ? statuses.shift() : statuses[0],
            name: "run-1",
            startDate: new Date(0),
            stopDate: new Date(12_300),
            output: ends.output === undefined ? undefined : JSON.stringify(ends.output),
            cause: ends.cause,
          };
        default:
          return { events };
      }
    },
  };
  const athena = {
    send: async (command: { constructor: { name: string }; input: Record<string, unknown> }) => {
      switch (command.constructor.name) {
        case "StartQueryExecutionCommand":
          queries.push(String(command.input.QueryString));
          return { QueryExecutionId: "q" };
        case "GetQueryExecutionCommand":
          return { QueryExecution: { Status: { State: "SUCCEEDED" } } };
        default:
          return {
            ResultSet: {
              ResultSetMetadata: { ColumnInfo: [{ Name: "event_type", Type: "varchar" }] },
              Rows: [{ Data: [{ VarCharValue: "event_type" }] }, { Data: [{ VarCharValue: "purchase" }] }],
            },
          };
      }
    },
  };
  const outputs = { stateMachineArn: "m", database: "d", workgroup: "w", eventsTable: "events" };
  return { target: { sfn, athena, outputs } as never, inputs, queries };
}

const at = (second: number) => new Date(second * 1000);
const entered = (name: string, second: number, type = "TaskStateEntered") => ({
  type,
  timestamp: at(second),
  stateEnteredEventDetails: { name },
});
const left = (name: string, second: number) => ({
  type: "TaskStateExited",
  timestamp: at(second),
  stateExitedEventDetails: { name },
});

function record(shardId: string, sequenceNumber: string, arrivalMs: number) {
  return { shardId, sequenceNumber, arrivalMs, data: Buffer.from("{}") };
}

async function finished(pipeline: Pipeline) {
  while (pipeline.isRunning) await sleep(20);
  return pipeline.shown;
}

const signal = new AbortController().signal;

describe("demo/pipeline", () => {
  it("waits for everything that the live view has seen, once", async () => {
    const { target: stack, inputs } = target({ status: "SUCCEEDED", output: { report: REPORT } });
    const pipeline = new Pipeline(stack, signal);
    pipeline.arrived([record("a", "99", 2_000), record("b", "7", 3_000)]);
    pipeline.arrived([record("a", "100", 4_000)]);
    assert.equal(pipeline.start(), true);
    assert.equal(pipeline.start(), false, "one execution at a time");
    await finished(pipeline);
    pipeline.start();
    await finished(pipeline);
    assert.deepEqual(inputs, [
      { sent: { since: "1970-01-01T00:00:02.000Z", shards: { a: "100", b: "7" } } },
      {},
    ]);
  });

  it("shows the tasks, the result, the newest rows and the report", async () => {
    const { target: stack, queries } = target({ status: "SUCCEEDED", output: { report: REPORT } }, [
      entered("AwaitIngest", 1),
      left("AwaitIngest", 2),
      entered("IsIngested", 2, "ChoiceStateEntered"),
      entered("TransformEvents", 2),
      left("TransformEvents", 9.5),
    ]);
    const pipeline = new Pipeline(stack, signal, async () => "/report.html");
    pipeline.start();
    const shown = await finished(pipeline);
    assert.equal(shown.title, "Execution run-1 SUCCEEDED in 12.3 s");
    assert.deepEqual(
      shown.states.map(({ name, phase, seconds }) => [name, phase, seconds]),
      [
        ["AwaitIngest", "done", 1],
        ["TransformEvents", "done", 7.5],
      ],
    );
    assert.equal(shown.result, "3 curated, 1 quarantined, 0 duplicates; partitions 2026-11-26");
    assert.deepEqual(shown.rows?.rows, [["purchase"]]);
    assert.equal(shown.report, "/report.html");
    assert.match(queries[0] ?? "", /WHERE event_date >= DATE '2026-11-26' ORDER BY event_time DESC LIMIT 8$/);
  });

  it("shows why an execution failed", async () => {
    const failed = {
      type: "TaskFailed",
      timestamp: at(3),
      taskFailedEventDetails: { error: "E", cause: "it broke" },
    };
    const { target: stack, queries } = target({ status: "FAILED", cause: "TransformEvents: it broke" }, [
      entered("TransformEvents", 2),
      failed,
    ]);
    const pipeline = new Pipeline(stack, signal);
    pipeline.start();
    const shown = await finished(pipeline);
    assert.deepEqual([shown.status, shown.states[0]?.phase], ["FAILED", "failed"]);
    assert.match(shown.result ?? "", /TransformEvents: it broke$/);
    assert.deepEqual(queries, []);
    assert.equal(pipeline.start(), true, "the button works again");
    await finished(pipeline);
  });
});
