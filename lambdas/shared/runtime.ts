// Clock, sleep, environment variables and error details for the Lambdas.

import { NodeHttpHandler, type NodeHttpHandlerOptions } from "@smithy/node-http-handler";

export interface Clock {
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/** Reads the environment variables that the type names. Reports all missing ones in one error. */
export function readEnv<Env extends object>(
  keys: readonly (keyof Env & string)[],
  source: Record<string, string | undefined> = process.env,
): Env {
  const missing = keys.filter((key) => !source[key]);
  if (missing.length > 0) {
    throw new Error(
      `The function's environment lacks ${missing.join(", ")}. Deploy it again with these set.`,
    );
  }
  return Object.fromEntries(keys.map((key) => [key, source[key]])) as Env;
}

/**
 * HTTP/1.1 for Kinesis. The SDK's default is HTTP/2. Over HTTP/2 the local emulator reports batches of more than
 * 200 records as failed, although it stored them. AWS supports both.
 */
export function http1Handler(options: NodeHttpHandlerOptions = {}): NodeHttpHandler {
  return new NodeHttpHandler({ connectionTimeout: 5_000, requestTimeout: 30_000, ...options });
}

/** The name of an error for a log line. For AWS errors it is the error code. */
export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
