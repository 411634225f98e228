// Runs a Python script of this folder in the project's environment.

import { spawn } from "node:child_process";
import { join, resolve } from "node:path";

const ROOT = resolve(__dirname, "..");

/** The script's exit code; what it says on stderr is shown. */
export async function runPython(script: string, args: readonly string[]): Promise<number | null> {
  const python = join(ROOT, ".local", "venv", "bin", "python");
  const child = spawn(python, [join(__dirname, script), ...args], { stdio: ["ignore", "ignore", "inherit"] });
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", done);
  });
}
