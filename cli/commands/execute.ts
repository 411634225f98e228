// npm run execute -- 'INPUT': starts an execution of the pipeline and follows it to its end.
import { join, relative } from "node:path";
import type { Mail } from "../../local/mailbox";
import { sumCalls } from "../../local/requests";
import type { Execution } from "../../stack/execution";
import { Interrupted, onInterrupt } from "../../stack/interrupt";
import { readOutput } from "../../stack/run-report";
import { PROJECT_ROOT } from "../../stack/runs";
import { type CliTarget, openTarget } from "../../stack/target";
import type { ExecuteOptions } from "../arguments/types";
import { Console, number } from "../view/console";
import { nameDates } from "../view/dates";
import { executeAndFollow } from "../view/follow";
import { MailWatch, showMails, topicOf } from "../view/mails";
import { runDocument } from "../view/run-document";
import { explainError } from "./query";

export async function main(options: ExecuteOptions): Promise<number> {
  const console = new Console(options.json ? process.stderr : process.stdout);
  const signal = onInterrupt();
  let target: CliTarget | undefined;
  try {
    target = openTarget(options);
    console.line(`On ${target.name}:`);
    return await execute(target, options, console, signal);
  } catch (error) {
    if (error instanceof Interrupted) {
      process.stderr.write("\nStopped following. The execution itself continues.\n");
      return error.exitCode;
    }
    const words = explainError(error, target);
    if (words === undefined) throw error;
    process.stderr.write(`${words}\n`);
    const document = runDocument({ mails: [], queries: [], problems: [words] });
    if (options.json) process.stdout.write(`${JSON.stringify(document)}\n`);
    return 1;
  } finally {
    console.end();
  }
}

async function execute(
  target: CliTarget,
  { input, json }: ExecuteOptions,
  console: Console,
  signal: AbortSignal,
) {
  const { sfn, glue, outputs, stateDir } = target;
  const { stateMachineArn, jobName } = outputs;
  const watch = stateDir === undefined ? undefined : await MailWatch.begin(join(stateDir, "mails"));
  const glueLogs = stateDir && join(stateDir, "glue");
  const began = new Date();
  const execution = await executeAndFollow(
    { sfn, glue, stateMachineArn, jobName, glueLogs },
    input,
    console,
    signal,
  );
  // An execution that leaves the work to another one, or the schedule's that finds nothing new, sends no mail.
  const arrived = execution.output?.skipped
    ? undefined
    : await watch?.waitFor(topicOf(execution.status, outputs));
  const mails = arrived?.mails ?? [];
  showMails(mails, console);
  const problems = problemsOf(execution, arrived?.found);
  summarise(execution, mails, problems, target, console);
  const found = readOutput(execution.output);
  const calls = stateDir === undefined ? undefined : await sumCalls(stateDir, began, new Date());
  const document = runDocument({ execution, ...found, mails, queries: [], calls, problems });
  if (json) process.stdout.write(`${JSON.stringify(document)}\n`);
  return problems.length === 0 ? 0 : 1;
}

function problemsOf(execution: Execution, mailFound: boolean | undefined): string[] {
  const problems: string[] = [];
  if (execution.status !== "SUCCEEDED") problems.push(failureOf(execution));
  if (mailFound === false) problems.push("The local mailbox received no mail from this execution.");
  return problems;
}

/** How an execution failed, in one sentence. */
export function failureOf({ status, failedState, error, cause }: Execution): string {
  const why = cause || error || "no cause given";
  // The cause of the state machine's Fail state already names the failed state.
  const where = failedState && !why.startsWith(failedState) ? ` at ${failedState}` : "";
  return `The execution ${status}${where}: ${why}`;
}

/** What a successful execution did, in one line. */
export function resultOf(output: Execution["output"]): string | undefined {
  const report = readOutput(output)?.report;
  if (report?.outcome === "nothing_new") return "Nothing new arrived since the last run.";
  if (typeof output?.skipped === "string") return `Nothing was done: ${output.skipped}`;
  if (report === undefined) return undefined;
  const { curated, quarantined, duplicates, partitions } = report;
  return (
    `${number(curated)} curated, ${number(quarantined)} quarantined, ${number(duplicates)} duplicates; ` +
    (partitions.length > 0 ? `partitions ${nameDates(report)}` : "no partition changed")
  );
}

function summarise(
  execution: Execution,
  mails: Mail[],
  problems: string[],
  target: CliTarget,
  console: Console,
): void {
  const { green, red } = console.colours;
  console.line();
  const result = resultOf(execution.output);
  if (result) console.line(result);
  for (const problem of problems) console.line(red(`✗ ${problem}`));
  if (problems.length > 0 && target.stateDir) {
    console.line(
      `  Logs: ${relative(PROJECT_ROOT, target.stateDir)}/emulator.log and glue/*/stdout.log (the script), stderr.log (Spark)`,
    );
  }
  if (problems.length === 0) console.line(green(`✓ ${execution.status} in ${execution.seconds} s`));
  if (mails.length === 0 && !target.stateDir && !execution.output?.skipped)
    console.line("The mail went to the subscribed addresses.");
}
