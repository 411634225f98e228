// Checks what AWS reports some minutes later: published mails, alarms, metrics, traces.
import {
  DescribeAlarmHistoryCommand,
  DescribeAlarmsCommand,
  GetMetricStatisticsCommand,
  ListMetricsCommand,
} from "@aws-sdk/client-cloudwatch";
import { ListEventSourceMappingsCommand } from "@aws-sdk/client-lambda";
import { GetTraceSummariesCommand } from "@aws-sdk/client-xray";
import { MINUTE_MS } from "../../../lambdas/shared/durations";
import { METRICS_NAMESPACE, RUN_METRICS, STACK_DIMENSION } from "../../../lambdas/shared/metrics";
import { alarms } from "../switches";
import { seen, unexpected, type Verdict } from "../verdict";
import { type ExecutionFact, qualified, until, type World } from "../world";

const LATE_SECONDS = 600;

function ended(world: World, ...states: string[]): number {
  const { simulate, poison, quiet, refuse, raise, reprocess } = world.facts;
  const all: (ExecutionFact | undefined)[] = [simulate, poison, quiet, refuse, raise, reprocess];
  return all.filter((one) => one && states.includes(one.status)).length;
}

export async function mailsPublished(world: World): Promise<Verdict> {
  const topics = [
    { arn: world.outputs.successTopicArn, status: "SUCCEEDED", least: ended(world, "SUCCEEDED") },
    { arn: world.outputs.failureTopicArn, status: "FAILED", least: ended(world, "FAILED") },
  ];
  const words: string[] = [];
  for (const { arn, status, least } of topics) {
    const name = arn.split(":").at(-1) ?? arn;
    const count = await published(world, name, status, least);
    if (count < least)
      return unexpected(`${least} executions ended ${status}, but ${name} published ${count} mails`);
    words.push(`${name} published ${count}`);
  }
  return seen(words.join(", "));
}

/** On AWS the count of SNS, which does not depend on subscribers; locally the mails themselves. */
async function published(world: World, TopicName: string, status: string, least: number): Promise<number> {
  const { mails } = world.deployer;
  let last = 0;
  await until(world, `mails of ${TopicName}`, LATE_SECONDS, async () => {
    last = mails
      ? (await mails.call(world.deployer)).filter(
          ({ kind, subject }) =>
            kind === "notification" && /: FAILED in /.test(subject) === (status === "FAILED"),
        ).length
      : await sumOf(world, "AWS/SNS", "NumberOfMessagesPublished", { TopicName });
    return last >= least ? last : undefined;
  });
  return last;
}

async function sumOf(
  world: World,
  Namespace: string,
  MetricName: string,
  dimensions: Record<string, string>,
): Promise<number> {
  const { Datapoints = [] } = await world.clients.cloudwatch.send(
    new GetMetricStatisticsCommand({
      Namespace,
      MetricName,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
      StartTime: new Date(Date.parse(world.facts.began) - MINUTE_MS),
      EndTime: new Date(),
      Period: 300,
      Statistics: ["Sum"],
    }),
  );
  return Datapoints.reduce((sum, { Sum = 0 }) => sum + Sum, 0);
}

export async function ingestMetrics(world: World): Promise<Verdict> {
  const least = world.facts.simulate?.report?.curated ?? 1;
  const dimensions = { [STACK_DIMENSION]: qualified(world) };
  let sum = 0;
  const found = await until(world, "the ingest's metrics", LATE_SECONDS, async () => {
    sum = await sumOf(world, METRICS_NAMESPACE, "EventsAccepted", dimensions);
    return sum >= least ? sum : undefined;
  });
  return found === undefined
    ? unexpected(`EventsAccepted adds up to ${sum}, but one execution alone curated ${least} events`)
    : seen(`EventsAccepted adds up to ${sum}`);
}

