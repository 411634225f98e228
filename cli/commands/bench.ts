// npm run bench: hands over to bench/index.ts, in a process that runs nothing else.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { PROJECT_ROOT } from "../../stack/runs";
import type { BenchOptions } from "../arguments/types";

export function main(options: BenchOptions): Promise<number> {
  const args = ["--import", "tsx", join(PROJECT_ROOT, "bench", "index.ts"), JSON.stringify(options)];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: PROJECT_ROOT, stdio: "inherit" });
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}
