// npm start: runs the whole pipeline on this machine, from an empty emulator to the mail and the results of queries.
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { AthenaClient } from "@aws-sdk/client-athena";
import { GlueClient } from "@aws-sdk/client-glue";
import { SFNClient } from "@aws-sdk/client-sfn";
import { openDestination } from "../../lambdas/shared/destination";
import { DAY_MS } from "../../lambdas/shared/durations";
import { localConfiguration } from "../../local/deploy/local-configuration";
import { DeployError } from "../../local/deploy/program";
import { EmulatorError } from "../../local/emulator-process";
import { sumCalls } from "../../local/requests";
import { BadSetting, checkedSettings, givenSettings } from "../../local/settings";
import type { LocalStack } from "../../local/stack";
import { UnusableFile } from "../../local/traffic/content";
import { BadLogFormat } from "../../local/traffic/log/format";
import { type OpenFile, openFile, type SentFile, sendFile } from "../../local/traffic/send-file";
import { QueryFailed } from "../../stack/athena";
import { aborted, Interrupted, onInterrupt } from "../../stack/interrupt";
import { imbalance, nothingCurated, readOutput, windowHint } from "../../stack/run-report";
import { PROJECT_ROOT, Runs } from "../../stack/runs";
import type { StartOptions } from "../arguments/types";
import { type Dates, dateOf } from "../report/dates";
import { costLine, makeReport, type ReportSource } from "../report/make";
import { bringUp } from "../view/bring-up";
import { Console, number } from "../view/console";
import { nameDates } from "../view/dates";
import { executeAndFollow } from "../view/follow";
import { showKept } from "../view/kept-stack";
import { MailWatch, showMails, topicOf } from "../view/mails";
import { type Answer, defaultQueries, firstDayQueried, runInOrder, runTogether } from "../view/queries";
import { type RunFacts, runDocument } from "../view/run-document";
import { failureOf } from "./execute";

const DEFAULT_EVENTS = 2000;
const DEFAULT_EVENTS_A_DAY = 400;
const DEFAULT_SEED = 7;
/** Shares of special events in the simulated traffic, so that every path of the pipeline runs. */
const SHARES = { duplicates: 0.01, malformed: 0.005, late: 0.02, pii: 0.05 };
/** Each start writes this file again. A run's own folder is removed after a success. */
const REPORT = join(PROJECT_ROOT, ".local", "report.html");

export async function main(options: StartOptions): Promise<number> {
  const console = new Console(options.json ? process.stderr : process.stdout);
  const signal = onInterrupt();
  const facts: RunFacts & { queries: Answer[] } = { mails: [], queries: [], problems: [] };
  let stack: LocalStack | undefined;
  let file: OpenFile | undefined;
  try {
    // First, as wrong values and a file that cannot be sent need no stack.
    const config = checkedSettings(givenSettings(options));
    file = options.file === undefined ? undefined : await openFile(options.file, options["log-format"]);
    stack = await bringUp(console, signal, config);
    const pipeline = runPipeline(stack, { ...options, file }, facts, console, signal);
    await Promise.race([pipeline, stack.crashed, aborted(signal)]);
  } catch (error) {
    file?.content.close();
    facts.problems.push(describeError(error));
    if (error instanceof Interrupted) return await endInterrupted(error, stack, facts, options, console);
  }
  console.end();
  conclude(facts, stack, console);
  if (options.json) process.stdout.write(`${JSON.stringify(runDocument(facts))}\n`);
  const succeeded = facts.problems.length === 0;
  if (stack && options.keep) await keepUp(stack, console, signal);
  await stack?.stop({ keepState: !succeeded || options.keep === true });
  return succeeded ? 0 : 1;
}

type RunOptions = Omit<StartOptions, "file"> & { file?: OpenFile };

