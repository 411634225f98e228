// Check-arrival Lambda: tells the state machine what arrived since its last check, whether all of it is written as Parquet,
// and whether the Glue job is due. With `keep` it records that a check is verified, so that the next one goes on from there.

import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import type { Context } from "aws-lambda";
import { PREFIX } from "../../schema/prefixes";
import { HOUR_MS } from "../shared/durations";
import { InputReader } from "../shared/input";
import { jsonLog, logFailure, takeExecution } from "../shared/log";
import { readEnv, systemClock } from "../shared/runtime";
import { type CheckArrivalDependencies, type CheckArrivalResult, checkArrival } from "./check";
import { keepCursor } from "./cursor";
import type { CheckArrivalEnv } from "./env";

let dependencies: CheckArrivalDependencies | undefined;

export async function handler(
  input: unknown,
  context: Context,
): Promise<CheckArrivalResult | { kept: boolean }> {
  const { execution, rest } = takeExecution(input);
  const log = jsonLog({ requestId: context.awsRequestId, execution });
  return logFailure(log, async () => {
    dependencies ??= coldStart();
    const { keep, etag } = readInput(rest);
    if (keep !== undefined) {
      const kept = await keepCursor(dependencies.s3, dependencies.curatedBucket, keep, etag);
      log({ level: "INFO", message: kept ? "Kept the cursor" : "Another check has moved the cursor" });
      return { kept };
    }
    const result = await checkArrival(dependencies);
    const { names: _, partitions: __, ...arrived } = result.arrived;
    log({ level: "INFO", message: "Checked what arrived", ...result, arrived, keep: undefined });
    return result;
  });
}

function readInput(input: unknown): { keep?: string; etag: string } {
  const reader = new InputReader(input, ["keep", "etag"]);
  const keep = reader.text("keep", "the cursor that a check answered", (value) => value.startsWith("{"));
  const etag = reader.text(
    "etag",
    "the ETag that a check answered, empty if there was no cursor",
    () => true,
  );
  if (reader.has("keep")) reader.required("etag", "the ETag that the check answered");
  reader.finish();
  return { keep, etag: etag ?? "" };
}

function coldStart(): CheckArrivalDependencies {
  const env = readEnv<CheckArrivalEnv>([
    "RAW_BUCKET",
    "CURATED_BUCKET",
    "DELIVERY_RETRY_HOURS",
    "JOB_EVERY_HOURS",
    "TO_PARQUET_FUNCTION",
  ]);
  const hours = (name: "DELIVERY_RETRY_HOURS" | "JOB_EVERY_HOURS"): number => {
    const value = Number(env[name]);
    if (Number.isInteger(value) && value >= 1) return value * HOUR_MS;
    throw new Error(`${name} must be a whole number of hours, 1 or more, got "${env[name]}".`);
  };
  const lambda = new LambdaClient({});
  return {
    s3: new S3Client({}),
    rawBucket: env.RAW_BUCKET,
    // Only stacks with Firehose have this Lambda.
    givenUpPrefix: PREFIX.firehoseErrors,
    curatedBucket: env.CURATED_BUCKET,
    retentionMs: hours("DELIVERY_RETRY_HOURS"),
    jobEveryMs: hours("JOB_EVERY_HOURS"),
    clock: systemClock,
    announce: async (event) => {
      await lambda.send(
        new InvokeCommand({
          FunctionName: env.TO_PARQUET_FUNCTION,
          InvocationType: "Event",
          Payload: JSON.stringify(event),
        }),
      );
    },
  };
}
