// Firehose-ingest Lambda: the transformation of the delivery stream. Buffered records in, raw lines out.

import { S3Client } from "@aws-sdk/client-s3";
import type { Context, FirehoseTransformationEvent, FirehoseTransformationResult } from "aws-lambda";
import { readWindow } from "../ingest/window";
import { jsonLog, logFailure } from "../shared/log";
import { readEnv, systemClock } from "../shared/runtime";
import type { FirehoseIngestEnv } from "./env";
import { type TransformDependencies, transform } from "./transform";

let dependencies: Omit<TransformDependencies, "log"> | undefined;

export async function handler(
  event: FirehoseTransformationEvent,
  context: Context,
): Promise<FirehoseTransformationResult> {
  const log = jsonLog({ requestId: context.awsRequestId, invocation: event.invocationId });
  return logFailure(log, async () => {
    dependencies ??= coldStart();
    return transform(event, { ...dependencies, log });
  });
}

function coldStart(): Omit<TransformDependencies, "log"> {
  const env = readEnv<FirehoseIngestEnv>([
    ...(["STACK", "RAW_BUCKET", "EARLIEST_EVENT_TIME", "LATEST_EVENT_LEAD_HOURS"] as const),
  ]);
  return {
    s3: new S3Client({}),
    bucket: env.RAW_BUCKET,
    window: readWindow(env),
    clock: systemClock,
    stack: env.STACK,
  };
}
