// Await-delivery Lambda: reports to the state machine whether Firehose has delivered the records that were sent.

import { S3Client } from "@aws-sdk/client-s3";
import type { Context } from "aws-lambda";
import { jsonLog, logFailure, takeExecution } from "../shared/log";
import { readEnv } from "../shared/runtime";
import type { AwaitDeliveryEnv } from "./env";
import { type AwaitDeliveryDependencies, type AwaitDeliveryResult, awaitDelivery, readInput } from "./wait";

let dependencies: AwaitDeliveryDependencies | undefined;

export async function handler(input: unknown, context: Context): Promise<AwaitDeliveryResult> {
  const { execution, rest } = takeExecution(input);
  const log = jsonLog({ requestId: context.awsRequestId, execution });
  return logFailure(log, async () => {
    dependencies ??= coldStart();
    const result = await awaitDelivery(readInput(rest), dependencies);
    const { counted, ...facts } = result;
    log({ level: "INFO", message: "Looked for delivered records", ...facts });
    return result;
  });
}

function coldStart(): AwaitDeliveryDependencies {
  const env = readEnv<AwaitDeliveryEnv>(["RAW_BUCKET", "FIREHOSE_BUFFER_SECONDS"]);
  return {
    s3: new S3Client({}),
    bucket: env.RAW_BUCKET,
    bufferSeconds: Number(env.FIREHOSE_BUFFER_SECONDS),
  };
}
