// Runs the pipeline for what the shop sent, and keeps what the page shows of it: states, result, rows of the table.

import { failureOf, resultOf } from "../cli/commands/execute";
import type { ReadRecord } from "../cli/live/stream-reader";
import { STATE_WORDS } from "../cli/view/follow";
import { compareSequence } from "../lambdas/shared/layout";
import { runQuery, type Value } from "../stack/athena";
import { errorText } from "../stack/aws-errors";
import { type ExecutionEvent, followExecution, startExecution } from "../stack/execution";
import { readOutput } from "../stack/run-report";
import type { CliTarget } from "../stack/target";

interface State {
  name: string;
  words: string;
  phase: "running" | "done" | "failed";
  seconds?: number;
}

/** What the page shows of an execution. */
export interface Shown {
  status: "NONE" | "RUNNING" | "SUCCEEDED" | "FAILED";
  title: string;
  states: State[];
  result?: string;
  rows?: { title: string; columns: string[]; rows: Value[][] };
  /** The address of the report. */
  report?: string;
}

const NOTHING: Shown = { status: "NONE", title: "", states: [] };
const ROWS = 8;

export class Pipeline {
  shown: Shown = NOTHING;
  /** The last record of each shard that no execution has waited for. Empty with Firehose: what was seen is in S3. */
  private waiting = new Map<string, string>();
  private since: number | undefined;

  constructor(
    private readonly target: Pick<CliTarget, "sfn" | "athena" | "outputs">,
    private readonly signal: AbortSignal,
    /** Makes the report, and returns its address. */
    private readonly report?: () => Promise<string | undefined>,
  ) {}

  /** Remembers what arrived: the next execution waits until it is ingested. */
  arrived(records: readonly ReadRecord[]): void {
    for (const { shardId, sequenceNumber, arrivalMs } of records) {
      this.since = Math.min(this.since ?? arrivalMs, arrivalMs);
      const last = this.waiting.get(shardId);
      if (last === undefined || compareSequence(last, sequenceNumber) < 0) {
        this.waiting.set(shardId, sequenceNumber);
      }
    }
  }

  get isRunning(): boolean {
    return this.shown.status === "RUNNING";
  }

  /** Returns false if an execution is running. */
  start(): boolean {
    if (this.isRunning) return false;
    this.shown = { status: "RUNNING", title: "Starting an execution", states: [] };
    this.run().catch((error: unknown) => {
      this.shown = {
        ...this.shown,
        status: "FAILED",
        title: "The execution could not be followed",
        result: errorText(error),
      };
    });
    return true;
  }

  private async run(): Promise<void> {
    const { sfn, outputs } = this.target;
    const arn = await startExecution(sfn, outputs.stateMachineArn, this.input());
    this.shown.title = `Execution ${arn.split(":").at(-1)} is running`;
    const execution = await followExecution(arn, {
      sfn,
      signal: this.signal,
      onEvent: (event) => this.take(event),
    });
    const { states } = this.shown;
    const title = `Execution ${execution.name} ${execution.status} in ${execution.seconds} s`;
    if (execution.status !== "SUCCEEDED") {
      this.shown = { status: "FAILED", title, states, result: failureOf(execution) };
      return;
    }
    const result = resultOf(execution.output) ?? "";
    this.shown = { status: "RUNNING", title, states, result };
    const first = readOutput(execution.output)?.report.dates?.first;
    const found = typeof first === "string" ? await this.answers(first, execution.name) : {};
    this.shown = { status: "SUCCEEDED", title, states, result, ...found };
  }

  /** What the tables say now. The execution has succeeded even if Athena refuses a query. */
  private async answers(since: string, execution: string): Promise<Partial<Shown>> {
    try {
      const [rows, report] = await Promise.all([this.newestRows(since, execution), this.report?.()]);
      return { rows, ...(report === undefined ? {} : { report }) };
    } catch (error) {
      return { result: `${this.shown.result} The tables could not be queried: ${errorText(error)}` };
    }
  }

  /** The execution waits for all that was seen in the live view. */
  private input() {
    if (this.since === undefined) return {};
    const sent = {
      since: new Date(this.since).toISOString(),
      shards: Object.fromEntries(this.waiting),
    };
    this.since = undefined;
    this.waiting = new Map();
    return { sent };
  }

  private take(event: ExecutionEvent): void {
    const { states } = this.shown;
    const current = states.findLast(({ name }) => name === event.state);
    // Choices and pauses are not shown. A task that is repeated in a loop is one.
    if (event.kind === "entered" && event.isTask && states.at(-1)?.name !== event.state) {
      const words = `${event.state}: ${STATE_WORDS[event.state] ?? "running"}`;
      states.push({ name: event.state, words, phase: "running" });
    } else if (event.kind === "left" && current?.phase === "running") {
      current.phase = "done";
      current.seconds = event.seconds;
    } else if (event.kind === "failed" && current !== undefined) current.phase = "failed";
  }

  private async newestRows(since: string, execution: string) {
    const { athena, outputs } = this.target;
    const { database, workgroup, eventsTable } = outputs;
    const sql =
      "SELECT event_time, event_type, product_name, page_url, user_id, anonymous_id " +
      `FROM ${eventsTable} WHERE event_date >= DATE '${since}' ORDER BY event_time DESC LIMIT ${ROWS}`;
    const { columns, rows } = await runQuery({ athena, database, workgroup }, sql);
    return { title: `The newest rows of the table ${eventsTable} after ${execution}`, columns, rows };
  }
}
