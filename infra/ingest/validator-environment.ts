// The environment of the Lambda that validates events, of a stream or of Firehose.

import type { IngestEnv } from "../../lambdas/ingest/env";
import type { EnvironmentOf } from "../blocks/environment";
import { qualifiedName } from "../blocks/names";
import type { PrivateBucket } from "../blocks/private-bucket";

export interface ValidatorArgs {
  earliestEventTime: string;
  latestEventLeadHours: number;
}

export function validatorEnvironment(
  raw: PrivateBucket,
  { earliestEventTime, latestEventLeadHours }: ValidatorArgs,
): EnvironmentOf<IngestEnv> {
  return {
    STACK: qualifiedName(),
    RAW_BUCKET: raw.bucketName,
    EARLIEST_EVENT_TIME: earliestEventTime,
    LATEST_EVENT_LEAD_HOURS: String(latestEventLeadHours),
  };
}
