// npm run bench: hands over to bench/index.ts with its arguments.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { PROJECT_ROOT } from "../../stack/runs";

export function main(options: { arguments: string[] }): Promise<number> {
  const args = [
    "--expose-gc",
    "--import",
    "tsx",
    join(PROJECT_ROOT, "bench", "index.ts"),
    ...options.arguments,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: PROJECT_ROOT, stdio: "inherit" });
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}
