// The live view of an execution: each state with its time, and the Glue job's own progress lines while it runs.
import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { GetJobRunsCommand, type GlueClient } from "@aws-sdk/client-glue";
import type { SFNClient } from "@aws-sdk/client-sfn";
import { type Execution, followExecution, type Happening, startExecution } from "../../stack/execution";
import type { Console } from "./console";

/** What people are told of the states; a state without words is shown by its name. */
const WORDS: Readonly<Record<string, string>> = {
  CheckInput: "is the input as it should be?",
  SimulateTraffic: "people walk through the shop",
  AwaitIngest: "has all that was sent landed in S3?",
  TransformEvents: "Spark makes the clean table",
  ReadReport: "what did the job do?",
  RepairPartitions: "Athena learns of the new partitions",
  RepairAllPartitions: "Athena looks for every partition",
  VerifyTables: "does Athena see what the job reported?",
  RecordMetrics: "the run's figures go to CloudWatch",
  NotifySuccess: "the mail goes out",
  NotifyFailure: "the mail that says what went wrong goes out",
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
      onHappening: (happening) => view.show(happening),
      onTick: async (state) => {
        if (state) console.setStatus(`${state}: ${WORDS[state] ?? "running"}`);
        for (const line of (await job?.newLines()) ?? []) console.detail(line);
      },
    });
  } finally {
    console.setStatus("");
    view.finish();
  }
}

/**
 * One line for each task that begins and one for its end. States that only steer (choices, waits) are not shown, and a
 * task that is asked again and again (has everything landed?) counts as one.
 */
export class StateView {
  private current: { state: string; began: Date; ended: Date; failed: boolean } | undefined;

  constructor(private readonly console: Console) {}

  show(happening: Happening): void {
    const { state, at } = happening;
    const { red, dim, bold } = this.console.colours;
    const isCurrent = this.current?.state === state;
    if (happening.kind === "entered" && happening.isTask && !isCurrent) {
      this.finish();
      this.current = { state, began: at, ended: at, failed: false };
      this.console.event(`${dim("▸")} ${state}${WORDS[state] ? dim(`  ${WORDS[state]}`) : ""}`);
    } else if (happening.kind === "left" && this.current && isCurrent) {
      this.current.ended = at;
    } else if (happening.kind === "failed") {
      if (this.current && isCurrent) this.current.failed = true;
      this.console.event(`${red("✗")} ${bold(state)}  ${happening.error}: ${happening.cause.split("\n")[0]}`);
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

/** The words of a line of the job's own log, which is one JSON object a line; undefined for what others print. */
export function progressOf(line: string): string | undefined {
  try {
    const { level, message } = (JSON.parse(line) ?? {}) as Record<string, unknown>;
    return typeof level === "string" && typeof message === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}

/** Reads the progress lines that the job printed since the last look. */
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
      return ""; // the job has not begun to write
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
