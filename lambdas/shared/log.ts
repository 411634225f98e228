// Structured logs: one JSON object per line with level, time, message and context.

import { errorMessage, errorName } from "./runtime";

/** What the caller passes. The log adds `timestamp` and the context. */
interface LogEntry {
  level: "INFO" | "WARN" | "ERROR";
  message: string;
  [field: string]: unknown;
}

export type Log = (entry: LogEntry) => void;

/** Fields in every line of an invocation: the Lambda request, and the execution or batch that it belongs to. */
export interface LogContext {
  requestId?: string;
  /** Name of the state machine execution. */
  execution?: string;
  /** `<shard>-<first sequence number>-<last>`, as in the keys of the batch's objects. */
  batch?: string;
  /** Firehose's id of a call of its transformation, the same when it repeats the call. */
  invocation?: string;
}

/**
 * Writes to stdout directly. With the runtime's JSON log format, `console.log` would put the text into `message`,
 * where Logs Insights and the embedded metric format do not find its fields. Lambda passes JSON lines through
 * unchanged, and filters them by `level` if they also have a `timestamp`.
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

/** The state machine adds the name of its execution to a Lambda's input. This separates the two. */
export function takeExecution(input: unknown): { execution?: string; rest: unknown } {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return { rest: input };
  const { execution, ...rest } = input as Record<string, unknown>;
  return typeof execution === "string" ? { execution, rest } : { rest: input };
}

/** Runs `work` and logs its error. Lambda logs the error too, but without the execution. */
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
