// Ingest Lambda: Kinesis batches in, gzip objects of JSON lines out, with Lambda's partial batch response.

import { S3Client } from "@aws-sdk/client-s3";
import type { Context, KinesisStreamBatchResponse, KinesisStreamEvent } from "aws-lambda";
import { jsonLog, logFailure } from "../shared/log";
import { readEnv, systemClock } from "../shared/runtime";
import { batchNames, type IngestDependencies, ingestBatch } from "./batch";
import type { IngestEnv } from "./env";
import { readWindow } from "./window";

let dependencies: Omit<IngestDependencies, "log"> | undefined;

export async function handler(
  event: KinesisStreamEvent,
  context: Context,
): Promise<KinesisStreamBatchResponse> {
  const log = jsonLog({ requestId: context.awsRequestId, batch: batchNames(event.Records) });
  return logFailure(log, async () => {
    dependencies ??= coldStart();
    return { batchItemFailures: await ingestBatch(event.Records, { ...dependencies, log }) };
  });
}

function coldStart(): Omit<IngestDependencies, "log"> {
  const env = readEnv<IngestEnv>(["STACK", "RAW_BUCKET", "EARLIEST_EVENT_TIME", "LATEST_EVENT_LEAD_HOURS"]);
  return {
    s3: new S3Client({}),
    bucket: env.RAW_BUCKET,
    window: readWindow(env),
    clock: systemClock,
    stack: env.STACK,
  };
}
