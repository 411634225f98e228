// The simulator: a Lambda that sends simulated traffic to the stream or the delivery stream.

import type * as pulumi from "@pulumi/pulumi";
import { type CustomerKey, mayUse } from "../blocks/encryption";
import { NodeFunction } from "../blocks/node-function";
import { keyUseOf, maySendTo, type Target, targetEnvironment, targetInWords } from "./target";

/** Lambda's maximum: `seconds` of traffic may be as long. */
export const SIMULATOR_TIMEOUT_SECONDS = 900;

export interface SimulatorArgs {
  logRetentionDays: number;
  tracing: boolean;
  key?: CustomerKey;
}

export function simulator(
  name: string,
  target: Target,
  args: SimulatorArgs,
  parent: pulumi.Resource,
): NodeFunction {
  return new NodeFunction(
    `${name}-simulator`,
    {
      lambda: "simulator",
      description: `Sends simulated traffic to ${targetInWords(target)}`,
      environment: targetEnvironment(target),
      permissions: [maySendTo(target), ...mayUse(args.key, ...keyUseOf(target))],
      memoryMb: 1024,
      timeoutSeconds: SIMULATOR_TIMEOUT_SECONDS,
      logRetentionDays: args.logRetentionDays,
      tracing: args.tracing,
      key: args.key,
    },
    { parent },
  );
}
