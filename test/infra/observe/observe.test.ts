import assert from "node:assert/strict";
import { readConfig } from "../../../infra/config/config";
import { WAYS, type Way } from "../../../infra/config/keys";
import { alarmsOf as alarmsFor } from "../../../infra/observe/alarms";
import { metricsOf } from "../../../infra/observe/metrics";
import { alarmInputs } from "../../../infra/observe/observe";
import { ingestBatch } from "../../../lambdas/ingest/batch";
import { readWindow } from "../../../lambdas/ingest/window";
import { jsonLog } from "../../../lambdas/shared/log";
import { FakeClock, FakeS3, kinesisRecord } from "../../lambdas/fakes";
import { extractMetrics } from "../../lambdas/shared/emf";
import { evaluate as evaluateState, state } from "../../statemachine/pipeline";
import { type AlarmInputs, type Data, stateOf } from "../cloudwatch";
import { evaluate, type Program } from "../program";

/** From AWS's lists of each service's metrics: the dimensions that a metric is told with, and its metrics. */
const METRICS_OF_AWS: Record<string, Record<string, string[]>> = {
  "AWS/ApiGateway": { ApiId: ["4xx", "5xx", "Count", "IntegrationLatency", "Latency", "DataProcessed"] },
  "AWS/Firehose": {
    DeliveryStreamName: [
      ...["IncomingBytes", "IncomingPutRequests", "IncomingRecords", "ThrottledRecords"],
      ...["DeliveryToS3.Bytes", "DeliveryToS3.DataFreshness", "DeliveryToS3.Records"],
      ...["DeliveryToS3.Success", "ExecuteProcessing.Duration", "ExecuteProcessing.Success"],
      ...["SucceedProcessing.Bytes", "SucceedProcessing.Records"],
    ],
  },
  "AWS/Kinesis": {
    StreamName: [
      ...["IncomingBytes", "IncomingRecords", "GetRecords.Bytes", "GetRecords.IteratorAgeMilliseconds"],
      ...["GetRecords.Latency", "GetRecords.Records", "GetRecords.Success", "PutRecord.Bytes"],
      ...["PutRecords.Bytes", "PutRecords.Records", "ReadProvisionedThroughputExceeded"],
      "WriteProvisionedThroughputExceeded",
    ],
  },
  "AWS/Lambda": {
    FunctionName: [
      ...[
        "Invocations",
        "Errors",
        "DeadLetterErrors",
        "DestinationDeliveryFailures",
        "Throttles",
        "Duration",
      ],
      ...["IteratorAge", "ConcurrentExecutions", "PostRuntimeExtensionsDuration"],
      ...["AsyncEventsReceived", "AsyncEventAge", "AsyncEventsDropped"],
    ],
    EventSourceMappingUUID: [
      ...["PolledEventCount", "FilteredOutEventCount", "InvokedEventCount", "FailedInvokeEventCount"],
      ...["DroppedEventCount", "OnFailureDestinationDeliveredEventCount", "DeletedEventCount"],
    ],
  },
  "AWS/SQS": {
    QueueName: [
      ...["ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesNotVisible"],
      ...["ApproximateNumberOfMessagesVisible", "NumberOfMessagesDeleted", "NumberOfMessagesReceived"],
      "NumberOfMessagesSent",
    ],
  },
  "AWS/States": {
    StateMachineArn: [
      ...[
        "ExecutionTime",
        "ExecutionThrottled",
        "ExecutionsAborted",
        "ExecutionsFailed",
        "ExecutionsStarted",
      ],
      ...["ExecutionsSucceeded", "ExecutionsTimedOut"],
    ],
  },
};

/** Whether the way has what makes a metric: some exist for Lambda's and AWS's other callers only. */
function isMadeBy(way: Way, namespace: string, metricName: string): boolean {
  if (["AWS/Kinesis", "AWS/Firehose"].includes(namespace))
    return (namespace === "AWS/Kinesis") === (way === "stream");
  if (namespace === "AWS/SQS" || /^(Async|Destination)/.test(metricName)) return way === "arrival";
  return metricName === "IteratorAge" ? way === "stream" : true;
}

interface Shown {
  namespace: string;
  metricName: string;
  dimensions: Record<string, string>;
}

const alarmsOf = (program: Program) =>
  program.of("aws:cloudwatch/metricAlarm:MetricAlarm").map(({ inputs }) => inputs as unknown as AlarmInputs);

function dashboardOf(program: Program) {
  const [dashboard, ...more] = program.of("aws:cloudwatch/dashboard:Dashboard");
  assert.deepEqual(more, []);
  return JSON.parse(String(dashboard?.inputs.dashboardBody)) as {
    widgets: { x: number; y: number; width: number; height: number; properties: Properties }[];
  };
}

interface Properties {
  title: string;
  region: string;
  period: number;
  metrics: [...(string | Record<string, unknown>)[]][];
}

