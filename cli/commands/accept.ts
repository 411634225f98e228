// npm run accept: sees on AWS, once and unattended, what no test on this machine can show, and leaves a report.
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { createInterface } from "node:readline/promises";
import { EmulatorError } from "../../local/emulator-process";
import { LOCAL_REGION } from "../../stack/aws";
import { explainAwsError } from "../../stack/aws-errors";
import { projectName } from "../../stack/configuration-files";
import { Interrupted, onInterrupt } from "../../stack/interrupt";
import { PROJECT_ROOT } from "../../stack/runs";
import { type Deployer, DeployerError } from "../accept/deployer";
import { type Cost, costOfRun } from "../accept/estimate";
import { ACCEPT_FOLDER, Busy, Journal } from "../accept/journal";
import { LOCAL_PROJECT, LocalDeployer } from "../accept/local-deployer";
import { PulumiDeployer } from "../accept/pulumi";
import { type Report, reportOf, writeReport } from "../accept/report";
import type { Row } from "../accept/row";
import { ROWS } from "../accept/rows";
import { destroyOnly, run, type Told } from "../accept/run";
import { STEPS } from "../accept/steps";
import type { State } from "../accept/verdict";
import type { AcceptOptions } from "../arguments.mjs";
import { dollars } from "../cost/wording";
import { credentialsCheck } from "../doctor/stack";
import { Console, type ConsoleStream } from "../view/console";

/** Nothing was begun; the message has the remedy. */
export class Refused extends Error {}

/** What tests put in the place of the machine's own. */
export interface Surroundings {
  signal?: AbortSignal;
  /** Where state and reports are kept. */
  folder?: string;
  /** The project's folder, where Pulumi.NAME.yaml would be. */
  root?: string;
  rows?: readonly Row[];
  localDeployer?: (options: { signal: AbortSignal; say: (text: string) => void }) => Deployer;
  /** Who answers; undefined where there is no terminal. */
  ask?: (question: string) => Promise<string>;
  output?: ConsoleStream;
}

const LOCAL_PATIENCE = 0.05;

export async function main(options: AcceptOptions, around: Surroundings = {}): Promise<number> {
  const console = new Console(around.output ?? (options.json ? process.stderr : process.stdout));
  const signal = around.signal ?? onInterrupt();
  let session: Session | undefined;
  try {
    session = await open(options, around, console, signal);
    const report = await work(session, options, around, console, signal);
    conclude(report, session, options, console);
    return report.counts["not as expected"] === 0 ? 0 : 1;
  } catch (error) {
    console.end();
    if (error instanceof Interrupted) {
      await explainInterruption(error, session, options, console);
      return error.exitCode;
    }
    const known = [Refused, Busy, DeployerError, EmulatorError].some((kind) => error instanceof kind);
    const words = known ? (error as Error).message : explainAwsError(error);
    if (words === undefined) throw error;
    console.line(console.colours.red(words));
    if (options.json) process.stdout.write(`${JSON.stringify({ error: words })}\n`);
    return 1;
  } finally {
    console.end();
    await session?.deployer.close();
  }
}

interface Session {
  journal: Journal;
  deployer: Deployer;
  resumed: boolean;
}

async function open(
  options: AcceptOptions,
  around: Surroundings,
  console: Console,
  signal: AbortSignal,
): Promise<Session> {
  const say = (text: string) => console.setStatus(text);
  if (options.local) return openLocal(around, signal, say);
  const stack = options.stack ?? "";
  const earlier = Journal.interrupted(stack, around.folder);
  if (options.destroy && !earlier) {
    throw new Refused(
      `There is no interrupted run of the stack ${stack} to clean up (${relative(PROJECT_ROOT, join(around.folder ?? ACCEPT_FOLDER, stack, "state.json"))}). A stack that this command did not make is removed with: pulumi destroy --stack ${stack}`,
    );
  }
  const region = options.region ?? earlier?.progress.region ?? process.env.AWS_REGION ?? "us-east-1";
  if (earlier) refuseOther(options, earlier);
  const project = projectName(PROJECT_ROOT);
  const make = (journal: Journal) =>
    new PulumiDeployer({
      ...{ project, stack, region, signal, say, folder: journal.folder },
      role: journal.progress.role,
      passphrase: journal.progress.passphrase,
    });
  if (earlier) return { journal: earlier, deployer: make(earlier), resumed: true };
  await preflight(options, around, region, project, signal);
  const cost = await costOfRun(region);
  announce(cost, options, console);
  await agree(options, around);
  const journal = Journal.begin({ project, stack, target: "aws", region, role: options.role }, around.folder);
  return { journal, deployer: make(journal), resumed: false };
}

