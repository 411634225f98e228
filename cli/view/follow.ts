// The live view of an execution: each state with its duration, and the progress lines of the Glue job.
import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { GetJobRunsCommand, type GlueClient } from "@aws-sdk/client-glue";
import type { SFNClient } from "@aws-sdk/client-sfn";
import { type Execution, type ExecutionEvent, followExecution, startExecution } from "../../stack/execution";
import type { Console } from "./console";

/** What a state does, as people read it. A state without a description is shown by its name. */
export const STATE_WORDS: Readonly<Record<string, string>> = {
  CheckInput: "checking the input",
  SimulateTraffic: "sending simulated traffic",
  AwaitIngest: "waiting until all sent events are in S3",
  CheckArrival: "checking what has arrived, and whether it is written as Parquet",
  RepairArrived: "registering the dates of what arrived",
  VerifyArrived: "comparing Athena's row count with what was written",
  ReadArrivedCounts: "reading the row counts",
  KeepArrival: "noting what was checked",
  NotifyArrived: "sending the success mail",
  LookForNew: "checking whether anything is new",
  TransformEvents: "running the Spark job",
  ReadReport: "reading the job's report",
  RepairPartitions: "registering partitions",
  RepairAllPartitions: "registering every partition found in S3",
  CrawlTable: "starting the crawler",
  ReadCrawl: "waiting until the crawl has ended",
  VerifyTables: "comparing Athena's row count with the job's report",
  ReadCounts: "reading the row counts",
  RecordMetrics: "sending the run's metrics to CloudWatch",
  NotifySuccess: "sending the success mail",
  NotifyFailure: "sending the failure mail",
};

export interface Target {
  sfn: SFNClient;
  glue: GlueClient;
  stateMachineArn: string;
  jobName: string;
  /** Where the local stack keeps the logs of Glue runs; undefined on AWS. */
  glueLogs?: string;
}

export async function executeAndFollow(
  target: Target,
  input: unknown,
  console: Console,
  signal: AbortSignal,
): Promise<Execution> {
  const arn = await startExecution(target.sfn, target.stateMachineArn, input);
  const name = arn.split(":").at(-1) ?? arn;
  console.event(`Execution ${console.colours.bold(name)} started with ${JSON.stringify(input)}`);
  const job = target.glueLogs ? new JobLog(target, target.glueLogs, name) : undefined;
  const view = new StateView(console);
  try {
    return await followExecution(arn, {
      sfn: target.sfn,
      signal,
      onEvent: (event) => view.show(event),
      onTick: async (state) => {
        if (state) console.setStatus(`${state}: ${STATE_WORDS[state] ?? "running"}`);
        for (const line of (await job?.newLines()) ?? []) console.detail(line);
      },
    });
  } finally {
    console.setStatus("");
    view.finish();
  }
}

/**
 * One line when a task begins and one when it ends. Choice and wait states are not shown. A task that is repeated in a
 * loop (AwaitIngest) counts as one.
 */
export class StateView {
  private current: { state: string; began: Date; ended: Date; failed: boolean } | undefined;

  constructor(private readonly console: Console) {}

  show(event: ExecutionEvent): void {
    const { state, at } = event;
    const { red, dim, bold } = this.console.colours;
    const isCurrent = this.current?.state === state;
    if (event.kind === "entered" && event.isTask && !isCurrent) {
      this.finish();
      this.current = { state, began: at, ended: at, failed: false };
      this.console.event(`${dim("▸")} ${state}${STATE_WORDS[state] ? dim(`  ${STATE_WORDS[state]}`) : ""}`);
    } else if (event.kind === "left" && this.current && isCurrent) {
      this.current.ended = at;
    } else if (event.kind === "failed") {
      if (this.current && isCurrent) this.current.failed = true;
      this.console.event(`${red("✗")} ${bold(state)}  ${event.error}: ${event.cause.split("\n")[0]}`);
    }
  }

  finish(): void {
    if (this.current && !this.current.failed) {
      const { state, began, ended } = this.current;
      const seconds = (ended.getTime() - began.getTime()) / 1000;
      this.console.event(`${this.console.colours.green("✓")} ${state}  ${seconds.toFixed(1)} s`);
    }
    this.current = undefined;
  }
}

/** The message of a line of the job's log, which has one JSON object per line; undefined for other output. */
export function progressOf(line: string): string | undefined {
  try {
    const { level, message } = (JSON.parse(line) ?? {}) as Record<string, unknown>;
    return typeof level === "string" && typeof message === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}

/** Reads the progress lines that the job printed since the last call. */
class JobLog {
  private runId: string | undefined;
  private offset = 0;
  private rest = "";

  constructor(
    private readonly target: Target,
    private readonly folder: string,
    private readonly execution: string,
  ) {}

  async newLines(): Promise<string[]> {
    this.runId ??= await this.findRun();
    if (!this.runId) return [];
    const lines = (this.rest + this.readOn(join(this.folder, this.runId, "stdout.log"))).split("\n");
    this.rest = lines.pop() ?? "";
    return lines.flatMap((line) => progressOf(line) ?? []);
  }

  private async findRun(): Promise<string | undefined> {
    const { JobRuns = [] } = await this.target.glue.send(
      new GetJobRunsCommand({ JobName: this.target.jobName }),
    );
    return JobRuns.find(({ Arguments }) => Arguments?.["--execution"] === this.execution)?.Id;
  }

  private readOn(path: string): string {
    let file: number;
    try {
      file = openSync(path, "r");
    } catch {
      return ""; // the job has not written yet
    }
    try {
      const buffer = Buffer.alloc(64 * 1024);
      const bytes = readSync(file, buffer, 0, buffer.length, this.offset);
      this.offset += bytes;
      return buffer.toString("utf8", 0, bytes);
    } finally {
      closeSync(file);
    }
  }
}
