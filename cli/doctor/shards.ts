// Checks whether AWS accepts the configured shard count in one update, and if not, gives the steps.
import { DescribeStreamSummaryCommand, KinesisClient } from "@aws-sdk/client-kinesis";
import type { ClickstreamConfig } from "../../infra/config/keys";
import type { TargetConfig } from "../../stack/target";
import type { Check } from "./machine.mjs";

/** The successive targets of UpdateShardCount. Each is at most double and at least half of the one before. */
export function shardSteps(open: number, wanted: number): number[] {
  const steps: number[] = [];
  for (let now = open; now !== wanted; ) {
    now = wanted > now ? Math.min(wanted, 2 * now) : Math.max(wanted, Math.ceil(now / 2));
    steps.push(now);
  }
  return steps;
}

export async function shardCheck(
  config: TargetConfig,
  StreamName: string,
  stack: string,
  {
    project,
    streamMode,
    shardCount,
  }: Pick<ClickstreamConfig, "streamMode" | "shardCount"> & { project: string },
): Promise<Check> {
  const name = "Shards";
  const { StreamDescriptionSummary: stream } = await new KinesisClient(config).send(
    new DescribeStreamSummaryCommand({ StreamName }),
  );
  const mode = stream?.StreamModeDetails?.StreamMode ?? "PROVISIONED";
  const open = stream?.OpenShardCount ?? 0;
  const has = `${mode}, ${open} open`;
  if (stream?.StreamStatus !== "ACTIVE" || open === 0) {
    return {
      name,
      state: "unknown",
      says: `the stream is ${stream?.StreamStatus}; check again in a few minutes`,
    };
  }
  if (streamMode === "ON_DEMAND") {
    const change = mode === streamMode ? "" : "; the next pulumi up makes it ON_DEMAND";
    return { name, state: "ok", says: has + change };
  }
  const steps = shardSteps(open, shardCount);
  if (steps.length === 0 && mode === streamMode) return { name, state: "ok", says: has };
  if (steps.length <= 1) {
    return { name, state: "ok", says: `${has}; the next pulumi up makes it PROVISIONED, ${shardCount}` };
  }
  const key = `${project}:shardCount`;
  const refused = mode === "ON_DEMAND" ? "would change the mode and then fail" : "would fail";
  return {
    name,
    state: "bad",
    says: `the stream is ${has}, ${key} is ${shardCount}. AWS at most doubles or halves the shards in one update, so pulumi up ${refused}`,
    remedy: `go from ${open} to ${steps.join(", ")}, with a pulumi up for each step (AWS allows ten updates in 24 hours): pulumi config set ${key} ${steps[0]} --stack ${stack} && pulumi up --stack ${stack}`,
  };
}