async function openLocal(
  around: Surroundings,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<Session> {
  const name = "local";
  const make = around.localDeployer ?? ((given) => new LocalDeployer(given));
  // The emulator ends with its command: only a test keeps one that an interrupted run can go on with.
  const earlier = around.localDeployer && Journal.interrupted(name, around.folder);
  const journal =
    earlier ??
    Journal.begin(
      { project: LOCAL_PROJECT, stack: name, target: "local", region: LOCAL_REGION },
      around.folder,
    );
  return { journal, deployer: make({ signal, say }), resumed: earlier !== undefined };
}

function refuseOther(options: AcceptOptions, { progress }: Journal): void {
  for (const key of ["region", "role"] as const) {
    const given = options[key];
    if (given === undefined || given === progress[key]) continue;
    throw new Refused(
      `--${key} is ${given}, and the interrupted run of the stack ${progress.stack} began with ${progress[key] ?? "none"}: leave --${key} out to go on, or clean up first: npm run accept -- --stack ${progress.stack} --destroy`,
    );
  }
}

/** Before anything is asked or made: pulumi, credentials, and that the stack's name is free. */
async function preflight(
  { stack = "", role }: AcceptOptions,
  { root = PROJECT_ROOT }: Surroundings,
  region: string,
  project: string,
  signal: AbortSignal,
): Promise<void> {
  const file = `Pulumi.${stack}.yaml`;
  if (existsSync(join(root, file))) {
    throw new Refused(
      `${file} exists, so the stack ${stack} is somebody's: this command works in a stack of its own. Give it another name: npm run accept -- --stack accept`,
    );
  }
  const pulumi = new PulumiDeployer({
    ...{ project, stack, region, role, signal, folder: "", passphrase: "", say: () => undefined },
  });
  await pulumi.whoami();
  const resources = await pulumi.resources();
  if (resources) {
    throw new Refused(
      `The stack ${stack} exists and has ${resources} resources: this command works in a stack of its own, and touches none that is there. Give it another name: npm run accept -- --stack accept`,
    );
  }
  const { state, says, remedy } = await credentialsCheck({ region }, undefined);
  if (state !== "ok") throw new Refused(`AWS credentials: ${says}. ${remedy ?? ""}`.trim());
}

function announce(cost: Cost, { stack, role }: AcceptOptions, console: Console): void {
  console.line(`This makes the stack ${stack} on AWS, looks at it, and destroys it:`);
  for (const { title, minutes } of STEPS) console.line(`  ${String(minutes).padStart(4)} min  ${title}`);
  console.line(`It takes about ${cost.minutes} minutes and costs about ${dollars(cost.dollars)}:`);
  for (const part of cost.parts) console.line(`  ${part}`);
  console.line(`Assumed: ${cost.assumptions.join("; ")}.`);
  if (role === undefined) {
    console.line(
      "No --role: it deploys with all that your credentials may do, so nothing is said of the deployer's policy.",
    );
  }
}

async function agree({ stack, yes, json }: AcceptOptions, { ask }: Surroundings): Promise<void> {
  if (yes) return;
  const answerer = ask ?? (process.stdin.isTTY && !json ? askOnTerminal : undefined);
  if (!answerer) {
    throw new Refused(
      `Nothing was begun: there is no terminal to ask on. To agree beforehand: npm run accept -- --stack ${stack} --yes`,
    );
  }
  const answer = await answerer("Type yes to begin: ");
  if (answer.trim() !== "yes") throw new Refused(`Nothing was begun: ${JSON.stringify(answer)} is not yes.`);
}

async function askOnTerminal(question: string): Promise<string> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await prompt.question(question);
  } finally {
    prompt.close();
  }
}

