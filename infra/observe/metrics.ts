// The metrics of the dashboard and the alarms: those of AWS's services for the stack's parts, and our own.

import type * as pulumi from "@pulumi/pulumi";
import {
  type INGEST_METRICS,
  METRICS_NAMESPACE,
  type RUN_METRICS,
  STACK_DIMENSION,
} from "../../lambdas/shared/metrics";
import { qualifiedName } from "../blocks/names";
import type { THROTTLED_METRIC } from "../collect/collector";

export interface Metric {
  namespace: string;
  metricName: string;
  dimensions: Record<string, pulumi.Input<string>>;
  stat: "Sum" | "Maximum" | "Average" | "SampleCount" | "p50" | "p99";
}

/** What takes the events, by its name in CloudWatch's dimensions: a stream with its mapping, or a delivery stream. */
export type ObservedSource =
  | {
      streamName: pulumi.Input<string>;
      /** UUID of the event source mapping between stream and ingest. */
      mappingUuid: pulumi.Input<string>;
    }
  | {
      deliveryStreamName: pulumi.Input<string>;
      /** How long events are collected before they are in the raw bucket. */
      collectedSeconds: number;
    };

/** The names of the stack's parts in CloudWatch's dimensions. */
export interface ObservedParts {
  source: ObservedSource;
  ingestFunction: pulumi.Input<string>;
  /** What tells whether there is anything to do: look-for-new, or check-arrival with `arrival`. */
  checkFunction: pulumi.Input<string>;
  awaitIngestFunction: pulumi.Input<string>;
  simulatorFunction: pulumi.Input<string>;
  /** Only if the stack has one. */
  collector?: { apiId: pulumi.Input<string>; functionName: pulumi.Input<string> };
  /** Only if a Lambda writes Parquet on arrival: that one, and the queue of the objects for which it failed. */
  arrival?: { functionName: pulumi.Input<string>; queueName: pulumi.Input<string> };
  stateMachineArn: pulumi.Input<string>;
}

type LambdaMetric = "Invocations" | "Errors" | "Throttles" | "Duration" | "IteratorAge";
/** Of a function that S3 calls: Lambda itself queues the events, and tries again. */
type AsyncMetric = "AsyncEventAge" | "DestinationDeliveryFailures";
type QueueMetric = "ApproximateNumberOfMessagesVisible";
type MappingMetric =
  | "FailedInvokeEventCount"
  | "DroppedEventCount"
  | "OnFailureDestinationDeliveredEventCount";
type ApiMetric = "Count" | "4xx" | "5xx" | "Latency" | "IntegrationLatency";
type StreamMetric =
  | "IncomingRecords"
  | "IncomingBytes"
  | "GetRecords.Records"
  | "GetRecords.Bytes"
  | "WriteProvisionedThroughputExceeded";
type DeliveryMetric =
  | "IncomingRecords"
  | "IncomingBytes"
  | "ThrottledRecords"
  | "DeliveryToS3.Records"
  | "DeliveryToS3.Bytes"
  | "DeliveryToS3.DataFreshness"
  | "DeliveryToS3.Success"
  | "ExecuteProcessing.Success";
type ExecutionMetric =
  | "ExecutionsStarted"
  | "ExecutionsSucceeded"
  | "ExecutionsFailed"
  | "ExecutionsTimedOut"
  | "ExecutionsAborted"
  | "ExecutionTime";

export type Metrics = ReturnType<typeof metricsOf>;
export type StreamMetrics = ReturnType<typeof streamMetrics>;
export type DeliveryMetrics = ReturnType<typeof deliveryMetrics>;
export type CollectorMetrics = NonNullable<Metrics["collector"]>;
export type ArrivalMetrics = NonNullable<Metrics["arrival"]>;

export function metricsOf(parts: ObservedParts) {
  const own = { [STACK_DIMENSION]: qualifiedName() };
  return {
    source: "streamName" in parts.source ? streamMetrics(parts.source) : deliveryMetrics(parts.source),
    lambda: (
      part: "ingestFunction" | "awaitIngestFunction" | "checkFunction" | "simulatorFunction",
      metricName: LambdaMetric,
      stat: Metric["stat"] = "Sum",
    ): Metric => ({
      namespace: "AWS/Lambda",
      metricName,
      dimensions: { FunctionName: parts[part] },
      stat,
    }),
    /** Undefined without a collector. */
    collector: parts.collector && collectorMetrics(parts.collector),
    /** Undefined where no Lambda writes Parquet. */
    arrival: parts.arrival && arrivalMetrics(parts.arrival),
    execution: (metricName: ExecutionMetric, stat: Metric["stat"] = "Sum"): Metric => ({
      namespace: "AWS/States",
      metricName,
      dimensions: { StateMachineArn: parts.stateMachineArn },
      stat,
    }),
    own: (
      metricName: keyof typeof INGEST_METRICS | keyof typeof RUN_METRICS | typeof THROTTLED_METRIC,
      stat: Metric["stat"] = "Sum",
    ): Metric => ({ namespace: METRICS_NAMESPACE, metricName, dimensions: own, stat }),
  };
}

function streamMetrics({ streamName, mappingUuid }: Extract<ObservedSource, { streamName: unknown }>) {
  const stream = (metricName: StreamMetric, stat: Metric["stat"] = "Sum"): Metric => ({
    namespace: "AWS/Kinesis",
    metricName,
    dimensions: { StreamName: streamName },
    stat,
  });
  return {
    kind: "stream" as const,
    /** The records that arrive. */
    incoming: stream("IncomingRecords"),
    stream,
    mapping: (metricName: MappingMetric): Metric => ({
      namespace: "AWS/Lambda",
      metricName,
      dimensions: { EventSourceMappingUUID: mappingUuid },
      stat: "Sum",
    }),
  };
}

function deliveryMetrics(source: Extract<ObservedSource, { deliveryStreamName: unknown }>) {
  const delivery = (metricName: DeliveryMetric, stat: Metric["stat"] = "Sum"): Metric => ({
    namespace: "AWS/Firehose",
    metricName,
    dimensions: { DeliveryStreamName: source.deliveryStreamName },
    stat,
  });
  return {
    kind: "delivery" as const,
    /** The records that arrive. */
    incoming: delivery("IncomingRecords"),
    delivery,
    collectedSeconds: source.collectedSeconds,
  };
}

function collectorMetrics({ apiId, functionName }: NonNullable<ObservedParts["collector"]>) {
  return {
    api: (metricName: ApiMetric, stat: Metric["stat"] = "Sum"): Metric => ({
      namespace: "AWS/ApiGateway",
      metricName,
      dimensions: { ApiId: apiId },
      stat,
    }),
    lambda: (metricName: LambdaMetric, stat: Metric["stat"] = "Sum"): Metric => ({
      namespace: "AWS/Lambda",
      metricName,
      dimensions: { FunctionName: functionName },
      stat,
    }),
  };
}

function arrivalMetrics({ functionName, queueName }: NonNullable<ObservedParts["arrival"]>) {
  return {
    lambda: (metricName: LambdaMetric | AsyncMetric, stat: Metric["stat"] = "Sum"): Metric => ({
      namespace: "AWS/Lambda",
      metricName,
      dimensions: { FunctionName: functionName },
      stat,
    }),
    queue: (metricName: QueueMetric, stat: Metric["stat"]): Metric => ({
      namespace: "AWS/SQS",
      metricName,
      dimensions: { QueueName: queueName },
      stat,
    }),
  };
}
