// What the way into the stack costs: the stream or Firehose, and the collector.

import { WORK } from "./assumptions";
import { type Flow, GB } from "./flow";
import { type Line, line } from "./line";
import type { Plan, StreamPlan } from "./plan";
import { HOURS_PER_MONTH } from "./schedule";

const STREAM = "aws:kinesis/stream:Stream";
const LAMBDA = "aws:lambda/function:Function";
const WEEK_HOURS = 168;

export function collectLines(plan: Plan, flow: Flow): Line[] {
  return [
    ...(plan.stream ? streamLines(plan, plan.stream, flow) : []),
    ...(plan.delivery ? deliveryLines(flow) : []),
    ...collectorLines(plan, flow),
  ];
}

function streamLines(plan: Plan, stream: StreamPlan, flow: Flow): Line[] {
  const hoursOver = (hours: number) => Math.max(0, plan.retentionHours - hours);
  const gbPerHour = (flow.records * flow.recordBytes) / GB / HOURS_PER_MONTH;
  const longTermGb = gbPerHour * hoursOver(WEEK_HOURS);
  const longTerm = line(
    "collect",
    "Kinesis: records older than 7 days",
    "kinesis.longTermGbMonth",
    longTermGb,
    "GB-months",
    STREAM,
  );
  if (stream.mode === "PROVISIONED") {
    const shardHours = stream.shards * HOURS_PER_MONTH;
    return [
      line("collect", "Kinesis: shards", "kinesis.shardHour", shardHours, "shard hours", STREAM),
      line("collect", "Kinesis: PUT units", "kinesis.putUnit", flow.putUnits, "units of 25 KB", STREAM),
      line(
        "collect",
        "Kinesis: retention of more than a day",
        "kinesis.extendedShardHour",
        hoursOver(24) > 0 ? shardHours : 0,
        "shard hours",
        STREAM,
      ),
      longTerm,
    ];
  }
  const rounded = (Math.ceil(flow.recordBytes / 1024) * 1024 * flow.records) / GB;
  const extendedGb = gbPerHour * (Math.min(plan.retentionHours, WEEK_HOURS) - 24);
  return [
    line(
      "collect",
      "Kinesis: the stream, on demand",
      "kinesis.onDemandStreamHour",
      HOURS_PER_MONTH,
      "stream hours",
      STREAM,
    ),
    line("collect", "Kinesis: written, on demand", "kinesis.onDemandInGb", rounded, "GB", STREAM),
    line(
      "collect",
      "Kinesis: read, on demand",
      "kinesis.onDemandOutGb",
      (flow.records * flow.recordBytes) / GB,
      "GB",
      STREAM,
    ),
    line(
      "collect",
      "Kinesis: retention of more than a day",
      "kinesis.onDemandExtendedGbMonth",
      extendedGb,
      "GB-months",
      STREAM,
    ),
    longTerm,
  ];
}

const DELIVERY = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream";

function deliveryLines({ firehoseGb }: Flow): Line[] {
  return [
    line("collect", "Firehose: records taken", "firehose.gb", firehoseGb, "GB in steps of 5 KB", DELIVERY),
  ];
}

const API = "aws:apigatewayv2/api:Api";
/** API Gateway bills a request to an HTTP API in steps of 512 KB. The collector takes 256 KB at most. */
const STEPS_PER_REQUEST = 1;

function collectorLines({ collector }: Plan, { requests }: Flow): Line[] {
  if (collector === undefined) return [];
  const gbSeconds = (requests * WORK.collectorSecondsPerRequest * collector.memoryMb) / 1024;
  return [
    line(
      "collect",
      "API Gateway: requests to the collector",
      "apigateway.httpRequest",
      requests * STEPS_PER_REQUEST,
      "requests",
      API,
    ),
    line("collect", "Lambda: collector, requests", "lambda.request", requests, "requests", LAMBDA),
    line("collect", "Lambda: collector, arm64", "lambda.armGbSecond", gbSeconds, "GB-seconds", LAMBDA),
  ];
}
