// docs/decisions/README.md: the index of the decisions, from the entries in the files of that folder.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT_ROOT } from "../../stack/runs";

const FOLDER = "docs/decisions";
const INDEX = "README.md";

interface Decision {
  number: number;
  title: string;
  /** `accepted`, or `superseded by N`. */
  status: string;
  text: string;
}

export interface Area {
  file: string;
  title: string;
  decisions: Decision[];
}

/** Each file of the folder, in the order of the decisions' numbers. */
export function areas(folder = join(PROJECT_ROOT, FOLDER)): Area[] {
  const found = readdirSync(folder)
    .filter((name) => name.endsWith(".md") && name !== INDEX)
    .map((file) => readArea(file, readFileSync(join(folder, file), "utf8")));
  return found.sort((a, b) => (a.decisions[0]?.number ?? 0) - (b.decisions[0]?.number ?? 0));
}

export function readArea(file: string, text: string): Area {
  const title = /^# Decisions: (.+)$/m.exec(text)?.[1];
  if (title === undefined) throw new Error(`${FOLDER}/${file} must begin with "# Decisions: " and a title`);
  const decisions = text
    .split(/^#{2,3} (?=\d+\. )/m)
    .slice(1)
    .map((entry) => readDecision(file, entry.split(/^## /m)[0] ?? ""));
  return { file, title, decisions };
}

function readDecision(file: string, entry: string): Decision {
  const [, number = "", title = ""] = /^(\d+)\. (.+)$/m.exec(entry) ?? [];
  const status = /^Status: (accepted|superseded by \d+)$/m.exec(entry)?.[1];
  if (status === undefined) {
    throw new Error(
      `${FOLDER}/${file}, decision ${number}, needs a line "Status: accepted" or "Status: superseded by N"`,
    );
  }
  return { number: Number(number), title, status, text: entry };
}

/** GitHub's anchor of a heading. */
export function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

export function decisionsDocument(): string {
  return [
    "# Decisions",
    "",
    "What was decided, why, and what was rejected. `npm run docs` writes this index from the files in this folder; a test fails when it is not current.",
    "",
    "To add a decision: take the next free number, add the entry to the file of its area, and run `npm run docs`. An entry has a title that states the decision, a status (`accepted`, or `superseded by N`), and the paragraphs **Decision**, **Why** and, if there were alternatives, **Rejected**. Numbers never change. If a new decision replaces an old one, keep the old entry and set its status.",
    "",
    ...areas().flatMap(section),
  ].join("\n");
}

function section({ file, title, decisions }: Area): string[] {
  return [
    `## ${title.charAt(0).toUpperCase()}${title.slice(1)}`,
    "",
    "| number | decision | status |",
    "| ---: | --- | --- |",
    ...decisions.map(
      (decision) =>
        `| ${decision.number} | [${decision.title}](${file}#${anchor(`${decision.number}. ${decision.title}`)}) | ${decision.status} |`,
    ),
    "",
  ];
}
