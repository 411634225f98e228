// The rendered state machine with readable values, and Step Functions' JSONata by the reference implementation.

import jsonata from "jsonata";
import { type PipelineValues, renderPipeline } from "../../statemachine/render";

export const VALUES: PipelineValues = {
  StackName: "dev",
  QualifiedStackName: "shop-dev",
  MetricsNamespace: "Clickstream",
  Region: "eu-west-1",
  SimulatorArn: "SIMULATOR_ARN",
  SimulatorTimeoutSeconds: 900,
  SimulatorLogGroup: "/lake/simulator",
  AwaitIngestArn: "AWAIT_INGEST_ARN",
  IngestLogGroup: "/lake/ingest",
  IngestWaitSeconds: 900,
  FailedBatches: "s3://raw/aws/lambda/",
  RawEvents: "s3://raw/raw/",
  JobName: "JOB",
  JobTimeoutSeconds: 4500,
  JobLogGroup: "/lake/transform/error",
  ConcurrencyRetrySeconds: 60,
  ConcurrencyAttempts: 150,
  CuratedBucket: "CURATED",
  Database: "lake_dev",
  EventsTable: "events",
  QuarantineTable: "quarantine",
  Workgroup: "lake",
  QueryTimeoutSeconds: 1800,
  SuccessTopicArn: "SUCCESS_TOPIC",
  FailureTopicArn: "FAILURE_TOPIC",
  AthenaConsoleUrl: "https://console/athena",
  ExecutionConsoleUrl: "https://console/executions/",
  ExecutionTimeoutSeconds: 30000,
};

export interface State {
  Type: string;
  Next?: string;
  Default?: string;
  End?: boolean;
  Choices?: { Condition: string; Next: string }[];
  Catch?: { ErrorEquals: string[]; Next: string; Assign: { failure?: { state: string } } }[];
  Retry?: { ErrorEquals: string[]; JitterStrategy: string; MaxDelaySeconds: number; MaxAttempts: number }[];
  TimeoutSeconds?: number;
  Arguments?: Record<string, unknown>;
  Assign?: Record<string, unknown>;
  Output?: unknown;
  Error?: string;
  Cause?: string;
}

export const DEFINITION = JSON.parse(renderPipeline(VALUES)) as {
  QueryLanguage: string;
  StartAt: string;
  TimeoutSeconds: number;
  States: Record<string, State>;
};

export function state(name: string): State {
  const found = DEFINITION.States[name];
  if (!found) throw new Error(`There is no state ${name}.`);
  return found;
}

const STARTED = "2026-11-21T09:00:00.000Z";

/** Evaluates all `{% %}` in a template, 24 seconds after the execution began. */
export async function evaluate(
  template: unknown,
  variables: Record<string, unknown>,
  states: Record<string, unknown> = {},
): Promise<unknown> {
  if (Array.isArray(template)) return Promise.all(template.map((item) => evaluate(item, variables, states)));
  if (typeof template === "object" && template !== null) {
    const entries = Object.entries(template).map(async ([key, value]) => [
      key,
      await evaluate(value, variables, states),
    ]);
    return Object.fromEntries(await Promise.all(entries));
  }
  if (typeof template !== "string" || !template.startsWith("{%")) return template;
  const expression = jsonata(template.slice(2, -2));
  expression.registerFunction("parse", (text: string) => JSON.parse(text));
  expression.registerFunction("millis", () => Date.parse(STARTED) + 24_000);
  const context = {
    Execution: { Id: "EXECUTION_ARN", Name: "run-1", StartTime: STARTED },
    StateMachine: { Id: "MACHINE_ARN" },
  };
  const value = await expression.evaluate(undefined, { ...variables, states: { context, ...states } });
  // What Step Functions answers with States.QueryEvaluationError.
  if (value === undefined) throw new Error(`The expression has no value: ${template}`);
  // jsonata marks its sequences with properties of their own.
  return value === null ? null : JSON.parse(JSON.stringify(value));
}
