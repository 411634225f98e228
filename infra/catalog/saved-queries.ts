// The queries that are saved in the Athena workgroup: one file per query in infra/catalog/queries. Those of the report
// are in its folder report/, and their names begin with "report-".

import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";

export interface SavedQuery {
  name: string;
  description: string;
  sql: string;
}

const FOLDER = path.join(__dirname, "queries");
const REPORT = "report";
const LOOK_BACK = /\bcurrent_date - INTERVAL '\d+' DAY/g;

export function savedQueries(): SavedQuery[] {
  const names = (folder: string) =>
    readdirSync(path.join(FOLDER, folder))
      .filter((file) => file.endsWith(".sql"))
      .map((file) => path.basename(file, ".sql"))
      .sort();
  return [...names("."), ...names(REPORT).map((name) => `${REPORT}-${name}`)].map(savedQuery);
}

/** The file begins with a comment line, which is the query's description. */
function savedQuery(name: string): SavedQuery {
  const file = `${name.replace(`${REPORT}-`, `${REPORT}/`)}.sql`;
  const sql = readFileSync(path.join(FOLDER, file), "utf8").trim();
  const [first = ""] = sql.split("\n");
  if (!first.startsWith("-- ")) {
    throw new Error(
      `infra/catalog/queries/${file} must begin with a line "-- what the query answers", got: ${first}`,
    );
  }
  return { name, description: first.slice(3), sql };
}

/** The statement of a saved query without its comment, over the days from `date` on instead of the last few days. */
export function sqlSince(name: string, date: string): string {
  const [, ...lines] = savedQuery(name).sql.split("\n");
  return lines.join("\n").replace(LOOK_BACK, `DATE '${date}'`);
}

/** The same for a query that ends with today: over the days from `first` to `last`, both included. */
export function sqlBetween(name: string, first: string, last: string): string {
  return sqlSince(name, first).replace(/\bcurrent_date\b/g, `DATE '${last}'`);
}
