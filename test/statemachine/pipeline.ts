// The rendered state machine with readable values, and Step Functions' JSONata by the reference implementation.

import jsonata from "jsonata";
import { type PipelineValues, renderPipeline } from "../../statemachine/render";

const VALUES: PipelineValues = {
  StackName: "dev",
  QualifiedStackName: "shop-dev",
  MetricsNamespace: "Clickstream",
  Partition: "aws",
  Region: "eu-west-1",
  Way: "stream",
  StreamName: "clicks",
  CollectedSeconds: 60,
  SimulatorArn: "SIMULATOR_ARN",
  SimulatorTimeoutSeconds: 900,
  SimulatorLogGroup: "/lake/simulator",
  AwaitIngestArn: "AWAIT_INGEST_ARN",
  LookForNewArn: "LOOK_FOR_NEW_ARN",
  LookForNewLogGroup: "/lake/look-for-new",
  IngestLogGroup: "/lake/ingest",
  IngestWaitSeconds: 900,
  FailedBatches: "s3://raw/aws/lambda/",
  RawEvents: "s3://raw/raw/",
  JobName: "JOB",
  JobTimeoutSeconds: 4500,
  JobOutputLogGroup: "/lake/transform/output",
  JobErrorLogGroup: "/lake/transform/error",
  JobWaitSeconds: 9000,
  CuratedBucket: "CURATED",
  SummariesPrefix: "runs/summaries/",
  Database: "lake_dev",
  EventsTable: "events",
  JobTable: "events",
  QuarantineTable: "quarantine",
  Workgroup: "lake",
  CrawlerName: "",
  QueryTimeoutSeconds: 1800,
  SuccessTopicArn: "SUCCESS_TOPIC",
  FailureTopicArn: "FAILURE_TOPIC",
  AthenaConsoleUrl: "https://console/athena",
  ExecutionConsoleUrl: "https://console/executions/",
  ExecutionTimeoutSeconds: 30000,
};

interface Catcher {
  ErrorEquals: string[];
  Next: string;
  Assign?: { failure?: Record<string, string> };
  Output?: unknown;
}

interface Retrier {
  ErrorEquals: string[];
  IntervalSeconds: number;
  BackoffRate: number;
  JitterStrategy: string;
  MaxDelaySeconds: number;
  MaxAttempts: number;
}

export interface State {
  Type: string;
  Resource?: string;
  Seconds?: unknown;
  Next?: string;
  Default?: string;
  End?: boolean;
  Choices?: { Condition: string; Next: string }[];
  Catch?: Catcher[];
  Retry?: Retrier[];
  TimeoutSeconds?: number;
  Arguments?: Record<string, unknown>;
  Assign?: Record<string, unknown>;
  Output?: unknown;
  Error?: string;
  Cause?: string;
}

export interface Definition {
  QueryLanguage: string;
  StartAt: string;
  TimeoutSeconds: number;
  States: Record<string, State>;
}

export const DEFINITION = JSON.parse(renderPipeline(VALUES)) as Definition;

const DELIVERED = {
  StreamName: "",
  CollectedSeconds: 330,
  FailedBatches: "s3://raw/aws/firehose/",
};

/** The same with Firehose instead of a stream. */
export const FIREHOSE = JSON.parse(
  renderPipeline({ ...VALUES, ...DELIVERED, Way: "firehose" }),
) as Definition;

/** The same with a crawler. */
export const CRAWLING = JSON.parse(
  renderPipeline({ ...VALUES, CrawlerName: "CRAWLER", CrawlTimeoutSeconds: 3600 }, ["crawl"]),
) as Definition;

const { LookForNewArn: _, ...shared } = VALUES;

const ARRIVING: PipelineValues = {
  ...shared,
  ...DELIVERED,
  Way: "arrival",
  CheckArrivalArn: "CHECK_ARRIVAL_ARN",
  LookForNewLogGroup: "/lake/check-arrival",
  JobTable: "curated_events",
  ArrivedTable: "arrived_events",
};

/** The state machine of the way `arrival`. */
export const ARRIVAL = JSON.parse(renderPipeline(ARRIVING, ["arrival"])) as Definition;

/** The same with a crawler. */
export const CRAWLING_ARRIVAL = JSON.parse(
  renderPipeline({ ...ARRIVING, CrawlerName: "CRAWLER", CrawlTimeoutSeconds: 3600 }, ["crawl", "arrival"]),
) as Definition;

export function state(name: string, definition = DEFINITION): State {
  const found = definition.States[name];
  if (!found) throw new Error(`There is no state ${name}.`);
  return found;
}

const STARTED = "2026-11-21T09:00:00.000Z";

/** In which state, and how long after the execution began. */
export interface Moment {
  state?: string;
  seconds?: number;
}

/** Evaluates all `{% %}` in a template. */
export async function evaluate(
  template: unknown,
  variables: Record<string, unknown>,
  states: Record<string, unknown> = {},
  moment: Moment = {},
): Promise<unknown> {
  if (Array.isArray(template)) {
    return Promise.all(template.map((item) => evaluate(item, variables, states, moment)));
  }
  if (typeof template === "object" && template !== null) {
    const entries = Object.entries(template).map(async ([key, value]) => [
      key,
      await evaluate(value, variables, states, moment),
    ]);
    return Object.fromEntries(await Promise.all(entries));
  }
  if (typeof template !== "string" || !template.startsWith("{%")) return template;
  const expression = jsonata(template.slice(2, -2));
  expression.registerFunction("parse", (text: string) => JSON.parse(text));
  expression.registerFunction("millis", () => Date.parse(STARTED) + (moment.seconds ?? 24) * 1000);
  const context = {
    Execution: { Id: "EXECUTION_ARN", Name: "run-1", StartTime: STARTED },
    StateMachine: { Id: "MACHINE_ARN" },
    State: { Name: moment.state },
  };
  const value = await expression.evaluate(undefined, { ...variables, states: { context, ...states } });
  // What Step Functions answers with States.QueryEvaluationError.
  if (value === undefined) throw new Error(`The expression has no value: ${template}`);
  // jsonata marks its sequences with properties of their own.
  return value === null ? null : JSON.parse(JSON.stringify(value));
}
