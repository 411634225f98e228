// The report of an acceptance run, as JSON and as Markdown. Rows that are not as expected come first.
import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { PROJECT_ROOT } from "../../stack/runs";
import type { Journal, StepRecord } from "./journal";
import { commandOf, type Row } from "./row";
import type { Step } from "./steps";
import { type State, uncheckable, type Verdict } from "./verdict";

interface ReportedRow extends Verdict {
  id: string;
  what: string;
  command: string;
  see: string;
  ifNot: string;
}

export interface Report {
  stack: string;
  target: "aws" | "local";
  region: string;
  role?: string;
  began: string;
  counts: Record<State, number>;
  rows: ReportedRow[];
  steps: (StepRecord & { id: string; title: string })[];
}

export function reportOf({ progress }: Journal, rows: readonly Row[], steps: readonly Step[]): Report {
  const { stack, target, region, role, facts } = progress;
  const reported = rows.map((row) => {
    const { id, what, see, ifNot } = row;
    const verdict =
      "byPerson" in row
        ? uncheckable(row.byPerson)
        : (progress.verdicts[id] ?? uncheckable("the run ended before this check"));
    return { id, what, command: commandOf(row), see, ifNot, ...verdict };
  });
  const count = (state: State) => reported.filter((row) => row.state === state).length;
  return {
    stack,
    target,
    region,
    role,
    began: facts.began,
    counts: {
      seen: count("seen"),
      "not as expected": count("not as expected"),
      "not checkable by a program": count("not checkable by a program"),
    },
    rows: reported,
    steps: steps.flatMap(({ id, title }) => {
      const record = progress.steps[id];
      return record ? [{ id, title, ...record }] : [];
    }),
  };
}

/** Writes both files and returns their paths from the project's root. */
export function writeReport(folder: string, report: Report): { json: string; markdown: string } {
  const json = join(folder, "report.json");
  const markdown = join(folder, "report.md");
  writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(markdown, markdownOf(report));
  return { json: relative(PROJECT_ROOT, json), markdown: relative(PROJECT_ROOT, markdown) };
}

const ORDER: readonly State[] = ["not as expected", "not checkable by a program", "seen"];

export function markdownOf(report: Report): string {
  const where = report.target === "local" ? "the local stack" : `AWS, ${report.region}`;
  return [
    `# Acceptance of the stack ${report.stack} on ${where}`,
    "",
    `Began ${report.began}${report.role ? `, deployed as ${report.role}` : ""}: ${ORDER.map((state) => `${report.counts[state]} ${state}`).join(", ")}.`,
    "",
    ...ORDER.flatMap((state) => section(state, report)),
    "## Steps",
    "",
    "| step | | seconds | |",
    "| --- | --- | ---: | --- |",
    ...report.steps.map(
      ({ title, state, seconds, says }) =>
        `| ${cell(title)} | ${state} | ${Math.round(seconds)} | ${cell(says ?? "")} |`,
    ),
    "",
  ].join("\n");
}

function section(state: State, { rows }: Report): string[] {
  const found = rows.filter((row) => row.state === state);
  if (found.length === 0) return [];
  const last = state === "seen" ? "" : state === "not as expected" ? " what to do |" : " command |";
  return [
    `## ${state.slice(0, 1).toUpperCase()}${state.slice(1)} (${found.length})`,
    "",
    `| what | ${state === "not checkable by a program" ? "why" : "result"} |${last}`,
    `| --- | --- |${last && " --- |"}`,
    ...found.map(({ what, says, ifNot, command }) => {
      const more = state === "seen" ? "" : ` ${cell(state === "not as expected" ? ifNot : command)} |`;
      return `| ${cell(what)} | ${cell(says)} |${more}`;
    }),
    "",
  ];
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", "<br>");
}
