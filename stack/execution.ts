// Starts an execution of the state machine and follows it: states entered and left, retries and errors.
import { setTimeout as sleep } from "node:timers/promises";
import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  type SFNClient,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";

const POLL_MILLISECONDS = 250;

/** What happened in an execution, in order. */
export type ExecutionEvent =
  | { kind: "entered"; state: string; at: Date; isTask: boolean }
  | { kind: "left"; state: string; at: Date; seconds: number }
  | { kind: "failed"; state: string; at: Date; error: string; cause: string };

export interface Execution {
  arn: string;
  name: string;
  status: string;
  seconds: number;
  output: Record<string, unknown> | undefined;
  error: string | undefined;
  cause: string | undefined;
  /** The last state whose task failed. */
  failedState: string | undefined;
}

export interface Following {
  sfn: SFNClient;
  onEvent?: (event: ExecutionEvent) => void;
  /** Called at each poll with the current state. */
  onTick?: (state: string | undefined) => void | Promise<void>;
  signal?: AbortSignal;
}

export async function startExecution(
  sfn: SFNClient,
  stateMachineArn: string,
  input: unknown,
): Promise<string> {
  const { executionArn = "" } = await sfn.send(
    new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(input) }),
  );
  return executionArn;
}

/** Follows an execution until it ends. */
export async function followExecution(arn: string, following: Following): Promise<Execution> {
  const reader = new HistoryReader(arn, following);
  for (;;) {
    following.signal?.throwIfAborted();
    const described = await following.sfn.send(new DescribeExecutionCommand({ executionArn: arn }));
    await reader.read();
    await following.onTick?.(reader.state);
    if (described.status !== "RUNNING") return summary(arn, described, reader.failedState);
    await sleep(POLL_MILLISECONDS);
  }
}

class HistoryReader {
  state: string | undefined;
  failedState: string | undefined;
  private seen = 0;
  private readonly enteredAt = new Map<string, Date>();

  constructor(
    private readonly arn: string,
    private readonly following: Following,
  ) {}

  async read(): Promise<void> {
    let nextToken: string | undefined;
    let index = 0;
    do {
      const page = await this.following.sfn.send(
        new GetExecutionHistoryCommand({ executionArn: this.arn, nextToken, maxResults: 1000 }),
      );
      for (const event of page.events ?? []) {
        index += 1;
        if (index > this.seen) this.take(event);
      }
      nextToken = page.nextToken;
    } while (nextToken);
    this.seen = Math.max(this.seen, index);
  }

  private take(event: HistoryEvent): void {
    const at = event.timestamp ?? new Date();
    const entered = event.stateEnteredEventDetails?.name;
    const left = event.stateExitedEventDetails?.name;
    if (entered) {
      this.state = entered;
      this.enteredAt.set(entered, at);
      this.following.onEvent?.({
        kind: "entered",
        state: entered,
        at,
        isTask: event.type === "TaskStateEntered",
      });
    } else if (left) {
      const seconds = (at.getTime() - (this.enteredAt.get(left) ?? at).getTime()) / 1000;
      this.following.onEvent?.({ kind: "left", state: left, at, seconds });
    } else {
      this.takeFailure(event, at);
    }
  }

  private takeFailure(event: HistoryEvent, at: Date): void {
    const details =
      event.taskFailedEventDetails ??
      event.taskTimedOutEventDetails ??
      event.taskSubmitFailedEventDetails ??
      event.taskStartFailedEventDetails ??
      event.lambdaFunctionFailedEventDetails ??
      event.evaluationFailedEventDetails;
    if (!details || !this.state) return;
    this.failedState = this.state;
    const { error = event.type ?? "", cause = "" } = details;
    this.following.onEvent?.({
      kind: "failed",
      state: this.state,
      at,
      error,
      cause: readableCause(cause),
    });
  }
}

function summary(
  arn: string,
  described: DescribeExecutionCommandOutput,
  failedState: string | undefined,
): Execution {
  const { startDate, stopDate } = described;
  const seconds = startDate && stopDate ? (stopDate.getTime() - startDate.getTime()) / 1000 : 0;
  return {
    arn,
    name: described.name ?? arn.split(":").at(-1) ?? arn,
    status: described.status ?? "UNKNOWN",
    seconds: Math.round(seconds * 10) / 10,
    output: described.output ? (JSON.parse(described.output) as Record<string, unknown>) : undefined,
    error: described.error,
    cause: described.cause === undefined ? undefined : readableCause(described.cause),
    failedState,
  };
}

/** Step Functions wraps causes in JSON, often several levels deep. Returns the innermost message. */
export function readableCause(cause: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(cause);
  } catch {
    return cause;
  }
  if (typeof parsed === "string") return readableCause(parsed);
  if (typeof parsed !== "object" || parsed === null) return cause;
  const fields = parsed as Record<string, unknown>;
  const query = fields.QueryExecution as { Status?: { StateChangeReason?: unknown } } | undefined;
  const words =
    fields.errorMessage ?? fields.ErrorMessage ?? query?.Status?.StateChangeReason ?? fields.Cause;
  return typeof words === "string" ? readableCause(words) : cause;
}
