// Await-ingest Lambda: reports to the state machine whether the records that were sent are ingested.

import { S3Client } from "@aws-sdk/client-s3";
import type { Context } from "aws-lambda";
import { jsonLog, logFailure, takeExecution } from "../shared/log";
import { readEnv, systemClock } from "../shared/runtime";
import type { AwaitIngestEnv } from "./env";
import { type AwaitIngestDependencies, type AwaitIngestResult, awaitIngest, readInput } from "./wait";

let dependencies: AwaitIngestDependencies | undefined;

export async function handler(input: unknown, context: Context): Promise<AwaitIngestResult> {
  const { execution, rest } = takeExecution(input);
  const log = jsonLog({ requestId: context.awsRequestId, execution });
  return logFailure(log, async () => {
    dependencies ??= coldStart();
    const result = await awaitIngest(readInput(rest), dependencies);
    log({ level: "INFO", message: "Looked for ingested batches", ...result });
    return result;
  });
}

function coldStart(): AwaitIngestDependencies {
  const env = readEnv<AwaitIngestEnv>(["RAW_BUCKET"]);
  return {
    s3: new S3Client({}),
    bucket: env.RAW_BUCKET,
    clock: systemClock,
  };
}