async function runPipeline(
  stack: LocalStack,
  options: RunOptions,
  facts: RunFacts & { queries: Answer[] },
  console: Console,
  signal: AbortSignal,
): Promise<void> {
  const { clientConfig, outputs, stateDir } = stack;
  const watch = await MailWatch.begin(join(stateDir, "mails"));
  const began = new Date();
  const { input, sent } = await sendEvents(stack, options, console);
  facts.sent = sent?.lines;
  const target = {
    sfn: new SFNClient(clientConfig),
    glue: new GlueClient(clientConfig),
    stateMachineArn: outputs.stateMachineArn,
    jobName: outputs.jobName,
    glueLogs: join(stateDir, "glue"),
  };
  const execution = await executeAndFollow(target, input, console, signal);
  facts.execution = execution;
  const found = readOutput(execution.output);
  facts.report = found?.report;
  facts.sent ??= found?.sent;
  const arrived = await watch.waitFor(topicOf(execution.status, outputs));
  facts.calls = await sumCalls(stateDir, began, new Date());
  facts.mails = arrived.mails;
  showMails(facts.mails, console);
  if (!arrived.found)
    facts.problems.push(`The ${execution.status} mail did not arrive in ${stateDir}/mails.`);
  if (execution.status !== "SUCCEEDED") facts.problems.push(failureOf(execution));
  else await showResults(stack, options, facts, console, sent);
}

/** Sends the file. Without one, the state machine simulates traffic. Returns the execution's input. */
async function sendEvents(stack: LocalStack, options: RunOptions, console: Console) {
  const { file } = options;
  if (file === undefined) return { input: { simulate: simulation(options) }, sent: undefined };
  const { streamName, deliveryStreamName } = stack.outputs;
  console.event(
    `Sending ${nameOf(file)} to the ${streamName ? `stream ${streamName}` : `delivery stream ${deliveryStreamName}`}`,
  );
  const sent = await sendFile(file, {
    destination: await openDestination({ streamName, deliveryStreamName }, stack.clientConfig),
    onProgress: ({ lines }) => console.setStatus(`${number(lines)} lines sent`),
  });
  console.setStatus("");
  showSent(sent, console);
  return { input: { sent: sent.sent }, sent };
}

function simulation({ events, seed = DEFAULT_SEED, days }: RunOptions) {
  if (days === undefined) return { events: events ?? DEFAULT_EVENTS, seed, ...SHARES };
  // All of a history arrives late.
  return { events: events ?? days * DEFAULT_EVENTS_A_DAY, seed, days, ...SHARES, late: 0 };
}

function nameOf({ content: { name } }: OpenFile): string {
  const near = relative(process.cwd(), name);
  return name.startsWith("/") && !near.startsWith("..") ? near : name;
}

function showSent(sent: SentFile, console: Console): void {
  const refused = sent.refused > 0 ? `, ${number(sent.refused)} of them to the quarantine` : "";
  console.event(
    `${number(sent.lines)} ${sent.kind === "access log" ? "lines of an access log" : "events"} sent in ${number(sent.records)} records${refused}`,
  );
  for (const refusal of sent.refusals) console.detail(refusal);
  const left = sent.refused - sent.refusals.length;
  if (left > 0) console.detail(`… and ${number(left)} more; the quarantine has all of them with the reason`);
}

async function showResults(
  stack: LocalStack,
  options: RunOptions,
  facts: RunFacts & { queries: Answer[] },
  console: Console,
  sent: SentFile | undefined,
): Promise<void> {
  checkNumbers(facts, console);
  checkQuarantine(facts, sent, windowBegins(options), console);
  const days = facts.report?.dates.count ?? 0;
  console.heading(`Partitions (${number(days)})`);
  if (facts.report && days > 0) console.line(`  ${nameDates(facts.report)}`);
  const asked = options.query?.map((sql, index) => ({ title: `Query ${index + 1}: ${sql}`, sql }));
  const { database, workgroup } = stack.outputs;
  const athena = new AthenaClient(stack.clientConfig);
  const dates = facts.report?.dates ?? { count: 0, first: null, last: null };
  const since = firstDayQueried(dates, Date.now());
  if (!asked && dates.first !== null && since > dates.first) {
    console.line(
      `  The queries below are about the days from ${since} on. For other days: npm start -- --query SQL`,
    );
  }
  const target = { athena, database, workgroup };
  const now = Date.now();
  console.setStatus("querying the tables in Athena");
  const reported = reportDates(options.days, since, dates.last, now);
  const source = { ...target, name: `the local run ${stack.id}` };
  const [answers] = await (asked
    ? Promise.all([runInOrder(target, asked)])
    : Promise.all([
        runTogether(target, defaultQueries(since, now)),
        writeReport(source, reported, now, facts),
      ]));
  console.setStatus("");
  facts.queries = answers;
  for (const { title, columns, rows, rowsShown, error } of answers) {
    console.heading(title);
    if (error === undefined) console.table(columns, rows, rowsShown);
    else console.line(console.colours.red(`  Athena: ${error}`));
    if (error !== undefined) facts.problems.push(`A query failed (${title}): ${error}`);
  }
}

