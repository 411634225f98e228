// Await-ingest Lambda: tells the state machine whether what was sent has been ingested.

import { S3Client } from "@aws-sdk/client-s3";
import { logJson, readEnv, systemClock } from "../shared/runtime";
import type { AwaitIngestEnv } from "./env";
import { type AwaitIngestDependencies, type AwaitIngestResult, awaitIngest, readInput } from "./wait";

let dependencies: AwaitIngestDependencies | undefined;

export async function handler(input: unknown): Promise<AwaitIngestResult> {
  dependencies ??= coldStart();
  const result = await awaitIngest(readInput(input), dependencies);
  logJson({ level: "info", message: "Looked for ingested batches", ...result });
  return result;
}

function coldStart(): AwaitIngestDependencies {
  const env = readEnv<AwaitIngestEnv>(["RAW_BUCKET"]);
  return {
    s3: new S3Client({}),
    bucket: env.RAW_BUCKET,
    clock: systemClock,
  };
}