/** A row of a widget is the namespace, the name, names and values of dimensions, and options. */
function shownIn(rows: Properties["metrics"]): Shown[] {
  return rows
    .filter(([first]) => typeof first === "string")
    .map((row) => {
      const [namespace = "", metricName = "", ...pairs] = row.filter((part) => typeof part === "string");
      const dimensions: Record<string, string> = {};
      for (let at = 0; at < pairs.length; at += 2) dimensions[pairs[at] ?? ""] = pairs[at + 1] ?? "";
      return { namespace, metricName, dimensions };
    });
}

/** What the ingest, the state machine and the filter of the access log really tell, as "name of dimensions". */
async function ownMetrics(program: Program): Promise<Set<string>> {
  const lines: string[] = [];
  await ingestBatch([kinesisRecord("broken", "1")], {
    s3: new FakeS3().client,
    bucket: "raw",
    stack: "clickstream-test",
    window: readWindow({ EARLIEST_EVENT_TIME: "2000-01-01T00:00:00Z", LATEST_EVENT_LEAD_HOURS: "24" }),
    clock: new FakeClock(),
    log: jsonLog({}, (line) => lines.push(line)),
  });
  const told = lines.flatMap(extractMetrics);
  const report = { curated: 1, quarantined: 0, duplicates: 0, seconds: 1, reprocess: null };
  const { Namespace, MetricData } = (await evaluateState(state("RecordMetrics").Arguments, { report })) as {
    Namespace: string;
    MetricData: { MetricName: string; Dimensions: { Name: string }[] }[];
  };
  const counted = program.of("aws:cloudwatch/logMetricFilter:LogMetricFilter").map(({ inputs }) => {
    const metric = inputs.metricTransformation as Record<"namespace" | "name", string> & {
      dimensions: object;
    };
    return `${metric.namespace} ${metric.name} ${Object.keys(metric.dimensions)}`;
  });
  return new Set([
    ...counted,
    ...told.map(({ namespace, name, dimensions }) => `${namespace} ${name} ${Object.keys(dimensions)}`),
    ...MetricData.map(
      ({ MetricName, Dimensions }) => `${Namespace} ${MetricName} ${Dimensions.map(({ Name }) => Name)}`,
    ),
  ]);
}

/** A value every five minutes, from `fromHours` back to `toHours` back. */
function steady(value: number, fromHours: number, toHours = 0): [number, number][] {
  const points: [number, number][] = [];
  for (let minutes = fromHours * 60 - 1; minutes >= toHours * 60; minutes -= 5) points.push([minutes, value]);
  return points;
}

