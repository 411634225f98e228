// Walks the state machine as AWS documents Step Functions: Retry, Catch, Assign, and the size limits, which States.ALL does not catch.

import { DEFINITION, type Definition, evaluate, type State } from "./pipeline";

/** What a task answers, by the name of its state. */
export type Tasks = Record<string, (taskArguments: Record<string, unknown>) => unknown>;

export interface Walked {
  visited: string[];
  status: "SUCCEEDED" | "FAILED";
  output?: unknown;
  error?: string;
  cause?: string;
}

/** The error of a task, or of Step Functions itself. */
export class StatesError extends Error {
  constructor(
    readonly error: string,
    override readonly cause = "",
  ) {
    super(`${error}: ${cause}`);
  }
}

/** Input and output of a task, state or execution; all that one Assign sets. */
const MAX_BYTES = 256 * 1024;
const NOT_IN_STATES_ALL = ["States.DataLimitExceeded", "States.Runtime"];
const MAX_STEPS = 2000;

export async function walk(
  input: unknown,
  tasks: Tasks,
  definition: Definition = DEFINITION,
): Promise<Walked> {
  const walker = new Walker(tasks);
  const visited: string[] = [];
  try {
    let name = definition.StartAt;
    let value = input;
    for (;;) {
      visited.push(name);
      if (visited.length > MAX_STEPS) throw new Error(`No end after ${MAX_STEPS} states`);
      const state = definition.States[name];
      if (!state) throw new Error(`There is no state ${name}`);
      const left = await walker.enter(name, state, limited(value));
      if (left.next === undefined) return { visited, status: "SUCCEEDED", output: left.output };
      ({ next: name, output: value } = { next: left.next, output: left.output });
    }
  } catch (error) {
    if (!(error instanceof StatesError)) throw error;
    return { visited, status: "FAILED", error: error.error, cause: error.cause };
  }
}

function limited<Value>(value: Value): Value {
  if (Buffer.byteLength(JSON.stringify(value) ?? "") <= MAX_BYTES) return value;
  throw new StatesError("States.DataLimitExceeded", "The data is larger than Step Functions carries.");
}

interface Left {
  output: unknown;
  next: string | undefined;
}

class Walker {
  private readonly variables: Record<string, unknown> = {};
  /** Since the execution began; waits and retries make it pass. */
  private seconds = 0;

  constructor(private readonly tasks: Tasks) {}

  async enter(name: string, state: State, input: unknown): Promise<Left> {
    if (state.Type === "Task") return this.task(name, state, input);
    const states = { input };
    if (state.Type === "Fail") {
      const [error, cause] = [await this.value(name, state.Error), await this.value(name, state.Cause)];
      throw new StatesError(String(error), String(cause));
    }
    if (state.Type === "Wait") this.seconds += Number(await this.value(name, state.Seconds, states));
    if (state.Type === "Choice") return { output: input, next: await this.choice(name, state, states) };
    return { output: await this.leave(name, state, states, input), next: state.Next };
  }

  private async choice(name: string, { Choices = [], Default }: State, states: object) {
    for (const { Condition, Next } of Choices) {
      const holds = await this.value(name, Condition, states);
      if (typeof holds !== "boolean") throw new StatesError("States.QueryEvaluationError", Condition);
      if (holds) return Next;
    }
    return Default;
  }

  private async task(name: string, state: State, input: unknown): Promise<Left> {
    const tried = new Map<object, number>();
    for (;;) {
      try {
        const given = limited(await this.value(name, state.Arguments, { input }));
        const task = this.tasks[name];
        if (!task) throw new Error(`The test has no task ${name}`);
        const result = limited(task(given as Record<string, unknown>));
        return { output: await this.leave(name, state, { input, result }, result), next: state.Next };
      } catch (error) {
        if (!(error instanceof StatesError)) throw error;
        const retrier = state.Retry?.find(({ ErrorEquals }) => matches(ErrorEquals, error.error));
        const count = retrier ? (tried.get(retrier) ?? 0) : 0;
        if (!retrier || count >= retrier.MaxAttempts) return this.caught(name, state, input, error);
        tried.set(retrier, count + 1);
        this.seconds += Math.min(
          retrier.IntervalSeconds * retrier.BackoffRate ** count,
          retrier.MaxDelaySeconds,
        );
      }
    }
  }

  private async caught(name: string, { Catch = [] }: State, input: unknown, error: StatesError) {
    const catcher = Catch.find(({ ErrorEquals }) => matches(ErrorEquals, error.error));
    if (!catcher) throw error;
    const errorOutput = { Error: error.error, Cause: error.cause };
    return {
      output: await this.leave(name, catcher, { input, errorOutput }, errorOutput),
      next: catcher.Next,
    };
  }

  /** Assign and Output; both see the variables as they were. */
  private async leave(
    name: string,
    { Assign, Output }: { Assign?: object; Output?: unknown },
    states: object,
    otherwise: unknown,
  ): Promise<unknown> {
    const assigned = limited(await this.value(name, Assign ?? {}, states));
    const output = Output === undefined ? otherwise : await this.value(name, Output, states);
    Object.assign(this.variables, assigned);
    return limited(output);
  }

  private async value(name: string, template: unknown, states: object = {}): Promise<unknown> {
    try {
      return await evaluate(template, this.variables, { ...states }, { state: name, seconds: this.seconds });
    } catch (error) {
      throw new StatesError("States.QueryEvaluationError", (error as Error).message);
    }
  }
}

function matches(names: string[], error: string): boolean {
  return names.includes(error) || (names.includes("States.ALL") && !NOT_IN_STATES_ALL.includes(error));
}
