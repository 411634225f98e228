// npm run report: writes a report on what people did in the given dates as one HTML file, or prints its numbers as JSON.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { QueryFailed } from "../../stack/athena";
import { type CliTarget, openTarget } from "../../stack/target";
import type { ReportOptions } from "../arguments/types";
import { BadDates, datesOf } from "../report/dates";
import { costLine, makeReport } from "../report/make";
import type { ReportNumbers } from "../report/numbers";
import { Console } from "../view/console";
import { explainError } from "./query";

const DEFAULT_FILE = "report.html";

export async function main(options: ReportOptions): Promise<number> {
  const console = new Console(options.json ? process.stderr : process.stdout);
  // npm runs scripts in the project's folder. INIT_CWD is the folder where the user typed the command.
  const path = options.out ?? resolve(process.env.INIT_CWD ?? process.cwd(), DEFAULT_FILE);
  let target: CliTarget | undefined;
  try {
    const now = Date.now();
    const dates = datesOf(options, now);
    target = openTarget(options);
    const { athena, name, outputs } = target;
    console.setStatus(`querying ${name} in Athena`);
    const numbers = await makeReport({ ...outputs, athena, name }, dates, path, now);
    console.setStatus("");
    show(numbers, path, console);
    if (options.json) process.stdout.write(`${JSON.stringify({ file: path, ...numbers })}\n`);
    return 0;
  } catch (error) {
    console.setStatus("");
    const words = describe(error, path, target);
    if (words === undefined) throw error;
    process.stderr.write(`${words}\n`);
    if (options.json) process.stdout.write(`${JSON.stringify({ error: words })}\n`);
    return 1;
  } finally {
    console.end();
  }
}

function show(numbers: ReportNumbers, path: string, console: Console): void {
  const { totals, from, to, freshness } = numbers;
  if (totals.events + totals.botEvents === 0) {
    console.line(
      console.colours.yellow(
        `The table events has no row from ${from} to ${to}, and the report says so. For other dates: --from DATE --to DATE`,
      ),
    );
  } else {
    console.table(
      ["from", "to", "days with data", "sessions", "visitors", "events", "purchases", "revenue"],
      [
        [
          ...[from, to, freshness.daysWithData, totals.sessions, totals.visitors],
          ...[totals.events, totals.purchases, totals.revenue],
        ],
      ],
    );
  }
  console.line(costLine(numbers));
  console.line(`Report: ${pathToFileURL(path).href}`);
}

function describe(error: unknown, path: string, target: CliTarget | undefined): string | undefined {
  if (error instanceof BadDates) return error.message;
  if (error instanceof QueryFailed)
    return `Athena: ${error.message}\nNo report was written. The query was:\n${error.sql}`;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall === "open")
    return `The report could not be written to ${path}: ${code}. Choose another file with --out.`;
  return explainError(error, target);
}
