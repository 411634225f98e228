// The state file of a run, .local/accept/<stack>/state.json. It lists what is done, so that an interrupted run can go on.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT_ROOT, processExists } from "../../stack/runs";
import type { Verdict } from "./verdict";
import type { Facts } from "./world";

export interface StepRecord {
  state: "done" | "failed" | "skipped";
  seconds: number;
  /** Why it failed or was skipped. */
  says?: string;
}

export interface Progress {
  project: string;
  stack: string;
  target: "aws" | "local";
  region: string;
  role?: string;
  /** Encrypts the stack's secret if pulumi keeps its state in a bucket or folder and the environment has no passphrase. */
  passphrase: string;
  /** The process that works on it. */
  pid: number;
  facts: Facts;
  steps: Record<string, StepRecord>;
  verdicts: Record<string, Verdict>;
  /** The stack is removed and the report is written. The next run starts from the beginning. */
  finished: boolean;
}

/** Another process runs this command for the same stack. */
export class Busy extends Error {}

export const ACCEPT_FOLDER = join(PROJECT_ROOT, ".local", "accept");

export class Journal {
  private constructor(
    readonly folder: string,
    readonly progress: Progress,
  ) {}

  /** The interrupted run; undefined if there is none. */
  static interrupted(stack: string, root = ACCEPT_FOLDER): Journal | undefined {
    const folder = join(root, stack);
    const file = join(folder, "state.json");
    if (!existsSync(file)) return undefined;
    const progress = JSON.parse(readFileSync(file, "utf8")) as Progress;
    if (progress.finished) return undefined;
    if (progress.pid !== process.pid && processExists(progress.pid)) {
      throw new Busy(
        `Another npm run accept is working on the stack ${stack} (process ${progress.pid}). Wait until it ends, or stop it: kill ${progress.pid}`,
      );
    }
    const journal = new Journal(folder, { ...progress, pid: process.pid });
    journal.save();
    return journal;
  }

  static begin(
    given: Pick<Progress, "project" | "stack" | "target" | "region" | "role">,
    root = ACCEPT_FOLDER,
  ): Journal {
    const folder = join(root, given.stack);
    mkdirSync(folder, { recursive: true });
    // The log of an earlier run must not count as evidence for this one.
    rmSync(join(folder, "pulumi.log"), { force: true });
    const journal = new Journal(folder, {
      ...given,
      passphrase: randomBytes(18).toString("base64url"),
      pid: process.pid,
      facts: {
        began: new Date().toISOString(),
        marker: `accept-${randomBytes(4).toString("hex")}`,
      },
      steps: {},
      verdicts: {},
      finished: false,
    });
    journal.save();
    return journal;
  }

  step(id: string): StepRecord | undefined {
    return this.progress.steps[id];
  }

  recordStep(id: string, record: StepRecord, facts: Partial<Facts> = {}): void {
    Object.assign(this.progress.facts, facts);
    this.progress.steps[id] = record;
    this.save();
  }

  recordVerdict(row: string, verdict: Verdict): void {
    this.progress.verdicts[row] = verdict;
    this.save();
  }

  keep(facts: Partial<Facts>): void {
    Object.assign(this.progress.facts, facts);
    this.save();
  }

  forget(rows: readonly string[]): void {
    for (const row of rows) delete this.progress.verdicts[row];
    this.save();
  }

  finish(): void {
    this.progress.finished = true;
    this.save();
  }

  /** Atomic, as the process may be killed at any moment. Readable by the owner only, because of the passphrase. */
  save(): void {
    const file = join(this.folder, "state.json");
    writeFileSync(`${file}.part`, `${JSON.stringify(this.progress, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${file}.part`, file);
  }
}