/** By alarm: when it has to go off, and when it must not. Of no data at all none goes off. */
const SCENARIOS: Record<string, { fires: Data[]; silent: Data[] }> = {
  "collector-errors": {
    fires: [{ "5xx": steady(2, 1), Count: steady(100, 1) }],
    silent: [
      { "5xx": steady(1, 1), Count: steady(100, 1) },
      { "5xx": [[2, 50]], Count: steady(100, 1) },
      { Count: steady(100, 1) },
    ],
  },
  "collector-throttled": {
    fires: [{ RequestsThrottled: steady(1, 1) }, { Throttles: steady(1, 1) }],
    silent: [{ RequestsThrottled: [[2, 900]] }, { Throttles: steady(0, 1) }, { "4xx": steady(50, 1) }],
  },
  "collector-slow": {
    fires: [{ Latency: steady(3001, 1) }],
    silent: [{ Latency: steady(3000, 1) }, { Latency: [...steady(200, 1, 0.5), [2, 9000]] }],
  },
  "no-events": {
    fires: [{ IncomingRecords: steady(9, 5, 1) }, { IncomingRecords: [[61, 1]] }],
    silent: [
      { IncomingRecords: [[59, 1]] },
      { IncomingRecords: steady(9, 5) },
      // A silent night that has ended, and a stack that never had any: CloudWatch may get zeros, or nothing.
      { IncomingRecords: [...steady(9, 30, 20), ...steady(9, 1)] },
      { IncomingRecords: steady(0, 5) },
    ],
  },
  "volume-drop": {
    fires: [
      { EventsAccepted: [...steady(100, 48, 24), ...steady(49, 24)] },
      { EventsAccepted: steady(100, 48, 13) },
    ],
    silent: [
      { EventsAccepted: steady(100, 48) },
      { EventsAccepted: [...steady(100, 48, 24), ...steady(51, 24)] },
      { EventsAccepted: steady(100, 1) },
      { EventsAccepted: [...steady(10, 48, 24), ...steady(1000, 24)] },
    ],
  },
  "stream-throttled": {
    fires: [{ WriteProvisionedThroughputExceeded: steady(1, 1) }],
    silent: [
      { WriteProvisionedThroughputExceeded: [[2, 500]] },
      { WriteProvisionedThroughputExceeded: steady(0, 1) },
    ],
  },
  "iterator-age": {
    fires: [{ IteratorAge: steady(15 * 60_000 + 1, 1) }],
    silent: [{ IteratorAge: steady(15 * 60_000, 1) }, { IteratorAge: [...steady(100, 1, 0.5), [2, 9e6]] }],
  },
  "ingest-stalled": {
    fires: [
      { IncomingRecords: steady(5, 1) },
      { IncomingRecords: steady(5, 1), Invocations: steady(1, 2, 1) },
    ],
    silent: [
      { IncomingRecords: steady(5, 1), Invocations: steady(1, 1) },
      { IncomingRecords: steady(0, 1) },
      { Invocations: steady(1, 1) },
      { IncomingRecords: [[3, 5]] },
    ],
  },
  "ingest-errors": {
    fires: [{ Errors: [[1, 1]] }, { Errors: [[1, 0]], FailedInvokeEventCount: [[1, 20]] }],
    silent: [{ Errors: steady(0, 1), FailedInvokeEventCount: steady(0, 1) }, { Errors: [[90, 3]] }],
  },
  "ingest-throttled": {
    fires: [{ Throttles: steady(2, 1) }],
    silent: [{ Throttles: [[1, 9]] }, { Throttles: steady(0, 1) }],
  },
  "batches-given-up": {
    fires: [{ OnFailureDestinationDeliveredEventCount: [[1, 1]] }, { DroppedEventCount: [[4, 2]] }],
    silent: [{ OnFailureDestinationDeliveredEventCount: steady(0, 1), DroppedEventCount: steady(0, 1) }],
  },
  "delivery-throttled": {
    fires: [{ ThrottledRecords: steady(1, 1) }],
    silent: [{ ThrottledRecords: [[2, 500]] }, { ThrottledRecords: steady(0, 1) }],
  },
  // Firehose collects events for 300 seconds here, and up to 30 for a call of the ingest.
  "delivery-stalled": {
    fires: [{ "DeliveryToS3.DataFreshness": steady(931, 1) }],
    silent: [
      { "DeliveryToS3.DataFreshness": steady(930, 1) },
      { "DeliveryToS3.DataFreshness": [...steady(330, 1, 0.5), [2, 5000]] },
    ],
  },
  "delivery-failed": {
    fires: [{ "DeliveryToS3.Success": steady(0, 1) }, { "DeliveryToS3.Success": steady(0.9, 1) }],
    silent: [{ "DeliveryToS3.Success": steady(1, 1) }, { "DeliveryToS3.Success": [[2, 0]] }],
  },
  "ingest-failed": {
    fires: [{ Errors: [[1, 1]] }, { "ExecuteProcessing.Success": [[1, 0.5]] }],
    silent: [{ Errors: steady(0, 1), "ExecuteProcessing.Success": steady(1, 1) }, { Errors: [[90, 3]] }],
  },
  "objects-failed": {
    fires: [
      { ApproximateNumberOfMessagesVisible: steady(1, 1) },
      { DestinationDeliveryFailures: [[1, 1]] },
      { ApproximateNumberOfMessagesVisible: [[1, 0]], DestinationDeliveryFailures: [[1, 2]] },
    ],
    silent: [
      { ApproximateNumberOfMessagesVisible: steady(0, 1), DestinationDeliveryFailures: steady(0, 1) },
      { ApproximateNumberOfMessagesVisible: [...steady(5, 2, 1), ...steady(0, 1)] },
    ],
  },
  "to-parquet-errors": {
    fires: [{ Errors: [[1, 1]] }],
    silent: [{ Errors: steady(0, 1) }, { Errors: [[90, 3]] }],
  },
  "to-parquet-throttled": {
    fires: [{ Throttles: steady(2, 1) }],
    silent: [{ Throttles: [[1, 9]] }, { Throttles: steady(0, 1) }],
  },
  "arrival-late": {
    fires: [{ AsyncEventAge: steady(15 * 60_000 + 1, 1) }],
    // The two retries of one event, and one moment.
    silent: [{ AsyncEventAge: steady(200_000, 1) }, { AsyncEventAge: [...steady(50, 1, 0.5), [2, 9e6]] }],
  },
  "quarantine-ratio": {
    fires: [
      { EventsAccepted: [[10, 94]], LinesQuarantined: [[10, 6]] },
      { EventsAccepted: [[10, 0]], LinesQuarantined: [[10, 1]] },
    ],
    silent: [
      { EventsAccepted: [[10, 95]], LinesQuarantined: [[10, 5]] },
      { EventsAccepted: [[10, 0]], LinesQuarantined: [[10, 0]] },
    ],
  },
  "execution-failed": {
    fires: [
      { ExecutionsFailed: [[1, 1]] },
      { ExecutionsTimedOut: [[2, 1]] },
      { ExecutionsAborted: [[3, 1]] },
    ],
    silent: [{ ExecutionsSucceeded: [[1, 1]] }, { ExecutionsFailed: steady(0, 1) }],
  },
  "no-success": {
    fires: [
      { IncomingRecords: steady(5, 4), RunSeconds: [[181, 60]] },
      { IncomingRecords: steady(5, 4) },
      // Executions that left the work to another one succeed as well, and verify nothing.
      { IncomingRecords: steady(5, 4), ExecutionsSucceeded: steady(1, 5) },
      // Never one that succeeded, and one record that waits.
      { IncomingRecords: [[179, 1]] },
    ],
    silent: [
      { IncomingRecords: steady(5, 4), RunSeconds: [[179, 0]] },
      { IncomingRecords: steady(5, 5), RunSeconds: steady(0, 5) },
      // Nothing waits: a stack that nobody uses, one whose first records have just come, one without a schedule's start.
      { IncomingRecords: steady(0, 5) },
      { IncomingRecords: steady(5, 1) },
      { RunSeconds: [[400, 60]] },
    ],
  },
};

