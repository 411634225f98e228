// The two ways in which events get into the raw bucket: by a Kinesis stream and the ingest, or by Firehose, which calls its
// own. The stages after them take either.

import type * as pulumi from "@pulumi/pulumi";
import { PREFIX } from "../../schema/prefixes";
import type { NodeFunction } from "../blocks/node-function";
import type { PrivateBucket } from "../blocks/private-bucket";
import type { Collect } from "../collect/collect";
import type { Target } from "../collect/target";
import type { ObservedSource } from "../observe/metrics";
import type { Delivery } from "./delivery";
import { deliverySeconds } from "./delivery-times";
import type { Ingest } from "./ingest";

export interface Source {
  target: Target;
  simulator: NodeFunction;
  ingest: NodeFunction;
  awaitIngest: NodeFunction;
  raw: PrivateBucket;
  /** Prefix in the raw bucket of what AWS could not hand to the ingest. */
  givenUpPrefix: string;
  /** So much later than the arrival of its events a raw object can still be written. */
  lateHours: number;
  /** How long events are collected before they are in the raw bucket. */
  collectedSeconds: number;
  observed: ObservedSource;
  /** Empty for what the stack does not have. */
  streamName: pulumi.Input<string>;
  deliveryStreamName: pulumi.Input<string>;
}

/** Firehose: "If data delivery to your Amazon S3 bucket fails, Firehose retries for up to 24 hours". */
const FIREHOSE_RETRY_HOURS = 24;

export function streamSource(
  collect: Collect,
  ingest: Ingest,
  config: { streamRetentionHours: number; batchWindowSeconds: number },
): Source {
  return {
    target: { stream: collect.stream },
    simulator: collect.simulator,
    ingest: ingest.ingest,
    awaitIngest: ingest.awaitIngest,
    raw: ingest.raw,
    givenUpPrefix: PREFIX.givenUp,
    lateHours: config.streamRetentionHours,
    collectedSeconds: config.batchWindowSeconds,
    observed: { streamName: collect.stream.name, mappingUuid: ingest.mappingUuid },
    streamName: collect.stream.name,
    deliveryStreamName: "",
  };
}

export function deliverySource(delivery: Delivery, config: { firehoseBufferSeconds: number }): Source {
  const collectedSeconds = deliverySeconds(config.firehoseBufferSeconds);
  return {
    target: { deliveryStream: delivery.deliveryStream },
    simulator: delivery.simulator,
    ingest: delivery.ingest,
    awaitIngest: delivery.awaitIngest,
    raw: delivery.raw,
    givenUpPrefix: PREFIX.firehoseErrors,
    lateHours: FIREHOSE_RETRY_HOURS,
    collectedSeconds,
    observed: { deliveryStreamName: delivery.deliveryStream.name, collectedSeconds },
    streamName: "",
    deliveryStreamName: delivery.deliveryStream.name,
  };
}
