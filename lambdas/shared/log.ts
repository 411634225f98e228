// Structured logs: one JSON object a line, each with level, time, message and what it belongs to.

import { errorMessage, errorName } from "./runtime";

/** What a caller says; `timestamp` and the context are the log's own. */
interface LogEntry {
  level: "INFO" | "WARN" | "ERROR";
  message: string;
  [field: string]: unknown;
}

export type Log = (entry: LogEntry) => void;

/** What every line of an invocation carries: the Lambda's request, and the execution or the batch that it is for. */
export interface LogContext {
  requestId?: string;
  /** Name of the state machine's execution. */
  execution?: string;
  /** `<shard>-<first sequence number>-<last>`, as in the keys of the batch's objects. */
  batch?: string;
}

/**
 * Straight to stdout: the runtime's JSON format would put what `console.log` is given as text under `message`,
 * where neither Logs Insights nor the embedded metric format finds its fields. Lambda takes a line that is JSON
 * as it is, and filters it by `level` where a `timestamp` stands beside it.
 */
export function jsonLog(
  context: LogContext,
  write: (line: string) => void = (line) => process.stdout.write(line),
  now: () => number = Date.now,
): Log {
  return ({ level, message, ...fields }) => {
    const timestamp = new Date(now()).toISOString();
    write(`${JSON.stringify({ timestamp, level, message, ...context, ...fields })}\n`);
  };
}

export function withContext(log: Log, context: LogContext): Log {
  return (entry) => log({ ...entry, ...context });
}

/** The state machine puts its execution's name beside the input of a Lambda; the rest is the input itself. */
export function takeExecution(input: unknown): { execution?: string; rest: unknown } {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return { rest: input };
  const { execution, ...rest } = input as Record<string, unknown>;
  return typeof execution === "string" ? { execution, rest } : { rest: input };
}

/** Runs `work`, and logs what it fails with before Lambda does, whose own line knows no execution. */
export async function logFailure<Result>(log: Log, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    log({
      level: "ERROR",
      message: "The invocation failed",
      error: errorName(error),
      detail: errorMessage(error),
    });
    throw error;
  }
}