const DELIVERY_ONLY = ["delivery-failed", "delivery-stalled", "delivery-throttled", "ingest-failed"];
const ARRIVAL_ONLY = ["arrival-late", "objects-failed", "to-parquet-errors", "to-parquet-throttled"];

/** The alarms that not all ways have. */
const OF_THE_WAY: Record<Way, string[]> = {
  stream: ["batches-given-up", "ingest-errors", "ingest-stalled", "iterator-age", "stream-throttled"],
  firehose: DELIVERY_ONLY,
  arrival: [...DELIVERY_ONLY, ...ARRIVAL_ONLY],
};

/** Also of a test's list of alarms, those that a way has. */
const ofWay = (way: Way, names: string[]) => {
  const others = new Set(Object.values(OF_THE_WAY).flat());
  return names.filter((name) => !others.has(name) || OF_THE_WAY[way].includes(name)).sort();
};

/** How many more periods than the alarm's own CloudWatch may look at: AWS names no number. */
const MORE = [0, 2, 5];

/** What CloudWatch knows at a minute of what happened at minutes since the first `pulumi up`. */
const at = (minute: number, happened: Record<string, [minute: number, value: number][]>): Data =>
  Object.fromEntries(
    Object.entries(happened).map(([metric, points]) => [
      metric,
      points
        .filter(([then]) => then <= minute)
        .map(([then, value]): [number, number] => [minute - then, value]),
    ]),
  );

/** Something every `every` minutes, from one minute to before another. */
const every = (every: number, from: number, to: number): [number, number][] =>
  Array.from({ length: Math.ceil((to - from) / every) }, (_, index) => [from + index * every, 1]);

/** The alarms of a configuration, without the rest of the program. */
function configured(config: Record<string, string>): AlarmInputs[] {
  const values = Object.entries(config).map(([key, value]) => [`c:${key}`, value]);
  const { way = "stream" } = config;
  const metrics = metricsOf({
    source:
      way === "stream"
        ? { streamName: "stream", mappingUuid: "uuid" }
        : { deliveryStreamName: "delivery", collectedSeconds: 330 },
    ...(way === "arrival" && { arrival: { functionName: "to-parquet", queueName: "failed" } }),
    ingestFunction: "ingest",
    awaitIngestFunction: "await-ingest",
    checkFunction: "check",
    simulatorFunction: "simulator",
    collector: { apiId: "api", functionName: "collector" },
    stateMachineArn: "machine",
  });
  return alarmsFor(metrics, readConfig("c", Object.fromEntries(values))).map(
    (alarm) => alarmInputs(alarm, "topic") as unknown as AlarmInputs,
  );
}

