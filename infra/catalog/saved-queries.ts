// The queries that are saved in the Athena workgroup: one file per query in infra/catalog/queries.

import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";

export interface SavedQuery {
  name: string;
  description: string;
  sql: string;
}

const FOLDER = path.join(__dirname, "queries");
const LOOK_BACK = /\bcurrent_date - INTERVAL '\d+' DAY/g;

export function savedQueries(): SavedQuery[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".sql"))
    .sort()
    .map((file) => savedQuery(path.basename(file, ".sql")));
}

/** The file begins with a comment line, which is the query's description. */
function savedQuery(name: string): SavedQuery {
  const sql = readFileSync(path.join(FOLDER, `${name}.sql`), "utf8").trim();
  const [first = ""] = sql.split("\n");
  if (!first.startsWith("-- ")) {
    throw new Error(
      `infra/catalog/queries/${name}.sql must begin with a line "-- what the query answers", got: ${first}`,
    );
  }
  return { name, description: first.slice(3), sql };
}

/** The statement of a saved query without its comment, over the days from `date` on instead of the last few days. */
export function sqlSince(name: string, date: string): string {
  const [, ...lines] = savedQuery(name).sql.split("\n");
  return lines.join("\n").replace(LOOK_BACK, `DATE '${date}'`);
}
