// To-parquet Lambda: an S3 event announces raw objects, and their rows become Parquet files of the table arrived_events.

import { GlueClient } from "@aws-sdk/client-glue";
import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { Context } from "aws-lambda";
import { jsonLog, logFailure } from "../shared/log";
import { readEnv, systemClock } from "../shared/runtime";
import { type Announcement, announcedKeys } from "./announced";
import { type ToParquetDependencies, takeObject } from "./arrived";
import { protector } from "./convert/privacy";
import type { ToParquetEnv } from "./env";
import { Partitions } from "./partitions";
import { readKey, readRules } from "./rules";

let dependencies: Omit<ToParquetDependencies, "log"> | undefined;

export async function handler(event: Announcement, context: Context): Promise<void> {
  const log = jsonLog({ requestId: context.awsRequestId });
  await logFailure(log, async () => {
    dependencies ??= await coldStart();
    for (const key of announcedKeys(event, dependencies.rawBucket)) {
      await takeObject(key, { ...dependencies, memoryMb: Number(context.memoryLimitInMB), log });
    }
  });
}

async function coldStart(): Promise<Omit<ToParquetDependencies, "log">> {
  const env = readEnv<ToParquetEnv>([
    "RAW_BUCKET",
    "CURATED_BUCKET",
    "DATABASE",
    "ARRIVED_TABLE",
    "PRIVACY",
    "PRIVACY_KEY_SECRET",
  ]);
  const rules = readRules(env.PRIVACY);
  const key = await readKey(rules, env.PRIVACY_KEY_SECRET, new SecretsManagerClient({}));
  return {
    s3: new S3Client({}),
    rawBucket: env.RAW_BUCKET,
    curatedBucket: env.CURATED_BUCKET,
    partitions: new Partitions(new GlueClient({}), env.DATABASE, env.ARRIVED_TABLE, systemClock),
    protect: protector(rules, key),
    memoryMb: 0,
    clock: systemClock,
  };
}
