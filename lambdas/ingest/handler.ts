// Ingest Lambda: Kinesis batches in, gzip objects of JSON lines out, with Lambda's partial batch response.

import { S3Client } from "@aws-sdk/client-s3";
import type { KinesisStreamBatchResponse, KinesisStreamEvent } from "aws-lambda";
import { logJson, readEnv, systemClock } from "../shared/runtime";
import { type IngestDependencies, ingestBatch } from "./batch";
import type { IngestEnv } from "./env";
import { readWindow } from "./window";

let dependencies: IngestDependencies | undefined;

export async function handler(event: KinesisStreamEvent): Promise<KinesisStreamBatchResponse> {
  dependencies ??= coldStart();
  return { batchItemFailures: await ingestBatch(event.Records, dependencies) };
}

function coldStart(): IngestDependencies {
  const env = readEnv<IngestEnv>(["RAW_BUCKET", "EARLIEST_EVENT_TIME", "LATEST_EVENT_LEAD_HOURS"]);
  return {
    s3: new S3Client({}),
    bucket: env.RAW_BUCKET,
    window: readWindow(env),
    clock: systemClock,
    log: logJson,
  };
}