async function work(
  { journal, deployer, resumed }: Session,
  options: AcceptOptions,
  around: Surroundings,
  console: Console,
  signal: AbortSignal,
): Promise<Report> {
  const rows = around.rows ?? ROWS;
  if (resumed) {
    const done = Object.keys(journal.progress.steps).length;
    console.line(`Going on with the run that began ${journal.progress.facts.began}, after ${done} steps.`);
  }
  const doAll = options.destroy ? destroyOnly : run;
  await doAll({
    ...{ journal, deployer, rows, signal, steps: STEPS, keep: options.keep },
    patience: deployer.target === "local" ? LOCAL_PATIENCE : 1,
    say: (text) => console.setStatus(text),
    tell: (told) => tell(told, console),
  });
  console.setStatus("");
  if (journal.step("destroy")?.state === "done") journal.finish();
  return reportOf(journal, rows, STEPS);
}

const MARKS: Record<State, string> = {
  seen: "✓",
  "not as expected": "✗",
  "not checkable by a program": "–",
};

function tell(told: Told, console: Console): void {
  const { green, red, dim } = console.colours;
  if (told.kind === "step") console.event(`${told.step.title} (about ${told.step.minutes} min on AWS)`);
  else if (told.kind === "end") {
    const { step, state, says, seconds } = told;
    if (state === "failed") console.event(red(`✗ ${step.id} failed: ${says}`));
    else if (state === "skipped") console.event(dim(`– ${step.title}: ${says}`));
    else console.detail(`${step.id}: ${seconds} s`);
  } else {
    const { state, says } = told.verdict;
    const paint = state === "seen" ? green : state === "not as expected" ? red : dim;
    console.line(paint(`${" ".repeat(10)}${MARKS[state]} ${told.row.what}: ${says.split("\n")[0]}`));
  }
}

function conclude(report: Report, { journal }: Session, options: AcceptOptions, console: Console): void {
  const { green, red, bold } = console.colours;
  const files = writeReport(journal.folder, report);
  const wrong = report.rows.filter(({ state }) => state === "not as expected");
  if (wrong.length > 0) console.heading("Not as expected");
  for (const { what, says, ifNot } of wrong) {
    console.line(red(`✗ ${what}`));
    for (const line of says.split("\n")) console.line(`    ${line}`);
    console.line(`    What to do: ${ifNot}`);
  }
  const { counts } = report;
  console.line();
  const sum = `${counts.seen} seen, ${counts["not as expected"]} not as expected, ${counts["not checkable by a program"]} not checkable by a program`;
  console.line(wrong.length === 0 ? green(`✓ ${bold(sum)}`) : red(`✗ ${bold(sum)}`));
  console.line(`  The report, with the command for each row that a person has to look at: ${files.markdown}`);
  if (!journal.progress.finished) console.line(`  ${stillThere(options)}`);
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
}

function stillThere({ stack }: AcceptOptions): string {
  return `The stack ${stack} still exists and costs money. To remove it: npm run accept -- --stack ${stack} --destroy`;
}

async function explainInterruption(
  interrupted: Interrupted,
  session: Session | undefined,
  options: AcceptOptions,
  console: Console,
): Promise<void> {
  console.line();
  if (!session) {
    console.line(`${interrupted.message}: nothing was begun.`);
    return;
  }
  console.line(`${interrupted.message}.`);
  const { deployer, journal } = session;
  if (deployer.target === "local") {
    console.line(
      "The local stack ends with this command: nothing is left. To start again: the same command.",
    );
    return;
  }
  const standing = await deployer.standing().catch((error: Error) => [error.message]);
  console.line(
    standing.length === 0 ? "No resource exists yet." : "These exist, and cost money until they are removed:",
  );
  for (const line of standing) console.line(`  ${line}`);
  const done = Object.keys(journal.progress.steps);
  console.line(
    `${done.length} of ${STEPS.length} steps are done${done.length ? `, the last is ${done.at(-1)}` : ""}.`,
  );
  console.line(`To go on after it:  npm run accept -- --stack ${options.stack}`);
  console.line(`To only clean up:   npm run accept -- --stack ${options.stack} --destroy`);
  if (options.json)
    process.stdout.write(`${JSON.stringify({ error: interrupted.message, standing, done })}\n`);
}
