// npm run accept: checks once on AWS, unattended, what no local test can show, and writes a report.
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
import { destroyOnly, type RunEvent, run } from "../accept/run";
import { STEPS } from "../accept/steps";
import type { State } from "../accept/verdict";
import type { AcceptOptions } from "../arguments/types";
import { dollars } from "../cost/wording";
import { credentialsCheck } from "../doctor/stack";
import { Console, type ConsoleStream } from "../view/console";

/** Nothing was started. The message has the remedy. */
export class Refused extends Error {}

/** What tests replace. */
export interface Surroundings {
  signal?: AbortSignal;
  /** Where state and reports are kept. */
  folder?: string;
  /** The folder with the Pulumi.NAME.yaml files. */
  root?: string;
  rows?: readonly Row[];
  localDeployer?: (options: { signal: AbortSignal; say: (text: string) => void }) => Deployer;
  /** Asks the person; undefined if there is no terminal. */
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
      `The stack ${stack} has no interrupted run to clean up (${relative(PROJECT_ROOT, join(around.folder ?? ACCEPT_FOLDER, stack, "state.json"))}). To remove a stack that this command did not create: pulumi destroy --stack ${stack}`,
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
  // The emulator ends with its command. Only a test keeps one for a resumed run.
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
      `--${key} is ${given}, but the interrupted run of the stack ${progress.stack} began with ${progress[key] ?? "none"}. To go on, leave --${key} out. To clean up first: npm run accept -- --stack ${progress.stack} --destroy`,
    );
  }
}

/** Checks pulumi, the credentials and that the stack's name is free, before anything is asked or created. */
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
      `${file} exists, so the stack ${stack} is already in use. This command needs a new stack. Choose another name: npm run accept -- --stack accept`,
    );
  }
  const pulumi = new PulumiDeployer({
    ...{ project, stack, region, role, signal, folder: "", passphrase: "", say: () => undefined },
  });
  await pulumi.whoami();
  const resources = await pulumi.resources();
  if (resources) {
    throw new Refused(
      `The stack ${stack} exists and has ${resources} resources. This command needs a new stack and changes no existing one. Choose another name: npm run accept -- --stack accept`,
    );
  }
  const { state, says, remedy } = await credentialsCheck({ region }, undefined);
  if (state !== "ok") throw new Refused(`AWS credentials: ${says}. ${remedy ?? ""}`.trim());
}

function announce(cost: Cost, { stack, role }: AcceptOptions, console: Console): void {
  console.line(`This creates the stack ${stack} on AWS, checks it and destroys it:`);
  for (const { title, minutes } of STEPS) console.line(`  ${String(minutes).padStart(4)} min  ${title}`);
  console.line(`It takes about ${cost.minutes} minutes and costs about ${dollars(cost.dollars)}:`);
  for (const part of cost.parts) console.line(`  ${part}`);
  console.line(`Assumed: ${cost.assumptions.join("; ")}.`);
  if (role === undefined) {
    console.line(
      "No --role given: it deploys with all permissions of your credentials, so it cannot check the deployer's policy.",
    );
  }
}

async function agree({ stack, yes, json }: AcceptOptions, { ask }: Surroundings): Promise<void> {
  if (yes) return;
  const answerer = ask ?? (process.stdin.isTTY && !json ? askOnTerminal : undefined);
  if (!answerer) {
    throw new Refused(
      `Nothing was started: there is no terminal to ask on. To agree in advance: npm run accept -- --stack ${stack} --yes`,
    );
  }
  const answer = await answerer("Type yes to start: ");
  if (answer.trim() !== "yes")
    throw new Refused(`Nothing was started: the answer was ${JSON.stringify(answer)}, not yes.`);
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
    console.line(`Resuming the run that began ${journal.progress.facts.began}. Steps done: ${done}.`);
  }
  const doAll = options.destroy ? destroyOnly : run;
  await doAll({
    ...{ journal, deployer, rows, signal, steps: STEPS, keep: options.keep },
    patience: deployer.target === "local" ? LOCAL_PATIENCE : 1,
    say: (text) => console.setStatus(text),
    report: (event) => show(event, console),
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

function show(event: RunEvent, console: Console): void {
  const { green, red, dim } = console.colours;
  if (event.kind === "step") console.event(`${event.step.title} (about ${event.step.minutes} min on AWS)`);
  else if (event.kind === "end") {
    const { step, state, says, seconds } = event;
    if (state === "failed") console.event(red(`✗ ${step.id} failed: ${says}`));
    else if (state === "skipped") console.event(dim(`– ${step.title}: ${says}`));
    else console.detail(`${step.id}: ${seconds} s`);
  } else {
    const { state, says } = event.verdict;
    const paint = state === "seen" ? green : state === "not as expected" ? red : dim;
    console.line(paint(`${" ".repeat(10)}${MARKS[state]} ${event.row.what}: ${says.split("\n")[0]}`));
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
  console.line(`  The report, with a command for each row that a person has to check: ${files.markdown}`);
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
    console.line(`${interrupted.message}: nothing was started.`);
    return;
  }
  console.line(`${interrupted.message}.`);
  const { deployer, journal } = session;
  if (deployer.target === "local") {
    console.line(
      "The local stack ends with this command, and nothing is left. To start again, run the same command.",
    );
    return;
  }
  const standing = await deployer.existing().catch((error: Error) => [error.message]);
  console.line(
    standing.length === 0
      ? "No resource exists yet."
      : "These resources exist and cost money until they are removed:",
  );
  for (const line of standing) console.line(`  ${line}`);
  const done = Object.keys(journal.progress.steps);
  console.line(
    `${done.length} of ${STEPS.length} steps are done${done.length ? `, the last is ${done.at(-1)}` : ""}.`,
  );
  console.line(`To resume:          npm run accept -- --stack ${options.stack}`);
  console.line(`To only clean up:   npm run accept -- --stack ${options.stack} --destroy`);
  if (options.json)
    process.stdout.write(`${JSON.stringify({ error: interrupted.message, standing, done })}\n`);
}
