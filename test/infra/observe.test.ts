import assert from "node:assert/strict";
import { alarmsOf as alarmsFor } from "../../infra/alarms";
import { readConfig } from "../../infra/config";
import { metricsOf } from "../../infra/metrics";
import { alarmInputs } from "../../infra/observe";
import { ingestBatch } from "../../lambdas/ingest/batch";
import { readWindow } from "../../lambdas/ingest/window";
import { jsonLog } from "../../lambdas/shared/log";
import { FakeClock, FakeS3, kinesisRecord } from "../lambdas/fakes";
import { extractMetrics } from "../lambdas/shared/emf";
import { evaluate as evaluateState, state } from "../statemachine/pipeline";
import { type AlarmInputs, type Data, stateOf } from "./cloudwatch";
import { evaluate, type Program } from "./program";

/** From AWS's lists of each service's metrics: the dimensions that a metric is told with, and its metrics. */
const METRICS_OF_AWS: Record<string, Record<string, string[]>> = {
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
    ],
    EventSourceMappingUUID: [
      ...["PolledEventCount", "FilteredOutEventCount", "InvokedEventCount", "FailedInvokeEventCount"],
      ...["DroppedEventCount", "OnFailureDestinationDeliveredEventCount", "DeletedEventCount"],
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
  Glue: {
    "JobName,JobRunId,Type": [
      ...["glue.driver.aggregate.elapsedTime", "glue.driver.aggregate.bytesRead"],
      ...["glue.driver.aggregate.recordsRead", "glue.driver.aggregate.numFailedTasks"],
    ],
  },
};

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

