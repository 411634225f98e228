// docs/deployment.md with the table "To be seen once on AWS", from the rows of npm run accept.
import { commandOf, type Row } from "../accept/row";
import { ROWS } from "../accept/rows";

const HEADING = "## To be seen once on AWS";
const COLUMNS = ["what", "command", "what you should see", "what to do if not", "seen by"];

export function deploymentDocument(current: string): string {
  const head = [line(COLUMNS), line(COLUMNS.map(() => "---"))].join("\n");
  const section = current.indexOf(HEADING);
  const from = section < 0 ? -1 : current.indexOf(head, section);
  if (from < 0)
    throw new Error(`docs/deployment.md has no table under "${HEADING}" with the columns ${head}`);
  const begin = from + head.length;
  const end = current.indexOf("\n\n", begin);
  const rest = end < 0 ? "\n" : current.slice(end);
  return `${current.slice(0, begin)}\n${ROWS.map(rowLine).join("\n")}${rest}`;
}

function rowLine(row: Row): string {
  const by = "byPerson" in row ? `a person: ${row.byPerson}` : "`npm run accept`";
  return line([row.what, commandOf(row), row.see, row.ifNot, by]);
}

function line(cells: readonly string[]): string {
  // A bar would end the cell.
  return `| ${cells.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
}
