// The folders of the local runs, .local/runs/<id>/. Other commands find a running stack through them.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { StackOutputs } from "./outputs";

export const PROJECT_ROOT = resolve(__dirname, "..");
const OWNER_FILE = "owner.json";
const STACK_FILE = "stack.json";
const DEAD_RUNS_KEPT = 3;

/** The process that a run belongs to. The id alone is not enough: the system reuses ids. */
interface Owner {
  pid: number;
  started: string | undefined;
}

/** What another command needs to use a running stack. */
export interface StackRecord {
  id: string;
  endpoint: string;
  outputs: StackOutputs;
}

export class Runs {
  constructor(private readonly folder = join(PROJECT_ROOT, ".local", "runs")) {}

  /** Creates a folder for this process. Deletes old folders whose process has ended, except the last few. */
  create(): { id: string; stateDir: string } {
    this.prune();
    const id = `${timestamp(new Date())}-${randomBytes(2).toString("hex")}`;
    const stateDir = join(this.folder, id);
    mkdirSync(stateDir, { recursive: true });
    writeJson(join(stateDir, OWNER_FILE), {
      pid: process.pid,
      started: startOf(process.pid),
    } satisfies Owner);
    return { id, stateDir };
  }

  publish(record: StackRecord): void {
    writeJson(join(this.folder, record.id, STACK_FILE), record);
  }

  remove(id: string): void {
    rmSync(join(this.folder, id), { recursive: true, force: true, maxRetries: 3 });
  }

  stateDir(id: string): string {
    return join(this.folder, id);
  }

  /** The running stack with this id, or the newest one. */
  find(id?: string): StackRecord {
    const up = this.all().filter(
      (run) => this.isAlive(run) && existsSync(join(this.folder, run, STACK_FILE)),
    );
    const chosen = id === undefined ? up.at(-1) : up.find((run) => run === id);
    if (chosen === undefined) throw new NoStackUp(id, up);
    return readJson<StackRecord>(join(this.folder, chosen, STACK_FILE)) as StackRecord;
  }

  private prune(): void {
    const dead = this.all().filter((run) => !this.isAlive(run));
    for (const run of dead.slice(0, Math.max(0, dead.length - DEAD_RUNS_KEPT))) this.remove(run);
  }

  /** Oldest first: the ids begin with the time. */
  private all(): string[] {
    return existsSync(this.folder) ? readdirSync(this.folder).sort() : [];
  }

  private isAlive(run: string): boolean {
    const owner = readJson<Owner>(join(this.folder, run, OWNER_FILE));
    if (!owner || !processExists(owner.pid)) return false;
    return owner.started === undefined || startOf(owner.pid) === owner.started;
  }
}

export class NoStackUp extends Error {
  constructor(id: string | undefined, up: string[]) {
    const others = up.length > 0 ? ` These are running: ${up.join(", ")}.` : "";
    super(
      id === undefined
        ? "No local stack is running. Start one in another terminal: npm start -- --keep"
        : `The local run ${id} is not running.${others} Start one in another terminal: npm start -- --keep`,
    );
  }
}

export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** When a process started, in ticks since boot (Linux only; elsewhere only the process id is compared). */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field, the command, can contain spaces and brackets.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

function timestamp(date: Date): string {
  return date.toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(`${path}.part`, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(`${path}.part`, path);
}

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch {
    return undefined;
  }
}
