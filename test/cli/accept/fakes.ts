// A world for a check: clients that answer as a test says and refuse what it does not expect, and the facts of a good run.

import { clientsOf } from "../../../cli/accept/clients";
import type { Deployer } from "../../../cli/accept/deployer";
import type { ExecutionFact, Facts, World } from "../../../cli/accept/world";
import { localClientConfig } from "../../../stack/aws";
import type { StackOutputs } from "../../../stack/outputs";
import type { RunReport } from "../../../stack/run-report";

export const OUTPUTS: StackOutputs = {
  way: "stream",
  deliveryStreamName: "",
  streamName: "clickstream-stream-1",
  rawBucket: "clickstream-raw-1",
  curatedBucket: "clickstream-curated-1",
  scriptsBucket: "clickstream-scripts-1",
  resultsBucket: "clickstream-results-1",
  database: "clickstream_accept",
  eventsTable: "events",
  quarantineTable: "quarantine",
  workgroup: "clickstream-workgroup-1",
  stateMachineArn: "arn:aws:states:eu-west-1:123456789012:stateMachine:clickstream-pipeline-1",
  simulatorFunction: "clickstream-simulator-1",
  collectorUrl: "",
  collectorFunction: "",
  collectorScriptIntegrity: "",
  ingestFunction: "clickstream-ingest-1",
  awaitIngestFunction: "clickstream-await-ingest-1",
  lookForNewFunction: "clickstream-look-for-new-1",
  checkArrivalFunction: "",
  toParquetFunction: "",
  deadLetterQueueUrl: "",
  jobName: "clickstream-transform-1",
  crawlerName: "",
  successTopicArn: "arn:aws:sns:eu-west-1:123456789012:PipelineSuccess-1",
  failureTopicArn: "arn:aws:sns:eu-west-1:123456789012:PipelineFailure-1",
};

const REPORT = {
  curated: 90,
  quarantined: 4,
  duplicates: 6,
  partitions: ["2026-11-25", "2026-11-26"],
} as RunReport;

export function execution(fields: Partial<ExecutionFact> = {}): ExecutionFact {
  return {
    name: "one",
    status: "SUCCEEDED",
    seconds: 60,
    left: ["SimulateTraffic", "AwaitIngest", "LookForNew", "TransformEvents", "VerifyTables"],
    report: REPORT,
    sent: 100,
    ...fields,
  };
}

/** The simulated execution, in a table that was empty. */
export function simulated(fields: Partial<ExecutionFact> = {}) {
  return { ...execution(fields), rowsBefore: 0 };
}

/** What a good run has found. */
export function facts(fields: Partial<Facts> = {}): Facts {
  return {
    began: "2026-11-26T08:00:00.000Z",
    marker: "accept-1",
    outputs: OUTPUTS,
    roles: ["arn:aws:iam::123456789012:role/clickstream-accept/job-1"],
    simulate: simulated(),
    ...fields,
  };
}

/** By the command's name (`GetMetricStatistics`): the answer, or what makes it of the input. */
export type Answers = Record<string, unknown>;

export function world(answers: Answers = {}, fields: Partial<World> = {}): World {
  const clients = clientsOf(localClientConfig("http://127.0.0.1:9"));
  for (const client of Object.values(clients)) {
    (client as unknown as { send: (command: Command) => Promise<unknown> }).send = async (command) =>
      answerTo(command, answers);
  }
  return {
    target: "aws",
    project: "clickstream",
    stack: "accept",
    region: "eu-west-1",
    config: { region: "eu-west-1" },
    clients,
    outputs: OUTPUTS,
    facts: facts(),
    deployer: { log: () => "" } as Deployer,
    patience: 0,
    signal: new AbortController().signal,
    say: () => undefined,
    keep: () => undefined,
    ...fields,
  };
}

interface Command {
  constructor: { name: string };
  input: Record<string, unknown>;
}

function answerTo(command: Command, answers: Answers): unknown {
  const { input } = command;
  const name = command.constructor.name.replace(/Command$/, "");
  if (!(name in answers)) throw new Error(`The test has no answer to ${name}`);
  const answer = answers[name];
  if (answer instanceof Error) throw answer;
  return typeof answer === "function" ? answer(input) : answer;
}

/** Athena answers each query with the rows that `of` gives for its text. */
export function athena(of: (sql: string) => (string | number)[][]): Answers {
  const asked: string[] = [];
  return {
    StartQueryExecution: ({ QueryString }: { QueryString: string }) => {
      asked.push(QueryString);
      return { QueryExecutionId: String(asked.length - 1) };
    },
    GetQueryExecution: { QueryExecution: { Status: { State: "SUCCEEDED" } } },
    GetQueryResults: ({ QueryExecutionId }: { QueryExecutionId: string }) => {
      const rows = of(asked[Number(QueryExecutionId)] ?? "");
      const columns = rows[0] ?? [];
      return {
        ResultSet: {
          ResultSetMetadata: {
            ColumnInfo: columns.map((value, index) => ({
              Name: `c${index}`,
              Type: typeof value === "number" ? "bigint" : "varchar",
            })),
          },
          Rows: rows.map((row) => ({ Data: row.map((value) => ({ VarCharValue: String(value) })) })),
        },
      };
    },
  };
}
