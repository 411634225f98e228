// Look-for-new Lambda: tells the state machine whether the Spark job has anything to do, so that a quiet hour starts none.

import { S3Client } from "@aws-sdk/client-s3";
import type { Context } from "aws-lambda";
import { HOUR_MS } from "../shared/durations";
import { InputReader } from "../shared/input";
import { jsonLog, logFailure, takeExecution } from "../shared/log";
import { readEnv } from "../shared/runtime";
import type { LookForNewEnv } from "./env";
import { type LookForNewDependencies, type LookForNewResult, lookForNew } from "./look";

let dependencies: LookForNewDependencies | undefined;

export async function handler(input: unknown, context: Context): Promise<LookForNewResult> {
  const { execution, rest } = takeExecution(input);
  const log = jsonLog({ requestId: context.awsRequestId, execution });
  return logFailure(log, async () => {
    dependencies ??= coldStart();
    new InputReader(rest, []).finish();
    const { result, ...found } = await lookForNew(dependencies);
    log({ level: "INFO", message: "Looked for new objects", ...result, ...found });
    return result;
  });
}

function coldStart(): LookForNewDependencies {
  const env = readEnv<LookForNewEnv>([
    "RAW_BUCKET",
    "GIVEN_UP_PREFIX",
    "CURATED_BUCKET",
    "STREAM_RETENTION_HOURS",
  ]);
  const retentionHours = Number(env.STREAM_RETENTION_HOURS);
  if (!Number.isInteger(retentionHours) || retentionHours < 1) {
    throw new Error(
      `STREAM_RETENTION_HOURS must be a whole number of hours, 1 or more, got "${env.STREAM_RETENTION_HOURS}".`,
    );
  }
  return {
    s3: new S3Client({}),
    rawBucket: env.RAW_BUCKET,
    givenUpPrefix: env.GIVEN_UP_PREFIX,
    curatedBucket: env.CURATED_BUCKET,
    retentionMs: retentionHours * HOUR_MS,
  };
}