export async function runMetrics(world: World): Promise<Verdict> {
  const wanted = Object.keys(RUN_METRICS);
  let names: string[] = [];
  const found = await until(world, "the state machine's metrics", LATE_SECONDS, async () => {
    const { Metrics = [] } = await world.clients.cloudwatch.send(
      new ListMetricsCommand({
        Namespace: METRICS_NAMESPACE,
        Dimensions: [{ Name: STACK_DIMENSION, Value: qualified(world) }],
      }),
    );
    names = Metrics.map(({ MetricName = "" }) => MetricName);
    return wanted.every((name) => names.includes(name)) ? names : undefined;
  });
  return found
    ? seen(wanted.join(", "))
    : unexpected(`expected are ${wanted.join(", ")}; CloudWatch has ${names.join(", ") || "none"}`);
}

export async function mappingMetrics(world: World): Promise<Verdict> {
  const { EventSourceMappings = [] } = await world.clients.lambda.send(
    new ListEventSourceMappingsCommand({ FunctionName: world.outputs.ingestFunction }),
  );
  const UUID = EventSourceMappings[0]?.UUID;
  if (UUID === undefined) return unexpected("the ingest has no event source mapping");
  const MetricName = "OnFailureDestinationDeliveredEventCount";
  let sum = 0;
  await until(world, "the mapping's counts", LATE_SECONDS, async () => {
    sum = await sumOf(world, "AWS/Lambda", MetricName, { EventSourceMappingUUID: UUID });
    return sum > 0 ? sum : undefined;
  });
  return sum > 0
    ? seen(`${MetricName} of ${UUID} is ${sum}`)
    : unexpected(`${MetricName} with the dimension EventSourceMappingUUID ${UUID} has no data`);
}

/** Nothing has gone wrong yet, so no alarm may be in ALARM. */
export async function alarmsQuiet(world: World): Promise<Verdict> {
  const names = await alarms(world);
  if (names.length === 0) return unexpected("the stack has no alarm");
  const { MetricAlarms = [] } = await world.clients.cloudwatch.send(
    new DescribeAlarmsCommand({ AlarmNames: names, StateValue: "ALARM" }),
  );
  return MetricAlarms.length === 0
    ? seen(`0 of ${names.length} alarms firing`)
    : unexpected(MetricAlarms.map(({ AlarmName, StateReason }) => `${AlarmName}: ${StateReason}`).join("\n"));
}

/** The alarm's history shows whether its action reached the topic, through the topic's policy and key. */
export async function alarmFires(world: World): Promise<Verdict> {
  const AlarmName = `${qualified(world)}-execution-failed`;
  let last: string[] = [];
  const fired = await until(world, `${AlarmName} to fire`, LATE_SECONDS, async () => {
    const { AlarmHistoryItems = [] } = await world.clients.cloudwatch.send(
      new DescribeAlarmHistoryCommand({ AlarmName, StartDate: new Date(world.facts.began), MaxRecords: 100 }),
    );
    last = AlarmHistoryItems.map(({ HistorySummary = "" }) => HistorySummary);
    return AlarmHistoryItems.find(({ HistoryItemType }) => HistoryItemType === "Action");
  });
  if (fired === undefined)
    return unexpected(
      `${AlarmName} did nothing after a failed execution; its history: ${last.join("; ") || "empty"}`,
    );
  const { HistorySummary = "", HistoryData = "" } = fired;
  return /^Successfully/i.test(HistorySummary)
    ? seen(HistorySummary)
    : unexpected(`${HistorySummary} ${HistoryData}`);
}

export async function traces(world: World): Promise<Verdict> {
  const names = [world.outputs.simulatorFunction, world.outputs.ingestFunction];
  const found = await until(world, "traces", 180, async () => {
    const { TraceSummaries = [] } = await world.clients.xray.send(
      new GetTraceSummariesCommand({
        StartTime: new Date(world.facts.began),
        EndTime: new Date(),
        FilterExpression: names.map((name) => `service("${name}")`).join(" OR "),
      }),
    );
    return TraceSummaries.length > 0 ? TraceSummaries : undefined;
  });
  return found ? seen(`${found.length} traces`) : unexpected(`X-Ray has no trace of ${names.join(" or ")}`);
}