async function writeReport(source: ReportSource, dates: Dates, now: number, facts: RunFacts): Promise<void> {
  try {
    const numbers = await makeReport(source, dates, REPORT, now);
    facts.page = { file: REPORT, cost: costLine(numbers) };
  } catch (error) {
    if (!(error instanceof QueryFailed)) throw error;
    facts.problems.push(`A query of the report failed: ${error.message}`);
  }
}

/** All days of a simulated history, or the days that the run wrote to. */
function reportDates(days: number | undefined, since: string, last: string | null, now: number): Dates {
  const today = dateOf(now);
  if (days !== undefined) return { from: dateOf(now - (days - 1) * DAY_MS), to: today };
  return { from: since, to: last ?? today };
}

function checkNumbers(facts: RunFacts, console: Console): void {
  const { report, sent } = facts;
  if (!report || sent === undefined) {
    facts.problems.push("The execution's output has no run report.");
    return;
  }
  const { curated, quarantined, duplicates } = report;
  console.heading("What went in and what came out");
  console.table(["sent", "curated", "quarantined", "duplicates"], [[sent, curated, quarantined, duplicates]]);
  const problem = imbalance({ sent, curated, quarantined, duplicates });
  if (problem) facts.problems.push(`The numbers do not add up: ${problem}.`);
  else console.line(console.colours.green("  ✓ sent = curated + quarantined + duplicates"));
}

function checkQuarantine(
  { report, problems }: RunFacts,
  sent: SentFile | undefined,
  begins: string,
  console: Console,
): void {
  if (report === undefined) return;
  // Simulated traffic has some lines outside of the window on purpose, so it needs no hint.
  const hint = sent && windowHint(report.quarantine_reasons, begins, sent.earliest);
  const problem = nothingCurated(report, hint);
  if (problem !== undefined) problems.push(problem);
  else if (hint !== undefined) console.line(console.colours.yellow(`  ${hint}`));
}

function windowBegins(given: Pick<StartOptions, "way" | "config">): string {
  const { project, values } = localConfiguration(PROJECT_ROOT, Object.fromEntries(givenSettings(given)), "");
  return values[`${project}:earliestEventTime`] ?? "";
}

function conclude(facts: RunFacts, stack: LocalStack | undefined, console: Console): void {
  const { green, red, bold } = console.colours;
  console.line();
  if (facts.problems.length === 0) {
    const seconds = facts.execution?.seconds;
    console.line(green(`✓ ${bold("SUCCEEDED")}: execution ${seconds} s, total ${console.elapsed().trim()}`));
    if (facts.page) {
      console.line(`  Report: ${bold(pathToFileURL(facts.page.file).href)}`);
      console.line(`  Its ${facts.page.cost} on AWS.`);
    }
    return;
  }
  for (const problem of facts.problems) console.line(red(`✗ ${problem}`));
  // Without a stack nothing ran, so there are no files to look at.
  if (stack === undefined) return;
  const folder = relative(PROJECT_ROOT, stack.stateDir);
  console.line(`  The files of this run are in ${folder}:`);
  console.line(
    "    emulator.log (Lambdas, services), deploy.log, glue/*/stdout.log (the script), stderr.log (Spark), mails/*.eml",
  );
  console.line(
    "  To look into it: npm start -- --keep, then npm run query or npm run execute in another terminal.",
  );
}

/** Keeps the stack running until Ctrl+C. */
async function keepUp(stack: LocalStack, console: Console, signal: AbortSignal): Promise<void> {
  showKept(stack, console);
  try {
    await Promise.race([stack.crashed, aborted(signal)]);
  } catch (error) {
    console.line();
    console.line(error instanceof Interrupted ? "Stopping the stack." : describeError(error));
  }
}

async function endInterrupted(
  interrupted: Interrupted,
  stack: LocalStack | undefined,
  facts: RunFacts,
  options: StartOptions,
  console: Console,
): Promise<number> {
  console.end();
  console.line();
  console.line(`${interrupted.message}: stopping the stack.`);
  if (options.json) process.stdout.write(`${JSON.stringify(runDocument(facts))}\n`);
  await stack?.stop();
  if (stack) new Runs().remove(stack.id);
  return interrupted.exitCode;
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const forPeople = [BadSetting, DeployError, EmulatorError, Interrupted, UnusableFile, BadLogFormat].some(
    (kind) => error instanceof kind,
  );
  return forPeople ? error.message : (error.stack ?? error.message);
}