describe("infra/observe/observe", function () {
  this.timeout(120_000);
  let program: Program;
  let alarms: AlarmInputs[];
  const programs = {} as Record<Way, Program>;
  before(async () => {
    for (const way of WAYS)
      programs[way] = await evaluate({ way, collector: "true", collectorOrigins: '["*"]' });
    program = programs.stream;
    alarms = alarmsOf(program);
  });
  const alarm = (name: string) => {
    const found = alarms.find((one) => one.name === `clickstream-test-${name}`);
    assert.ok(found, name);
    return found;
  };

  it("has the alarms that are described here, and no other", () => {
    for (const way of WAYS) {
      const names = alarmsOf(programs[way]).map(({ name }) => name.replace("clickstream-test-", ""));
      assert.deepEqual(names.sort(), ofWay(way, Object.keys(SCENARIOS)), way);
    }
  });

  for (const [name, { fires, silent }] of Object.entries(SCENARIOS)) {
    it(`${name} fires when it should and not otherwise`, () => {
      const found = WAYS.flatMap((way) =>
        alarmsOf(programs[way]).filter((one) => one.name === `clickstream-test-${name}`),
      );
      assert.equal(found.length, WAYS.filter((way) => ofWay(way, [name]).length === 1).length);
      for (const [one, more] of found.flatMap((one) => MORE.map((more) => [one, more] as const))) {
        const state = (data: Data) => stateOf(one, data, more);
        for (const data of fires) assert.equal(state(data), "ALARM", `${more} ${JSON.stringify(data)}`);
        for (const data of silent) assert.equal(state(data), "OK", `${more} ${JSON.stringify(data)}`);
        assert.equal(state({}), "OK", "no data");
      }
    });
  }

  it("no alarm fires in a new stack, whether its traffic comes late or never", () => {
    const DAYS = 1440;
    // Up at 0, records from the third day on, an execution each hour that succeeds four minutes later.
    const never = {
      RunSeconds: every(60, 4, 9 * DAYS),
      ExecutionsSucceeded: every(60, 4, 9 * DAYS),
      ExecutionsStarted: every(60, 0, 9 * DAYS),
    };
    const late = {
      ...never,
      IncomingRecords: every(5, 2 * DAYS, 9 * DAYS),
      Invocations: every(5, 2 * DAYS, 9 * DAYS),
      EventsAccepted: every(5, 2 * DAYS, 9 * DAYS),
    };
    for (const more of MORE) {
      for (const minute of [
        1,
        4,
        61,
        179,
        181,
        DAYS,
        2 * DAYS + 1,
        2 * DAYS + 59,
        2 * DAYS + 181,
        4 * DAYS,
      ]) {
        for (const one of WAYS.flatMap((way) => alarmsOf(programs[way]))) {
          assert.equal(stateOf(one, at(minute, never), more), "OK", `${one.name} at ${minute}`);
          assert.equal(stateOf(one, at(minute, late), more), "OK", `${one.name} at ${minute}`);
        }
      }
    }
  });

  it("no-events fires at each new outage, ends with the first record, and does not stay forever", () => {
    const DAY = 1440;
    const happened = {
      IncomingRecords: [...every(5, 3000, 4000), ...every(5, 5000, 6000), ...every(5, 30_000, 30_010)],
    };
    const states: [minute: number, state: "ALARM" | "OK"][] = [
      ...[0, 2999, 3001, 3999, 4054].map((minute): [number, "OK"] => [minute, "OK"]),
      ...[4056, 4500, 4999].map((minute): [number, "ALARM"] => [minute, "ALARM"]),
      ...[5000, 5500, 6054].map((minute): [number, "OK"] => [minute, "OK"]),
      ...[6056, 6000 + DAY - 120].map((minute): [number, "ALARM"] => [minute, "ALARM"]),
      // It has been said, and the stack is one without traffic by now: the next record starts it again.
      ...[6000 + DAY + 6 * 60, 29_999, 30_005].map((minute): [number, "OK"] => [minute, "OK"]),
      [30_070, "ALARM"],
    ];
    for (const more of MORE) {
      for (const [minute, state] of states) {
        assert.equal(stateOf(alarm("no-events"), at(minute, happened), more), state, `${more}: ${minute}`);
      }
    }
  });

  it("no-success fires if nothing was processed since the first record, and ends with the first success", () => {
    const records = { IncomingRecords: every(5, 1000, 9000) };
    const states = (succeeded: [number, number][], expected: Record<number, "ALARM" | "OK">) => {
      for (const [minute, state] of Object.entries(expected)) {
        const data = at(Number(minute), { ...records, RunSeconds: succeeded });
        for (const more of MORE) assert.equal(stateOf(alarm("no-success"), data, more), state, minute);
      }
    };
    states([], { 999: "OK", 1001: "OK", 1119: "OK", 1181: "ALARM", 8000: "ALARM" });
    states([[2000, 1]], { 1999: "ALARM", 2000: "OK", 2179: "OK", 2181: "ALARM" });
  });

  it("no-success of an hour does not take an execution that has just started for one that fails", () => {
    const hourly = configured({ alarmNoSuccessHours: "1", scheduleExpression: "rate(30 minutes)" });
    const noSuccess = hourly.find(({ name }) => name.endsWith("no-success")) as AlarmInputs;
    const happened = { IncomingRecords: every(1, 0, 600), RunSeconds: every(30, 5, 600) };
    for (const more of MORE) {
      for (let minute = 1; minute < 500; minute += 1) {
        assert.equal(stateOf(noSuccess, at(minute, happened), more), "OK", `${more}: ${minute}`);
      }
      const stopped = { ...happened, RunSeconds: every(30, 5, 300) };
      assert.equal(stateOf(noSuccess, at(400, stopped), more), "ALARM");
    }
  });

  it("is created after the topic allows CloudWatch to publish", async () => {
    const reached = program.dependencies("aws:cloudwatch/metricAlarm:MetricAlarm", "alarmActions");
    assert.equal(reached.size, alarms.length);
    for (const [name, resources] of reached)
      assert.ok(resources.includes("TopicPolicy PipelineFailure"), name);
  });

  it("watches and shows just metrics that exist, with the dimensions that they exist with", async () => {
    for (const way of WAYS) {
      const own = await ownMetrics(programs[way]);
      const watched = alarmsOf(programs[way]).flatMap(({ metricQueries }) =>
        metricQueries.flatMap(({ metric }) => metric ?? []),
      );
      const { widgets } = dashboardOf(programs[way]);
      const shown = widgets.flatMap(({ properties }) => shownIn(properties.metrics));
      assert.ok(watched.length > 10 && shown.length > 20);
      for (const { namespace, metricName, dimensions } of [...watched, ...shown]) {
        const names = Object.keys(dimensions).sort().join(",");
        const exists =
          METRICS_OF_AWS[namespace]?.[names]?.includes(metricName) ||
          own.has(`${namespace} ${metricName} ${names}`);
        assert.ok(exists, `${way}: ${namespace} ${metricName} of ${names}`);
        for (const [dimension, value] of Object.entries(dimensions)) assert.ok(value, dimension);
        assert.ok(isMadeBy(way, namespace, metricName), `${way}: nothing makes ${namespace} ${metricName}`);
      }
    }
  });

  it("watches this stack's parts", () => {
    const valuesOf = (way: Way) =>
      alarmsOf(programs[way])
        .flatMap(({ metricQueries }) => metricQueries)
        .flatMap(({ metric }) =>
          Object.entries(metric?.dimensions ?? {}).map(([name, value]) => `${name}=${value}`),
        );
    const expected = (own: string[]) =>
      [
        "ApiId=clickstream-collector-id",
        "FunctionName=clickstream-collector-id",
        "FunctionName=clickstream-ingest-id",
        "Stack=clickstream-test",
        "StateMachineArn=arn:aws:sfn/stateMachine:StateMachine:clickstream-pipeline",
        ...own,
      ].sort();
    const delivery = "DeliveryStreamName=clickstream-delivery-id";
    const own: Record<Way, string[]> = {
      stream: ["EventSourceMappingUUID=clickstream-ingest-uuid", "StreamName=clickstream-stream-id"],
      firehose: [delivery],
      arrival: [
        delivery,
        "FunctionName=clickstream-to-parquet-id",
        "QueueName=clickstream-objects-failed-id",
      ],
    };
    for (const way of WAYS) assert.deepEqual([...new Set(valuesOf(way))].sort(), expected(own[way]), way);
  });

  it("sends each alarm to the failure topic, with its meaning, the remedy and where to read more", () => {
    for (const { name, alarmActions, alarmDescription } of WAYS.flatMap((way) => alarmsOf(programs[way]))) {
      assert.deepEqual(alarmActions, ["arn:aws:sns/topic:Topic:PipelineFailure"], name);
      assert.ok(alarmDescription.length > 100 && alarmDescription.length <= 1024, name);
      const section = `section "Alarm ${name.replace("clickstream-test-", "")}".`;
      assert.ok(alarmDescription.endsWith(section), name);
    }
  });

  it("stays within CloudWatch's limits at both ends of every key's range", () => {
    const least = {
      alarmNoEventsMinutes: "10",
      alarmVolumeDropPercent: "1",
      alarmIteratorAgeMinutes: "2",
      alarmNoSuccessHours: "1",
      scheduleExpression: "rate(30 minutes)",
    };
    const most = {
      alarmNoEventsMinutes: "1440",
      alarmVolumeDropPercent: "99",
      alarmIteratorAgeMinutes: "1439",
      alarmNoSuccessHours: "168",
    };
    const between = { ...least, alarmNoEventsMinutes: "59", alarmNoSuccessHours: "2" };
    const { alarmIteratorAgeMinutes: _least, ...leastOfArrival } = least;
    const { alarmIteratorAgeMinutes: _most, ...mostOfArrival } = most;
    const arrival = [leastOfArrival, mostOfArrival].map((config) => ({ ...config, way: "arrival" }));
    for (const config of [least, between, most, ...arrival]) {
      for (const { name, metricQueries, evaluationPeriods, datapointsToAlarm } of configured(config)) {
        const metrics = metricQueries.flatMap(({ metric }) => metric ?? []);
        const [{ period = 0 } = {}] = metrics;
        assert.ok(
          metrics.every((metric) => metric.period === period),
          name,
        );
        assert.ok(period > 0 && period % 60 === 0 && period <= 86_400, name);
        assert.ok(period * evaluationPeriods <= (period < 3600 ? 86_400 : 604_800), name);
        // Alarms on more than a day are judged once an hour: only where the limit itself is that long.
        const long = ["no-events", "no-success", "volume-drop"].some((one) => name.endsWith(one));
        assert.ok(
          period * evaluationPeriods <= 86_400 ||
            (config.alarmNoEventsMinutes === "1440" && long) ||
            period === 86_400,
          name,
        );
        assert.ok(datapointsToAlarm >= 1 && datapointsToAlarm <= evaluationPeriods, name);
        assert.ok(metrics.length <= 10, name);
        assert.ok(
          metricQueries.every(({ id }) => /^[a-z][A-Za-z0-9_]*$/.test(id)),
          name,
        );
        assert.equal(metricQueries.filter(({ returnData }) => returnData).length, 1, name);
      }
    }
  });

  it("follows the configuration: limits as set, 0 for no such alarm", () => {
    const strict = configured({ alarmQuarantinePercent: "1", alarmNoEventsMinutes: "10" });
    const named = (name: string) => strict.find((one) => one.name.endsWith(name)) as AlarmInputs;
    const data = { EventsAccepted: [[10, 98]], LinesQuarantined: [[10, 2]] } satisfies Data;
    assert.equal(stateOf(named("quarantine-ratio"), data), "ALARM");
    assert.equal(stateOf(named("no-events"), { IncomingRecords: [[9, 1]] }), "OK");
    assert.equal(stateOf(named("no-events"), { IncomingRecords: [[11, 1]] }), "ALARM");
    const off = configured({
      alarmNoEventsMinutes: "0",
      alarmVolumeDropPercent: "0",
      alarmIteratorAgeMinutes: "0",
      alarmQuarantinePercent: "0",
      alarmNoSuccessHours: "0",
    });
    assert.deepEqual(off.map(({ name }) => name.replace("clickstream-test-", "")).sort(), [
      ...["batches-given-up", "collector-errors", "collector-slow", "collector-throttled"],
      ...["execution-failed", "ingest-errors", "ingest-stalled", "ingest-throttled", "stream-throttled"],
    ]);
  });

  it("has the mapping count its records where anything shows or watches them, and else makes nothing", async () => {
    const MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping";
    const counted = program.named(MAPPING, "clickstream-ingest").metricsConfig;
    assert.deepEqual(counted, { metrics: ["EventCount"] });
    const none = await evaluate({ alarms: "false", dashboard: "false" });
    assert.equal(none.named(MAPPING, "clickstream-ingest").metricsConfig, undefined);
    assert.deepEqual(alarmsOf(none), []);
    assert.deepEqual(none.of("aws:sns/topicPolicy:TopicPolicy"), []);
    assert.deepEqual(none.of("aws:cloudwatch/dashboard:Dashboard"), []);
  });

  it("has no alarm on missing success if nothing is scheduled", () => {
    const names = configured({ scheduleEnabled: "false" }).map(({ name }) => name);
    assert.ok(!names.includes("clickstream-test-no-success"));
  });

  it("draws widgets that lie within the console's grid and on no other", () => {
    for (const way of WAYS) {
      const { widgets } = dashboardOf(programs[way]);
      const taken = new Set<string>();
      for (const { x, y, width, height, properties } of widgets) {
        assert.ok(x >= 0 && x + width <= 24 && width > 0 && height > 0);
        assert.equal(properties.region, "eu-west-1");
        assert.ok(properties.period % 60 === 0 && properties.title.length > 0);
        for (let column = x; column < x + width; column += 1) {
          for (let row = y; row < y + height; row += 1) {
            assert.ok(!taken.has(`${column},${row}`), properties.title);
            taken.add(`${column},${row}`);
          }
        }
        const ids = properties.metrics.map((row) => (row.at(-1) as { id: string }).id);
        assert.equal(new Set(ids).size, ids.length);
        for (const row of properties.metrics) {
          const { expression = "" } = row.at(-1) as { expression?: string };
          for (const [id] of expression.matchAll(/\bm\d+\b/g)) assert.ok(ids.includes(id), expression);
        }
      }
    }
  });

  it("has graphs of Firehose and of what happens on arrival just in the ways that have them", () => {
    const titles = (way: Way) => dashboardOf(programs[way]).widgets.map(({ properties }) => properties.title);
    const labels = (way: Way) =>
      dashboardOf(programs[way]).widgets.flatMap(({ properties }) =>
        properties.metrics.map((row) => (row.at(-1) as { label?: string }).label),
      );
    const arrival = ["objects", "delay", "failed objects"].map((what) => `Parquet on arrival: ${what}`);
    const matching = (way: Way, pattern: RegExp) => titles(way).filter((title) => pattern.test(title)).length;
    assert.deepEqual(titles("arrival").slice(3, 6), arrival);
    assert.deepEqual([...titles("arrival").slice(0, 3), ...titles("arrival").slice(6)], titles("firehose"));
    assert.deepEqual([matching("stream", /^Firehose/), matching("firehose", /^Firehose/)], [0, 3]);
    assert.deepEqual([matching("stream", /^Stream/), matching("firehose", /^Stream/)], [1, 0]);
    assert.ok(
      labels("arrival").includes("check-arrival errors") &&
        !labels("arrival").includes("look-for-new errors"),
    );
    assert.ok(labels("firehose").includes("look-for-new errors"));
  });

  it("has the collector's alarms and graphs, a row of them, just where there is a collector", async () => {
    const without = await evaluate();
    assert.deepEqual(
      alarmsOf(without).filter(({ name }) => /collector/.test(name)),
      [],
    );
    const titles = (of: Program) => dashboardOf(of).widgets.map(({ properties }) => properties.title);
    assert.deepEqual(titles(program).slice(0, 3), [
      ...["Collector: requests", "Collector: latency", "Collector: Lambda"],
    ]);
    assert.deepEqual(titles(without), titles(program).slice(3));
  });

  it("shows the state of every part of the pipeline", () => {
    const shown = new Set(
      dashboardOf(program).widgets.flatMap(({ properties }) =>
        shownIn(properties.metrics).map(({ metricName }) => metricName),
      ),
    );
    for (const name of [
      ...["IncomingRecords", "GetRecords.Records", "IteratorAge", "Errors", "Duration", "Throttles"],
      ...["OnFailureDestinationDeliveredEventCount", "LinesQuarantined", "ExecutionsSucceeded"],
      ...["ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted", "ExecutionTime"],
      ...["EventsAccepted", "RowsCurated", "RunSeconds", "IncomingBytes"],
    ]) {
      assert.ok(shown.has(name), name);
    }
  });

  it("allows only this stack's alarms to publish to the failure topic, and the account what it could do before", () => {
    const [policy, ...more] = program.of("aws:sns/topicPolicy:TopicPolicy");
    assert.deepEqual(more, []);
    assert.equal(policy?.inputs.arn, "arn:aws:sns/topic:Topic:PipelineFailure");
    const [account, cloudWatch] = JSON.parse(String(policy?.inputs.policy)).Statement;
    assert.deepEqual(account.Principal, { AWS: "arn:aws:iam::123456789012:root" });
    assert.deepEqual(account.Action, [
      ...["sns:GetTopicAttributes", "sns:SetTopicAttributes", "sns:AddPermission", "sns:RemovePermission"],
      ...["sns:DeleteTopic", "sns:Subscribe", "sns:ListSubscriptionsByTopic", "sns:Publish"],
    ]);
    assert.deepEqual(cloudWatch, {
      Sid: "AlarmsOfThisStack",
      Effect: "Allow",
      Principal: { Service: "cloudwatch.amazonaws.com" },
      Action: "sns:Publish",
      Resource: "arn:aws:sns/topic:Topic:PipelineFailure",
      Condition: {
        StringEquals: { "aws:SourceAccount": "123456789012" },
        ArnLike: { "aws:SourceArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:clickstream-test-*" },
      },
    });
  });

  it("encrypts the topics with a key that allows CloudWatch to publish", () => {
    const { kmsMasterKeyId } = program.named("aws:sns/topic:Topic", "PipelineFailure");
    assert.equal(kmsMasterKeyId, "arn:aws:kms/key:Key:clickstream-key");
  });

  it("refuses limits at which an alarm would always or never go off", () => {
    const problems = (values: Record<string, string>) => {
      try {
        readConfig(
          "c",
          Object.fromEntries(Object.entries(values).map(([key, value]) => [`c:${key}`, value])),
        );
        return [];
      } catch (error) {
        return (error as Error).message
          .split("\n")
          .slice(1)
          .map((line) => line.trim());
      }
    };
    assert.match(
      problems({ alarmIteratorAgeMinutes: "1" }).join(),
      /c:alarmIteratorAgeMinutes must be longer than c:batchWindowSeconds \(60 seconds\), got 1: .*Raise it/,
    );
    assert.match(
      problems({ alarmIteratorAgeMinutes: "1440" }).join(),
      /must be less than c:streamRetentionHours \(24 hours\), got 1440: .*Lower it/,
    );
    for (const scheduleExpression of ["rate(3 hours)", "rate(180 minutes)", "rate(1 day)"]) {
      assert.match(
        problems({ scheduleExpression }).join(),
        /c:alarmNoSuccessHours must be longer than the time between two executions \(c:scheduleExpression rate.*\), got 3: .*Raise it/,
      );
      const without: Record<string, string>[] = [
        { alarms: "false" },
        { scheduleEnabled: "false" },
        { alarmNoSuccessHours: "0" },
      ];
      for (const other of without) {
        assert.deepEqual(problems({ scheduleExpression, ...other }), []);
      }
    }
    assert.deepEqual(problems({ scheduleExpression: "rate(2 hours)" }), []);
    assert.deepEqual(problems({ scheduleExpression: "cron(0 3 * * ? *)" }), []);
  });
});