/** What the ingest and the state machine really tell, as "name of dimensions". */
async function ownMetrics(): Promise<Set<string>> {
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
  return new Set([
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

/** By alarm: when it has to go off, when it must not, and what it makes of no data at all. */
const SCENARIOS: Record<string, { fires: Data[]; silent: Data[]; nothing: "ALARM" | "OK" }> = {
  "no-events": {
    fires: [{ IncomingRecords: steady(9, 5, 1) }, { IncomingRecords: steady(0, 5) }],
    silent: [{ IncomingRecords: [[59, 1]] }, { IncomingRecords: steady(9, 5) }],
    nothing: "ALARM",
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
    nothing: "OK",
  },
  "stream-throttled": {
    fires: [{ WriteProvisionedThroughputExceeded: steady(1, 1) }],
    silent: [
      { WriteProvisionedThroughputExceeded: [[2, 500]] },
      { WriteProvisionedThroughputExceeded: steady(0, 1) },
    ],
    nothing: "OK",
  },
  "iterator-age": {
    fires: [{ IteratorAge: steady(15 * 60_000 + 1, 1) }],
    silent: [{ IteratorAge: steady(15 * 60_000, 1) }, { IteratorAge: [...steady(100, 1, 0.5), [2, 9e6]] }],
    nothing: "OK",
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
    nothing: "OK",
  },
  "ingest-errors": {
    fires: [{ Errors: [[1, 1]] }, { Errors: [[1, 0]], FailedInvokeEventCount: [[1, 20]] }],
    silent: [{ Errors: steady(0, 1), FailedInvokeEventCount: steady(0, 1) }, { Errors: [[90, 3]] }],
    nothing: "OK",
  },
  "ingest-throttled": {
    fires: [{ Throttles: steady(2, 1) }],
    silent: [{ Throttles: [[1, 9]] }, { Throttles: steady(0, 1) }],
    nothing: "OK",
  },
  "batches-given-up": {
    fires: [{ OnFailureDestinationDeliveredEventCount: [[1, 1]] }, { DroppedEventCount: [[4, 2]] }],
    silent: [{ OnFailureDestinationDeliveredEventCount: steady(0, 1), DroppedEventCount: steady(0, 1) }],
    nothing: "OK",
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
    nothing: "OK",
  },
  "execution-failed": {
    fires: [
      { ExecutionsFailed: [[1, 1]] },
      { ExecutionsTimedOut: [[2, 1]] },
      { ExecutionsAborted: [[3, 1]] },
    ],
    silent: [{ ExecutionsSucceeded: [[1, 1]] }, { ExecutionsFailed: steady(0, 1) }],
    nothing: "OK",
  },
  "no-success": {
    // Executions that left the work to another one succeed as well, and verify nothing.
    fires: [{ RunSeconds: [[181, 60]] }, { ExecutionsSucceeded: steady(1, 5) }],
    silent: [{ RunSeconds: [[179, 0]] }, { RunSeconds: steady(0, 5) }],
    nothing: "ALARM",
  },
};

/** The alarms of a configuration, without the rest of the program. */
function configured(config: Record<string, string>): AlarmInputs[] {
  const values = Object.entries(config).map(([key, value]) => [`c:${key}`, value]);
  const metrics = metricsOf({
    streamName: "stream",
    ingestFunction: "ingest",
    awaitIngestFunction: "await-ingest",
    simulatorFunction: "simulator",
    mappingUuid: "uuid",
    stateMachineArn: "machine",
    jobName: "job",
  });
  return alarmsFor(metrics, readConfig("c", Object.fromEntries(values))).map(
    (alarm) => alarmInputs(alarm, "topic") as unknown as AlarmInputs,
  );
}

describe("infra/observe", function () {
  this.timeout(120_000);
  let program: Program;
  let alarms: AlarmInputs[];
  before(async () => {
    program = await evaluate();
    alarms = alarmsOf(program);
  });
  const alarm = (name: string) => {
    const found = alarms.find((one) => one.name === `clickstream-test-${name}`);
    assert.ok(found, name);
    return found;
  };

  it("has the alarms that are described here, and no other", () => {
    const names = alarms.map(({ name }) => name.replace("clickstream-test-", ""));
    assert.deepEqual(names.sort(), Object.keys(SCENARIOS).sort());
  });

  for (const [name, { fires, silent, nothing }] of Object.entries(SCENARIOS)) {
    it(`${name} goes off where it should, and where it should not it does not`, () => {
      for (const data of fires) assert.equal(stateOf(alarm(name), data), "ALARM", JSON.stringify(data));
      for (const data of silent) assert.equal(stateOf(alarm(name), data), "OK", JSON.stringify(data));
      assert.equal(stateOf(alarm(name), {}), nothing, "no data");
    });
  }

  it("watches and shows just metrics that exist, with the dimensions that they exist with", async () => {
    const own = await ownMetrics();
    const watched = alarms.flatMap(({ metricQueries }) =>
      metricQueries.flatMap(({ metric }) => metric ?? []),
    );
    const shown = dashboardOf(program).widgets.flatMap(({ properties }) => shownIn(properties.metrics));
    assert.ok(watched.length > 10 && shown.length > 20);
    for (const { namespace, metricName, dimensions } of [...watched, ...shown]) {
      const names = Object.keys(dimensions).sort().join(",");
      const exists =
        METRICS_OF_AWS[namespace]?.[names]?.includes(metricName) ||
        own.has(`${namespace} ${metricName} ${names}`);
      assert.ok(exists, `${namespace} ${metricName} of ${names}`);
      for (const [dimension, value] of Object.entries(dimensions)) assert.ok(value, dimension);
    }
  });

  it("watches this stack's parts", () => {
    const values = alarms
      .flatMap(({ metricQueries }) => metricQueries)
      .flatMap(({ metric }) =>
        Object.entries(metric?.dimensions ?? {}).map(([name, value]) => `${name}=${value}`),
      );
    assert.deepEqual([...new Set(values)].sort(), [
      "EventSourceMappingUUID=clickstream-ingest-uuid",
      "FunctionName=clickstream-ingest-id",
      "Stack=clickstream-test",
      "StateMachineArn=arn:aws:sfn/stateMachine:StateMachine:clickstream-pipeline",
      "StreamName=clickstream-stream-id",
    ]);
  });

  it("sends each alarm to the failure topic, saying what it means, what to do and where more stands", () => {
    for (const { name, alarmActions, alarmDescription } of alarms) {
      assert.deepEqual(alarmActions, ["arn:aws:sns/topic:Topic:PipelineFailure"], name);
      assert.ok(alarmDescription.length > 100 && alarmDescription.length <= 1024, name);
      const section = `section "Alarm ${name.replace("clickstream-test-", "")}".`;
      assert.ok(alarmDescription.endsWith(section), name);
    }
  });

  it("stays within CloudWatch's limits at both ends of every key's range", () => {
    const least = {
      alarmNoEventsMinutes: "1",
      alarmVolumeDropPercent: "1",
      alarmIteratorAgeMinutes: "2",
      alarmNoSuccessHours: "2",
    };
    const most = {
      alarmNoEventsMinutes: "1440",
      alarmVolumeDropPercent: "99",
      alarmIteratorAgeMinutes: "1439",
      alarmNoSuccessHours: "168",
    };
    for (const config of [least, most]) {
      for (const { name, metricQueries, evaluationPeriods, datapointsToAlarm } of configured(config)) {
        const metrics = metricQueries.flatMap(({ metric }) => metric ?? []);
        const [{ period = 0 } = {}] = metrics;
        assert.ok(
          metrics.every((metric) => metric.period === period),
          name,
        );
        assert.ok(period > 0 && period % 60 === 0 && period <= 86_400, name);
        assert.ok(period * evaluationPeriods <= (period < 3600 ? 86_400 : 604_800), name);
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
    const strict = configured({ alarmQuarantinePercent: "1", alarmNoEventsMinutes: "5" });
    const named = (name: string) => strict.find((one) => one.name.endsWith(name)) as AlarmInputs;
    const data = { EventsAccepted: [[10, 98]], LinesQuarantined: [[10, 2]] } satisfies Data;
    assert.equal(stateOf(named("quarantine-ratio"), data), "ALARM");
    assert.equal(stateOf(named("no-events"), { IncomingRecords: [[6, 1]] }), "ALARM");
    const off = configured({
      alarmNoEventsMinutes: "0",
      alarmVolumeDropPercent: "0",
      alarmIteratorAgeMinutes: "0",
      alarmQuarantinePercent: "0",
      alarmNoSuccessHours: "0",
    });
    assert.deepEqual(off.map(({ name }) => name.replace("clickstream-test-", "")).sort(), [
      ...["batches-given-up", "execution-failed", "ingest-errors", "ingest-stalled", "ingest-throttled"],
      "stream-throttled",
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

  it("misses no success where nothing is scheduled", () => {
    const names = configured({ scheduleEnabled: "false" }).map(({ name }) => name);
    assert.ok(!names.includes("clickstream-test-no-success"));
  });

  it("draws widgets that lie within the console's grid and on no other", () => {
    const { widgets } = dashboardOf(program);
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
  });

  it("shows all that a person asks of the pipeline's state", () => {
    const shown = new Set(
      dashboardOf(program).widgets.flatMap(({ properties }) =>
        shownIn(properties.metrics).map(({ metricName }) => metricName),
      ),
    );
    for (const name of [
      ...["IncomingRecords", "GetRecords.Records", "IteratorAge", "Errors", "Duration", "Throttles"],
      ...["OnFailureDestinationDeliveredEventCount", "LinesQuarantined", "ExecutionsSucceeded"],
      ...["ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted", "ExecutionTime"],
      ...["glue.driver.aggregate.elapsedTime", "EventsAccepted", "IncomingBytes", "BytesGzip"],
    ]) {
      assert.ok(shown.has(name), name);
    }
  });

  it("lets just this stack's alarms publish to the failure topic, and the account what it could before", () => {
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

  it("encrypts the topics with a key that lets CloudWatch publish", () => {
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
