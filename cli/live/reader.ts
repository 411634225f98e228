// What the readers of the live view have in common: their options, and how they go on after an error of AWS.

import { fullJitter } from "../../lambdas/shared/sender";
import { isAccessDenied, isUnreachable } from "../../stack/aws-errors";

/** How many attempts in a row may fail before the problem is reported. */
const FAILURES_SHOWN = 2;

interface ReaderClock {
  now(): number;
  /** Rejects when the signal aborts. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export interface AttemptOptions {
  clock: ReaderClock;
  random: () => number;
  signal: AbortSignal;
  /** True if the reader shall give up instead of trying again. */
  isFinal?: (error: unknown) => boolean;
}

/** Begins to read, and says how it goes. */
export interface Reader {
  /** Resolves when all that comes from now on is seen. `ended` rejects when nothing can be read any more. */
  start(): Promise<{ ended: Promise<never> }>;
  state(): ReaderState;
}

export type ReaderState = StreamState | ObjectState;

interface CommonState {
  /** Requests that AWS refused since the start, because they were too many. */
  throttled: number;
  /** Why nothing is read at the moment. */
  problem?: string;
}

export interface StreamState extends CommonState {
  kind: "stream";
  /** Open shards that are being read. */
  shards: number;
  /** How far the slowest shard is behind the newest record. */
  behindMs: number;
}

export interface ObjectState extends CommonState {
  kind: "objects";
  /** Objects that were found and are not read yet. */
  waiting: number;
  /** Objects that are no whole gzip file. */
  damaged: number;
  /** Objects with records that Firehose gave up. `andMore` if there are more than were counted. */
  givenUp: { objects: number; andMore: boolean };
}

export interface Trouble {
  /** Attempts in a row that failed. */
  failures: number;
  problem?: string;
}

/** Tries again with growing pauses, of at least `pauseMs`. What a retry cannot solve is thrown. */
export class Attempts {
  throttled = 0;

  constructor(
    private readonly options: AttemptOptions,
    private readonly pauseMs: number,
  ) {}

  async untilItWorks<Result>(trouble: Trouble, work: () => Promise<Result>): Promise<Result> {
    const { clock, random, signal, isFinal } = this.options;
    for (;;) {
      try {
        const result = await work();
        trouble.failures = 0;
        delete trouble.problem;
        return result;
      } catch (error) {
        signal.throwIfAborted();
        trouble.failures += 1;
        if (isThrottled(error)) this.throttled += 1;
        else if (!mayPass(error) || isFinal?.(error)) throw error;
        else if (trouble.failures >= FAILURES_SHOWN) trouble.problem = describe(error);
        // Never at once: the limits are shared with the pipeline.
        await clock.sleep(this.pauseMs + fullJitter(trouble.failures, random), signal);
      }
    }
  }
}

const THROTTLES = [
  "ProvisionedThroughputExceededException",
  "LimitExceededException",
  "KMSThrottlingException",
  "ThrottlingException",
  "SlowDown",
];

function isThrottled(error: unknown): boolean {
  return error instanceof Error && THROTTLES.includes(error.name);
}

/** Errors inside AWS, of the network, of an iterator that has expired, and of an answer that broke off. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof Error) || isAccessDenied(error)) return false;
  const { $fault, $metadata } = error as { $fault?: string; $metadata?: { httpStatusCode?: number } };
  return (
    $fault === "server" ||
    ($metadata?.httpStatusCode ?? 0) >= 500 ||
    error.name === "ExpiredIteratorException" ||
    (error as NodeJS.ErrnoException).code === "ERR_STREAM_PREMATURE_CLOSE" ||
    isUnreachable(error)
  );
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
