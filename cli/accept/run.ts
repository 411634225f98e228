// Runs the steps that are not done yet, checks the rows after each step, and destroys the stack at the end.
import { errorText, isAccessDenied } from "../../stack/aws-errors";
import { Interrupted } from "../../stack/interrupt";
import { clientsOf } from "./clients";
import type { Deployer } from "./deployer";
import type { Journal } from "./journal";
import type { Row } from "./row";
import { DESTROY, type Step } from "./steps";
import { uncheckable, unexpected, type Verdict } from "./verdict";
import type { World } from "./world";

export interface RunOptions {
  journal: Journal;
  deployer: Deployer;
  steps: readonly Step[];
  rows: readonly Row[];
  signal: AbortSignal;
  patience: number;
  /** Does not destroy the stack. */
  keep?: boolean;
  /** Shows what is happening now. */
  say(text: string): void;
  /** Reports a step or a verdict, in a line that stays. */
  report(event: RunEvent): void;
}

export type RunEvent =
  | { kind: "step"; step: Step }
  | { kind: "end"; step: Step; state: "done" | "failed" | "skipped"; seconds: number; says?: string }
  | { kind: "verdict"; row: Row; verdict: Verdict };

/** Rejects with Interrupted only. The journal records all other failures. */
export async function run(options: RunOptions): Promise<void> {
  for (const step of options.steps) {
    if (step.id === DESTROY && options.keep) continue;
    if (!options.journal.step(step.id)) await doStep(step, options);
    await lookAtRows(step, options);
  }
}

/** Only destroys the stack and checks what is left. */
export async function destroyOnly(options: RunOptions): Promise<void> {
  const step = options.steps.find(({ id }) => id === DESTROY);
  if (!step) return;
  if (options.journal.step(DESTROY)?.state !== "done") {
    // The verdicts of an earlier try are not valid for this one.
    options.journal.forget(
      options.rows.flatMap((row) => ("after" in row && row.after === DESTROY ? [row.id] : [])),
    );
    await doStep(step, options);
  }
  await lookAtRows(step, options);
}

async function doStep(step: Step, options: RunOptions): Promise<void> {
  const { journal, signal } = options;
  signal.throwIfAborted();
  const why = whySkipped(step, options);
  if (why !== undefined) {
    journal.recordStep(step.id, { state: "skipped", seconds: 0, says: why });
    options.report({ kind: "end", step, state: "skipped", seconds: 0, says: why });
    return;
  }
  options.report({ kind: "step", step });
  const began = Date.now();
  const seconds = () => Math.round((Date.now() - began) / 100) / 10;
  try {
    const facts = await step.run(worldOf(options));
    signal.throwIfAborted();
    journal.recordStep(step.id, { state: "done", seconds: seconds() }, facts);
    options.report({ kind: "end", step, state: "done", seconds: seconds() });
  } catch (error) {
    // An interruption can cause any error. The step is not done; the next run repeats it.
    if (signal.aborted || error instanceof Interrupted) {
      journal.save();
      throw signal.aborted ? signal.reason : error;
    }
    const says = errorText(error);
    journal.recordStep(step.id, { state: "failed", seconds: seconds(), says });
    options.report({ kind: "end", step, state: "failed", seconds: seconds(), says });
  } finally {
    options.say("");
  }
}

function whySkipped(step: Step, { journal, deployer }: RunOptions): string | undefined {
  if (deployer.target === "local" && step.notLocal !== undefined)
    return `not on the local stack: ${step.notLocal}`;
  const missing = step.needs.find((id) => journal.step(id)?.state !== "done");
  return missing === undefined ? undefined : `not reached: the step ${missing} was not done`;
}

async function lookAtRows(step: Step, options: RunOptions): Promise<void> {
  const { journal, rows, report } = options;
  for (const row of rows) {
    if (!("after" in row) || row.after !== step.id || journal.progress.verdicts[row.id]) continue;
    options.signal.throwIfAborted();
    options.say(`checking: ${row.what}`);
    const verdict = await verdictOf(row, options);
    options.signal.throwIfAborted();
    journal.recordVerdict(row.id, verdict);
    options.say("");
    report({ kind: "verdict", row, verdict });
  }
}

type CheckedRow = Extract<Row, { after: string }>;

async function verdictOf(row: CheckedRow, options: RunOptions): Promise<Verdict> {
  const { journal, deployer, signal } = options;
  if (deployer.target === "local" && row.notLocal !== undefined)
    return uncheckable(`not on the local stack: ${row.notLocal}`);
  for (const id of row.needs ?? [row.after]) {
    const record = journal.step(id);
    if (record?.state === "failed") return unexpected(`${id} failed: ${record.says}`);
    if (record?.state !== "done") return uncheckable(record?.says ?? `the step ${id} was not done`);
  }
  try {
    return await row.check(worldOf(options));
  } catch (error) {
    signal.throwIfAborted();
    // The caller's own credentials lack the permission to ask. That says nothing about the stack.
    return isAccessDenied(error)
      ? uncheckable(`AWS denied this look-up: ${errorText(error)}`)
      : unexpected(errorText(error));
  }
}

function worldOf({ journal, deployer, signal, patience, say }: RunOptions): World {
  const { progress } = journal;
  const { facts, role } = progress;
  const { target, project, stack, region } = deployer;
  // Before the first deployment there is nothing to ask, and the local stack has no endpoint.
  const config = facts.outputs ? deployer.config : { region };
  return {
    ...{ target, project, stack, region, role, config, facts, deployer, patience, signal, say },
    keep: (found) => journal.keep(found),
    clients: clientsOf(config),
    outputs: facts.outputs as World["outputs"],
  };
}
