// Simulator Lambda: sends simulated shop traffic to the stream, and returns the exact counts.

import { KinesisClient } from "@aws-sdk/client-kinesis";
import type { Context } from "aws-lambda";
import { jsonLog, logFailure, takeExecution } from "../shared/log";
import { http1Handler, readEnv, systemClock } from "../shared/runtime";
import type { SimulatorEnv } from "./env";
import { readInput } from "./input";
import { type SimulationResult, simulate } from "./simulate";

/** Stops before the Lambda timeout, so that the error can report what was sent. */
const LAST_MILLISECONDS = 5_000;

let client: KinesisClient | undefined;

export async function handler(input: unknown, context: Context): Promise<SimulationResult> {
  const { execution, rest } = takeExecution(input);
  const log = jsonLog({ requestId: context.awsRequestId, execution });
  return logFailure(log, async () => {
    const env = readEnv<SimulatorEnv>(["STREAM_NAME"]);
    client ??= new KinesisClient({ requestHandler: http1Handler() });
    const nowMs = systemClock.now();
    return simulate(readInput(rest, nowMs), {
      client,
      streamName: env.STREAM_NAME,
      clock: systemClock,
      random: Math.random,
      deadlineMs: nowMs + context.getRemainingTimeInMillis() - LAST_MILLISECONDS,
      log,
    });
  });
}
