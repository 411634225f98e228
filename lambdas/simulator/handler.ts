// Simulator Lambda: sends simulated shop traffic to the stack, and returns the exact counts.

import type { Context } from "aws-lambda";
import { type Destination, destinationOf } from "../shared/destination";
import { jsonLog, logFailure, takeExecution } from "../shared/log";
import { http1Handler, systemClock } from "../shared/runtime";
import { readInput } from "./input";
import { type SimulationResult, simulate } from "./simulate";

/** Stops before the Lambda timeout, so that the error can report what was sent. */
const LAST_MILLISECONDS = 5_000;

let destination: Destination | undefined;

export async function handler(input: unknown, context: Context): Promise<SimulationResult> {
  const { execution, rest } = takeExecution(input);
  const log = jsonLog({ requestId: context.awsRequestId, execution });
  return logFailure(log, async () => {
    destination ??= await destinationOf({ requestHandler: http1Handler() });
    const nowMs = systemClock.now();
    return simulate(readInput(rest, nowMs), {
      destination,
      clock: systemClock,
      random: Math.random,
      deadlineMs: nowMs + context.getRemainingTimeInMillis() - LAST_MILLISECONDS,
      log,
    });
  });
}
