// The target that events are sent to, a Kinesis stream or a Firehose delivery stream: what a sending Lambda needs for it.

import type * as pulumi from "@pulumi/pulumi";
import type { SimulatorEnv } from "../../lambdas/simulator/env";
import type { EnvironmentOf } from "../blocks/environment";
import { allow, type Statement } from "../blocks/permissions";

type Named = { name: pulumi.Input<string>; arn: pulumi.Input<string> };

export type Target = { stream: Named } | { deliveryStream: Named };

/** Names the target for a Lambda that sends. */
export function targetEnvironment(target: Target): EnvironmentOf<SimulatorEnv> {
  return "stream" in target
    ? { STREAM_NAME: target.stream.name }
    : { DELIVERY_STREAM_NAME: target.deliveryStream.name };
}

export function maySendTo(target: Target): Statement {
  return "stream" in target
    ? allow("kinesis:PutRecords").on(target.stream.arn)
    : allow("firehose:PutRecordBatch").on(target.deliveryStream.arn);
}

/** What a sender does with the key. Firehose uses it by a grant of its own, so its senders need no right to it. */
export function keyUseOf(target: Target): "kms:GenerateDataKey"[] {
  return "stream" in target ? ["kms:GenerateDataKey"] : [];
}

/** How descriptions call it. */
export function targetInWords(target: Target): string {
  return "stream" in target ? "the stream" : "the delivery stream";
}
