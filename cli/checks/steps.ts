// The steps of `npm run check` and `npm test`: which commands they are, and how their tests' numbers are read.
import { join } from "node:path";
import { PROJECT_ROOT } from "../../stack/runs";

export interface Counts {
  passed: number;
  failed: number;
}

export interface Step {
  title: string;
  command: string[];
  /** Reads the counts from the file that the test run writes. A step without `counts` is one check. */
  counts?: { env?: string; option?: string; read: (text: string) => Counts };
  /** How a run that measures coverage starts it: with these variables, or by this launcher in the place of the first word. */
  measured?: { env?: Record<string, string>; launcher?: string[] };
  /** What the summary says of it, read from what it said. */
  finding?: (said: string) => string;
}

/** Where the test runs leave what they covered. */
export const COVERAGE = join(PROJECT_ROOT, ".local", "coverage");

const BIN = join(PROJECT_ROOT, "node_modules", ".bin");
const VENV = join(PROJECT_ROOT, ".local", "venv", "bin");
const MOCHA = [
  ...[process.execPath, join(PROJECT_ROOT, "node_modules", "mocha", "bin", "mocha.js")],
  ...["--reporter", join(__dirname, "mocha-reporter.cjs")],
  process.stdout.isTTY ? "--color" : "--no-color",
];
const MOCHA_COUNTS = { env: "MOCHA_COUNTS", read: (text: string) => JSON.parse(text) as Counts };
/** What a test file is called that starts the emulator or Spark (test/house.test.ts holds them to it), or takes long. */
const STARTS_SOMETHING = "test/**/?(*.)@(emulator|spark|slow).test.ts";
/** These start a browser. */
const BROWSER = "test/**/?(*.)browser.test.ts";
/** These mostly wait for a program that they start, so they share the machine with the others. */
const COMMANDS = "test/{cli,bench}/**/*.test.ts";
/** Node writes it for the tests and for every process that they start. */
const NODE_COVERAGE = { env: { NODE_V8_COVERAGE: join(COVERAGE, "v8") } };
/** Each run writes a file of its own, as two of them run at a time. */
const PYTHON_COVERAGE = { launcher: [join(VENV, "coverage"), "run", "--parallel-mode"] };

function pytest(marks: string, ...folders: string[]): string[] {
  return [join(VENV, "python"), "-m", "pytest", "-q", "-m", marks, ...folders];
}

/** What needs neither Spark nor the emulator: the longest first. */
export const CHECKS: readonly Step[] = [
  {
    title: "Unit tests of the rest (mocha)",
    command: [
      ...[...MOCHA, "--ignore", "test/e2e/**", "--ignore", STARTS_SOMETHING, "--ignore", COMMANDS],
      ...["--ignore", BROWSER, "test/**/*.test.ts"],
    ],
    counts: MOCHA_COUNTS,
    measured: NODE_COVERAGE,
  },
  {
    title: "Unit tests of the commands (mocha)",
    command: [...MOCHA, "--ignore", STARTS_SOMETHING, COMMANDS],
    counts: MOCHA_COUNTS,
    measured: NODE_COVERAGE,
  },
  { title: "Types of Python (pyright)", command: [join(BIN, "pyright")] },
  { title: "Types (tsc)", command: [join(BIN, "tsc"), "--noEmit"] },
  {
    title: "Types of what runs in a browser (tsc)",
    command: [join(BIN, "tsc"), "--noEmit", "-p", "tracker"],
  },
  { title: "Spelling (cspell)", command: [join(BIN, "cspell"), "lint", "--no-progress", "**"] },
  {
    title: "Unit tests of Python (pytest)",
    command: pytest("not starts_something", "test/glue-scripts", "test/emulator"),
    counts: { option: "--junitxml", read: readJunit },
    measured: PYTHON_COVERAGE,
  },
  { title: "Lint and format (biome)", command: [join(BIN, "biome"), "ci", "."] },
  { title: "Nothing unused (knip)", command: [join(BIN, "knip"), "--no-progress"] },
  { title: "Markdown (markdownlint)", command: [join(BIN, "markdownlint-cli2")] },
  { title: "Lint of Python (ruff)", command: [join(VENV, "ruff"), "check", "."] },
  { title: "Format of Python (ruff)", command: [join(VENV, "ruff"), "format", "--check", "."] },
];

/** What starts Spark or the emulator, or takes long: two at a time, the longest first. */
export const TESTS: readonly Step[] = [
  {
    title: "Spark job tests (pytest)",
    command: pytest("starts_something", "test/glue-scripts"),
    counts: { option: "--junitxml", read: readJunit },
    measured: PYTHON_COVERAGE,
  },
  {
    title: "Long tests, tests on the emulator, small benchmarks (mocha)",
    command: [...MOCHA, STARTS_SOMETHING],
    counts: MOCHA_COUNTS,
    measured: NODE_COVERAGE,
  },
  {
    title: "Emulator tests (pytest)",
    command: pytest("starts_something", "test/emulator"),
    counts: { option: "--junitxml", read: readJunit },
    measured: PYTHON_COVERAGE,
  },
];

/** Part of `npm test` where there is a browser. */
export const BROWSER_TESTS: Step = {
  title: "Browser tests (mocha)",
  command: [...MOCHA, "--ignore", "test/e2e/**", BROWSER],
  counts: MOCHA_COUNTS,
  measured: NODE_COVERAGE,
};

/** One after the other: an end-to-end run takes the whole machine, and the report needs all coverage files. */
export const endToEnd = (hasBrowser: boolean): readonly Step[] => [
  {
    title: "End to end (mocha)",
    command: [...MOCHA, ...(hasBrowser ? [] : ["--ignore", BROWSER]), "test/e2e/**/*.test.ts"],
    counts: MOCHA_COUNTS,
  },
  { title: "Coverage files of Python", command: [join(VENV, "coverage"), "combine", "--quiet"] },
];

/** The floors are in .c8rc.json and .coveragerc. */
export const COVERED: readonly Step[] = [
  {
    title: "Coverage of TypeScript (c8)",
    command: [join(BIN, "c8"), "report", "--check-coverage"],
    finding: (said) => `${/Lines\s*:\s*([\d.]+)%/.exec(said)?.[1] ?? "?"} % of lines`,
  },
  {
    title: "Coverage of Python (coverage.py)",
    command: [join(VENV, "coverage"), "report"],
    finding: (said) => `${/^TOTAL.*\s(\d+)%/m.exec(said)?.[1] ?? "?"} % of lines`,
  },
];

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
