// Collect: the Kinesis stream that takes the events, and the simulator that can send some.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { SimulatorEnv } from "../../lambdas/simulator/env";
import { type CustomerKey, mayUse } from "../blocks/encryption";
import type { EnvironmentOf } from "../blocks/environment";
import { NodeFunction } from "../blocks/node-function";
import { allow } from "../blocks/permissions";

export interface CollectArgs {
  streamMode: "PROVISIONED" | "ON_DEMAND";
  /** Shards of a provisioned stream. AWS chooses those of an on-demand stream. */
  shardCount: number;
  streamRetentionHours: number;
  logRetentionDays: number;
  tracing: boolean;
  key?: CustomerKey;
}

export class Collect extends pulumi.ComponentResource {
  readonly stream: { name: pulumi.Output<string>; arn: pulumi.Output<string> };
  readonly simulator: NodeFunction;

  constructor(name: string, args: CollectArgs, opts?: pulumi.ComponentResourceOptions) {
    super("clickstream:index:Collect", name, {}, opts);
    const stream = this.createStream(name, args);
    this.stream = { name: stream.name, arn: stream.arn };
    this.simulator = this.createSimulator(name, args);
    this.registerOutputs({ streamName: stream.name });
  }

  private createStream(name: string, args: CollectArgs): aws.kinesis.Stream {
    return new aws.kinesis.Stream(
      `${name}-stream`,
      {
        streamModeDetails: { streamMode: args.streamMode },
        ...(args.streamMode === "PROVISIONED" && { shardCount: args.shardCount }),
        retentionPeriod: args.streamRetentionHours,
        encryptionType: "KMS",
        // AWS's own key for Kinesis costs nothing and needs no rights.
        kmsKeyId: args.key?.arn ?? "alias/aws/kinesis",
      },
      { parent: this },
    );
  }

  private createSimulator(name: string, args: CollectArgs): NodeFunction {
    return new NodeFunction(
      `${name}-simulator`,
      {
        lambda: "simulator",
        description: "Sends simulated traffic to the stream",
        environment: { STREAM_NAME: this.stream.name } satisfies EnvironmentOf<SimulatorEnv>,
        permissions: [
          allow("kinesis:PutRecords").on(this.stream.arn),
          ...mayUse(args.key, "kms:GenerateDataKey"),
        ],
        memoryMb: 1024,
        // Lambda's maximum: `seconds` of traffic may be as long.
        timeoutSeconds: SIMULATOR_TIMEOUT_SECONDS,
        logRetentionDays: args.logRetentionDays,
        tracing: args.tracing,
        key: args.key,
      },
      { parent: this },
    );
  }
}

export const SIMULATOR_TIMEOUT_SECONDS = 900;
