// Runs the emulator as a child process: starts it on free ports, watches it, and ends it with this process.
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { isolated } from "../stack/aws";
import { aborted } from "../stack/interrupt";
import { PROJECT_ROOT } from "../stack/runs";

const READY_SECONDS = 60;
const STOP_SECONDS = 15;
const LOG_LINES_SHOWN = 15;

export interface Emulator {
  endpoint: string;
  mailDir: string;
  /** Rejects if the emulator ends unexpectedly. Never resolves. */
  crashed: Promise<never>;
  stop(): Promise<void>;
}

export class EmulatorError extends Error {}

export interface EmulatorOptions {
  /** Gets the emulator's warnings, such as parameters that it ignores. */
  onWarning?: (line: string) => void;
  signal?: AbortSignal;
  /** The script that starts the emulator, if it is not emulator/launch.py. A benchmark has one that adds to it. */
  launcher?: string;
}

export async function startEmulator(stateDir: string, options: EmulatorOptions = {}): Promise<Emulator> {
  const python = join(PROJECT_ROOT, ".local", "venv", "bin", "python");
  if (!existsSync(python)) {
    throw new EmulatorError("The Python environment is missing. npm start and npm test install it.");
  }
  mkdirSync(stateDir, { recursive: true });
  const script = options.launcher ?? join(PROJECT_ROOT, "emulator", "launch.py");
  const child = spawn(python, [script, "--state-dir", stateDir], {
    cwd: PROJECT_ROOT,
    env: isolated(process.env),
    // When this process dies, even by kill -9, the pipe to the emulator's stdin closes and the emulator ends.
    stdio: ["pipe", "pipe", "pipe"],
    // Ctrl+C reaches the whole foreground process group. The emulator must keep running until it is stopped in order.
    detached: true,
  });
  child.stdin.on("error", () => undefined);
  logWarnings(child.stderr, stateDir, options.onWarning);
  let stopping = false;
  const crashed = new Promise<never>((_, reject) => {
    child.on("error", (error) =>
      reject(new EmulatorError(`The emulator could not be started: ${error.message}`)),
    );
    child.on("exit", (code, signal) => {
      if (!stopping) reject(new EmulatorError(endMessage(stateDir, code, signal)));
    });
  });
  crashed.catch(() => undefined); // the caller races against it
  const stop = () => {
    stopping = true;
    return stopChild(child);
  };
  try {
    const ready = await Promise.race([readyLine(child, stateDir), crashed, aborted(options.signal)]);
    return { ...ready, crashed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Writes the launcher's output to a file and passes its warnings on. */
function logWarnings(stderr: Readable, stateDir: string, onWarning?: (line: string) => void): void {
  const log = createWriteStream(join(stateDir, "launcher.log"), { flags: "a" });
  log.on("error", () => undefined); // the folder of a finished run may be deleted before the last line
  createInterface({ input: stderr }).on("line", (line) => {
    log.write(`${line}\n`);
    const warning = /^emulator: warning: (.*)$/.exec(line)?.[1];
    if (warning) onWarning?.(warning);
  });
}

async function readyLine(
  child: ChildProcess,
  stateDir: string,
): Promise<{ endpoint: string; mailDir: string }> {
  if (!child.stdout) throw new EmulatorError("The emulator has no output to read");
  const lines = createInterface({ input: child.stdout });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `The emulator was not ready after ${READY_SECONDS} s.${logTail(stateDir)}`;
    timer = setTimeout(() => reject(new EmulatorError(message)), READY_SECONDS * 1000);
  });
  const first = new Promise<string>((resolve) => lines.once("line", resolve));
  try {
    const { endpoint, mailDir } = JSON.parse(await Promise.race([first, late])) as Record<string, string>;
    if (!endpoint || !mailDir) throw new EmulatorError("The emulator did not report its endpoint");
    return { endpoint, mailDir };
  } finally {
    clearTimeout(timer);
  }
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.stdin?.end();
  child.kill("SIGTERM");
  const { pid } = child;
  const force = setTimeout(() => process.kill(-pid, "SIGKILL"), STOP_SECONDS * 1000);
  await ended;
  clearTimeout(force);
}

function endMessage(stateDir: string, code: number | null, signal: string | null): string {
  const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
  return `The emulator ${how} during the run.${logTail(stateDir)}`;
}

function logTail(stateDir: string): string {
  const logs = ["launcher.log", "emulator.log"]
    .map((name) => join(stateDir, name))
    .filter((path) => existsSync(path));
  const parts = logs.flatMap((path) => {
    const lines = readFileSync(path, "utf8").trimEnd().split("\n").slice(-LOG_LINES_SHOWN);
    if (lines.join("") === "") return [];
    return [`The end of ${relative(PROJECT_ROOT, path)}:`, ...lines.map((line) => `    ${line}`)];
  });
  return parts.length > 0 ? `\n${parts.join("\n")}` : "";
}
