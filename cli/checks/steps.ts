// The steps of `npm test` and `npm run check`: their commands, how they run, and how their tests are counted.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PROJECT_ROOT } from "../../stack/runs";
import { Console } from "../view/console";

export interface Counts {
  passed: number;
  failed: number;
}

export interface Step {
  title: string;
  command: string[];
  /** Reads the counts from the file that the test run writes. A step without `counts` is one check. */
  counts?: { env?: string; option?: string; read: (text: string) => Counts };
}

const BIN = join(PROJECT_ROOT, "node_modules", ".bin");
const VENV = join(PROJECT_ROOT, ".local", "venv", "bin");
const MOCHA = [
  ...[process.execPath, join(PROJECT_ROOT, "node_modules", "mocha", "bin", "mocha.js")],
  ...["--reporter", join(__dirname, "mocha-reporter.cjs")],
  process.stdout.isTTY ? "--color" : "--no-color",
];
const PYTHON_TESTS = ["test/glue-scripts", "test/emulator"];

export const CHECKS: readonly Step[] = [
  { title: "Types (tsc)", command: [join(BIN, "tsc"), "--noEmit"] },
  { title: "Lint and format (biome)", command: [join(BIN, "biome"), "ci", "."] },
  { title: "Lint of Python (ruff)", command: [join(VENV, "ruff"), "check", "."] },
  { title: "Format of Python (ruff)", command: [join(VENV, "ruff"), "format", "--check", "."] },
];

export const TESTS: readonly Step[] = [
  {
    title: "Unit tests (mocha)",
    command: [...MOCHA, "--ignore", "test/e2e/**", "test/**/*.test.ts"],
    counts: { env: "MOCHA_COUNTS", read: (text) => JSON.parse(text) as Counts },
  },
  {
    title: "Spark job and emulator tests (pytest)",
    command: [join(VENV, "python"), "-m", "pytest", ...PYTHON_TESTS],
    counts: { option: "--junitxml", read: readJunit },
  },
  {
    title: "End to end (mocha)",
    command: [...MOCHA, "test/e2e/**/*.test.ts"],
    counts: { env: "MOCHA_COUNTS", read: (text) => JSON.parse(text) as Counts },
  },
];

/** Runs all steps, one after the other, and ends with the line "N passed, N failed". */
export async function runSteps(steps: readonly Step[], stream: NodeJS.WriteStream): Promise<number> {
  const console = new Console(stream);
  const { bold, green, red } = console.colours;
  const folder = mkdtempSync(join(PROJECT_ROOT, ".local", "test-"));
  const results: { step: Step; counts: Counts; seconds: number }[] = [];
  try {
    for (const [index, step] of steps.entries()) {
      console.heading(`${index + 1}/${steps.length} ${step.title}`);
      const began = Date.now();
      const counts = await runStep(step, join(folder, `${index}`));
      results.push({ step, counts, seconds: (Date.now() - began) / 1000 });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.line();
  console.line(bold("Summary"));
  for (const { step, counts, seconds } of results) {
    const mark = counts.failed === 0 ? green("✓") : red("✗");
    const numbers = step.counts ? `${counts.passed} passed, ${counts.failed} failed` : "";
    console.line(`${mark} ${step.title.padEnd(40)} ${seconds.toFixed(1).padStart(6)} s  ${numbers}`);
  }
  const passed = results.reduce((sum, { counts }) => sum + counts.passed, 0);
  const failed = results.reduce((sum, { counts }) => sum + counts.failed, 0);
  console.line(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function runStep(step: Step, file: string): Promise<Counts> {
  const [command = "", ...args] = step.command;
  if (step.counts?.option) args.push(`${step.counts.option}=${file}`);
  const env = { ...process.env, ...(step.counts?.env && { [step.counts.env]: file }) };
  const code = await spawned(command, args, env);
  return countsOf(step, code, existsSync(file) ? readFileSync(file, "utf8") : undefined);
}

/** A step with a bad exit code or without tests counts as failed. */
export function countsOf(step: Step, exitCode: number, written: string | undefined): Counts {
  if (!step.counts) return exitCode === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  const { passed, failed } = written === undefined ? { passed: 0, failed: 0 } : step.counts.read(written);
  if (failed > 0 || (exitCode === 0 && passed > 0)) return { passed, failed };
  return { passed, failed: 1 };
}

/** The totals of pytest's JUnit file. An error (a broken fixture or import) is a failure, a skipped test is not a pass. */
export function readJunit(xml: string): Counts {
  const suites = [...xml.matchAll(/<testsuite\b[^>]*>/g)].map(([tag]) => tag);
  const sum = (name: string) =>
    suites.reduce((total, tag) => total + Number(new RegExp(`\\b${name}="(\\d+)"`).exec(tag)?.[1] ?? 0), 0);
  const failed = sum("failures") + sum("errors");
  return { passed: sum("tests") - failed - sum("skipped"), failed };
}

function spawned(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: PROJECT_ROOT, env, stdio: "inherit" });
    child.on("error", (error) => {
      process.stderr.write(`${command} could not be started: ${error.message}\n`);
      resolve(1);
    });
    child.on("close", (code) => resolve(code ?? 1));
  });
}
