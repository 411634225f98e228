// Collector Lambda: HTTP requests of trackers in, events of the contract into the stream, by way of API Gateway.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import type { PrivacyRule } from "../../schema/contract";
import { destinationOf } from "../shared/destination";
import { jsonLog, logFailure } from "../shared/log";
import { http1Handler, readEnv, systemClock } from "../shared/runtime";
import { scriptOf } from "./answers";
import { answer, type Collector } from "./collect";
import { Countries } from "./country";
import type { CollectorSettings } from "./env";
import { type Respect, readRequest } from "./request";
import { WriteKey } from "./write-key";

/** With the last option, a call that takes longer fails. Otherwise the SDK only logs it. */
const AWS_TIMEOUTS = { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true };
/** No call that stores events starts after this time. API Gateway waits 30 seconds, but trackers give up earlier. */
const STORE_WITHIN_MS = 8_000;
/** Time for the last call and the answer, before the function's own timeout. */
const LAST_MILLISECONDS = AWS_TIMEOUTS.requestTimeout + 1_000;

let started: { collector: Collector; respect: Respect } | undefined;

export async function handler(
  event: APIGatewayProxyEventV2,
  context?: Context,
): Promise<APIGatewayProxyStructuredResultV2> {
  const log = jsonLog({ requestId: context?.awsRequestId });
  return logFailure(log, async () => {
    started ??= await coldStart();
    const nowMs = systemClock.now();
    const ownMs = (context?.getRemainingTimeInMillis() ?? Number.POSITIVE_INFINITY) - LAST_MILLISECONDS;
    const request = readRequest(event, started.respect, nowMs);
    return answer(request, started.collector, nowMs + Math.min(STORE_WITHIN_MS, ownMs), log);
  });
}

async function coldStart(): Promise<{ collector: Collector; respect: Respect }> {
  const env = readEnv<Omit<CollectorSettings, "WRITE_KEY_SECRET_ARN">>([
    ...(["IP_RULE", "USER_AGENT_RULE", "RESPECT_GPC", "RESPECT_DNT"] as const),
  ]);
  const secretArn = process.env.WRITE_KEY_SECRET_ARN ?? "";
  return {
    respect: { gpc: env.RESPECT_GPC === "true", dnt: env.RESPECT_DNT === "true" },
    collector: {
      // The sender retries what the service refuses, and knows the deadline.
      destination: await destinationOf({ requestHandler: http1Handler(AWS_TIMEOUTS), maxAttempts: 1 }),
      sending: { clock: systemClock, random: Math.random },
      rules: { ip: env.IP_RULE as PrivacyRule, userAgent: env.USER_AGENT_RULE as PrivacyRule },
      // Both files are beside the function's code: infra/blocks/bundle.ts.
      countries: new Countries(join(__dirname, "country.mmdb"), jsonLog({})),
      writeKey:
        secretArn === "" ? undefined : new WriteKey(() => readSecret(secretArn), systemClock, jsonLog({})),
      script: readScript,
    },
  };
}

let script: ReturnType<typeof scriptOf> | undefined;

function readScript(): ReturnType<typeof scriptOf> {
  if (script === undefined) {
    const code = readFileSync(join(__dirname, "clickstream.js"));
    script = scriptOf(code, createHash("sha256").update(code).digest("hex").slice(0, 32));
  }
  return script;
}

/** The client is loaded only by functions that have a write key. */
async function readSecret(SecretId: string): Promise<string> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import("@aws-sdk/client-secrets-manager");
  const client = new SecretsManagerClient({ requestHandler: http1Handler(AWS_TIMEOUTS), maxAttempts: 2 });
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId }));
  if (!SecretString)
    throw new Error("The secret of the write key has no text. Set the key and deploy again.");
  return SecretString;
}
