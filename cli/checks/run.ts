// Runs the steps of `npm run check` and `npm test`, shows each as it ends, and sums up.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PROJECT_ROOT } from "../../stack/runs";
import { Console } from "../view/console";
import { COVERAGE, type Counts, countsOf, type Step } from "./steps";

interface Result {
  step: Step;
  counts: Counts;
  seconds: number;
  finding: string;
}

interface Ended {
  code: number;
  /** What a step said whose output was kept back. */
  said: string;
}

/** Steps that run together, and how many of them at a time: of those that run alone the output is shown as it comes. */
export interface Group {
  steps: readonly Step[];
  atATime: number;
  /** Measure what the tests cover: it costs time. */
  coverage?: boolean;
}

/** Runs all groups, whatever fails, and ends with the line "N passed, N failed". */
export async function runGroups(groups: readonly Group[], stream: NodeJS.WriteStream): Promise<number> {
  const console = new Console(stream);
  rmSync(COVERAGE, { recursive: true, force: true });
  mkdirSync(COVERAGE, { recursive: true });
  const folder = mkdtempSync(join(PROJECT_ROOT, ".local", "test-"));
  const results: Result[] = [];
  try {
    for (const group of groups) results.push(...(await runGroup(group, folder, console)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return summarise(results, console);
}

async function runGroup(
  { steps, atATime, coverage }: Group,
  folder: string,
  console: Console,
): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = [...steps];
  const running = new Set<string>();
  const status = () => console.setStatus([...running].join(", "));
  const worker = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift()) {
      if (atATime === 1) console.heading(step.title);
      running.add(step.title);
      if (atATime > 1) status();
      const began = Date.now();
      const file = join(folder, step.title.replace(/\W+/g, "-"));
      const { counts, said } = await runStep(step, { file, coverage, shown: atATime === 1 });
      const finding = step.finding?.(said) ?? "";
      const result = { step, counts, seconds: (Date.now() - began) / 1000, finding };
      running.delete(step.title);
      results.push(result);
      if (atATime === 1) continue;
      status();
      // What went well needs no words; of a failure all are shown.
      if (counts.failed > 0) console.line(said.trimEnd());
      console.line(resultLine(result, console));
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  console.end();
  return results;
}

interface HowToRun {
  /** Where the test run writes its counts. */
  file: string;
  coverage: boolean | undefined;
  shown: boolean;
}

async function runStep(
  step: Step,
  { file, coverage, shown }: HowToRun,
): Promise<{ counts: Counts; said: string }> {
  const measured = coverage ? step.measured : undefined;
  const [first = "", ...rest] = step.command;
  const [command = "", ...args] = [...(measured?.launcher ?? [first]), ...rest];
  if (step.counts?.option) args.push(`${step.counts.option}=${file}`);
  const env = { ...process.env, ...measured?.env, ...(step.counts?.env && { [step.counts.env]: file }) };
  const { code, said } = await spawned(command, args, env, shown);
  const written = existsSync(file) ? readFileSync(file, "utf8") : undefined;
  return { counts: countsOf(step, code, written), said };
}

function spawned(command: string, args: string[], env: NodeJS.ProcessEnv, shown: boolean): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: PROJECT_ROOT, env, stdio: shown ? "inherit" : "pipe" });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
    }
    child.on("error", (error) => {
      const message = `${command} could not be started: ${error.message}\n`;
      if (shown) process.stderr.write(message);
      resolve({ code: 1, said: said + message });
    });
    child.on("close", (code) => resolve({ code: code ?? 1, said }));
  });
}

function resultLine({ step, counts, seconds, finding }: Result, console: Console): string {
  const { green, red } = console.colours;
  const mark = counts.failed === 0 ? green("✓") : red("✗");
  const numbers = step.counts ? `${counts.passed} passed, ${counts.failed} failed` : finding;
  return `${mark} ${step.title.padEnd(50)} ${seconds.toFixed(1).padStart(6)} s  ${numbers}`.trimEnd();
}

function summarise(results: readonly Result[], console: Console): number {
  console.line();
  console.line(console.colours.bold("Summary"));
  for (const result of results) console.line(resultLine(result, console));
  const passed = results.reduce((sum, { counts }) => sum + counts.passed, 0);
  const failed = results.reduce((sum, { counts }) => sum + counts.failed, 0);
  console.line(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}
