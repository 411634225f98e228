// Collect: the Kinesis stream that takes the events, and the simulator that can send some.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { NodeFunction } from "../blocks/node-function";
import { type SimulatorArgs, simulator } from "./simulator";

export interface CollectArgs extends SimulatorArgs {
  streamMode: "PROVISIONED" | "ON_DEMAND";
  /** Shards of a provisioned stream. AWS chooses those of an on-demand stream. */
  shardCount: number;
  streamRetentionHours: number;
}

export class Collect extends pulumi.ComponentResource {
  readonly stream: { name: pulumi.Output<string>; arn: pulumi.Output<string> };
  readonly simulator: NodeFunction;

  constructor(name: string, args: CollectArgs, opts?: pulumi.ComponentResourceOptions) {
    super("clickstream:index:Collect", name, {}, opts);
    const stream = this.createStream(name, args);
    this.stream = { name: stream.name, arn: stream.arn };
    this.simulator = simulator(name, { stream: this.stream }, args, this);
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
}
